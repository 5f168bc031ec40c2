use super::*;
use std::fmt::Write;

const SEALED: &str = include_str!("../../../tests/sealed/kubeseal-strict-2048.yaml");
const PLAIN: &str = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: b}\n";

/// Returns `CODE line` of each finding of these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec())).collect();
    let inputs = Inputs { files, ..Inputs::default() };
    let mut findings = Findings::default();
    check(&inputs, &mut findings);
    let line = |finding: &crate::finding::Finding| {
        let mut line = finding.fault.code().to_owned();
        if let Some((start, _)) = finding.place.span {
            let text = inputs.text(finding.place.path.as_str()).unwrap();
            write!(line, " {}", text[..start].matches('\n').count() + 1).unwrap();
        }
        line
    };
    findings.iter().map(line).collect()
}

#[test]
fn what_is_sealed_where_it_belongs_is_fine() {
    let two = format!("{SEALED}\n{SEALED}");
    assert_eq!(found(&[("sealed/shop/db.sealed.yaml", SEALED), ("sealed/shop/two.yaml", &two)]), [""; 0]);
    assert_eq!(found(&[("apps/shop/db.sealed.yaml", SEALED)]), [""; 0]);
}

#[test]
fn finds_each_single_fault() {
    let plain_data = PLAIN.replace("stringData", "data");
    let list = "kind: List\nitems:\n- kind: ConfigMap\n- kind: Secret\n  data: {a: Yg==}\n";
    let after = format!("kind: ConfigMap\n---\n{PLAIN}");
    let changed = SEALED.replace("password: A", "password: '!'\n    more: A");
    let cases: [(&str, &str, &str); 12] = [
        ("sealed/shop/db.yaml", PLAIN, "KN0321 1"),
        ("apps/shop/db.yaml", PLAIN, "KN0321 1"),
        ("apps/shop/db.json", r#"{"kind": "Secret", "data": {"a": "Yg=="}}"#, "KN0321 1"),
        ("apps/shop/db.yaml", &plain_data, "KN0321 1"),
        ("apps/shop/list.yaml", list, "KN0321 4"),
        ("apps/shop/all.yml", &after, "KN0321 3"),
        ("sealed/shop/map.yaml", "kind: ConfigMap\nmetadata: {name: a, namespace: shop}\n", "KN0322 1"),
        ("sealed/other/db.yaml", SEALED, "KN0323 7"),
        ("sealed/shop/none.yaml", "kind: SealedSecret\nmetadata: {name: a}\n", "KN0323 1"),
        ("sealed/shop/db.yaml", &changed, "KN0324 12"),
        ("sealed/db.yaml", SEALED, "KN0113"),
        ("secrets/sealing.crt", "no certificate", "KN0325"),
    ];
    for (path, text, fault) in cases {
        assert_eq!(found(&[(path, text)]), [fault], "{path}: {text}");
    }
}

#[test]
fn what_is_no_secret_or_no_yaml_in_an_app_is_left_alone() {
    let files = [
        ("apps/shop/token.yaml", "kind: Secret\ntype: kubernetes.io/service-account-token\n"),
        ("apps/shop/chart.yaml", "kind: Secret\n{{ if .Values.on }}\ndata: {a: b}\n{{ end }}\n"),
        ("apps/shop/deploy.yaml", "kind: Deployment\nspec: [what, ever]\nmetadata: {name: Secret}\n"),
        ("apps/shop/README.md", PLAIN),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn a_broken_file_among_the_sealed_is_found() {
    assert_eq!(found(&[("sealed/shop/db.yaml", "kind: [")]).len(), 1);
}
