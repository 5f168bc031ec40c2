use super::*;

/// Of the two keys of the tests, the cluster uses both.
const REPORT: &str = r#"{"commit": "0000000000000000000000000000000000000000", "how": "converged", "strange_keys":
    ["SHA256:na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU", "SHA256:jgwbGGBq3am7FbhvZqeMroe99/ePyjdesiFOu7AyiWA"]}"#;

fn found(report: &str, certificates: &str) -> Vec<String> {
    let mut inputs = Inputs::default();
    inputs.files.insert(CERTIFICATE.parse().unwrap(), certificates.as_bytes().to_vec());
    let mut findings = Findings::default();
    strange(&serde_json::from_str(report).unwrap(), &inputs, &mut findings);
    findings.iter().map(|it| format!("{} {}", it.fault.code(), it.fault.message())).collect()
}

#[test]
fn keys_of_the_cluster_that_were_imported_meanwhile_are_strange_no_more() {
    let [small, large] = [
        include_str!("../../../tests/keys/sealing-2048.crt"),
        include_str!("../../../tests/keys/sealing-4096.crt"),
    ];
    let line =
        |key| format!("KN0335 the cluster uses a sealing key that is not in this repository: SHA256:{key}");
    let [first, second] =
        ["jgwbGGBq3am7FbhvZqeMroe99/ePyjdesiFOu7AyiWA", "na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU"]
            .map(line);
    assert_eq!(found(REPORT, ""), [first.clone(), second]);
    assert_eq!(found(REPORT, small), [first]);
    assert_eq!(found(REPORT, &format!("{large}{small}")), [""; 0]);
}

#[test]
fn a_report_of_an_older_knarrd_names_no_keys_and_no_report_brings_other_words() {
    let older = r#"{"commit": "0000000000000000000000000000000000000000", "how": "converged"}"#;
    assert_eq!(found(older, ""), [""; 0]);
    assert!(serde_json::from_str::<ClusterReport>(&REPORT.replace("+RU", "\\u001b")).is_err());
}
