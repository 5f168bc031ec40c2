use super::*;
use std::fmt::Write;

const SEALED: &str = include_str!("../../../tests/sealed/kubeseal-strict-2048.yaml");
const PLAIN: &str = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: b}\n";

/// Returns `CODE line` of each finding of these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec())).collect();
    let inputs = Inputs { files, ..Inputs::default() };
    let mut findings = Findings::default();
    check(&inputs, &Manifests::of(&inputs), &mut findings);
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
fn a_sealed_secret_of_another_shape_is_not_taken_for_one_without_values() {
    let head = "kind: SealedSecret\nmetadata: {name: db, namespace: shop}\n";
    let cases = [
        ("kind: SealedSecret\nmetadata: []\n".to_owned(), vec!["KN0323 1", "KN0104 2"]),
        (format!("{head}spec: []\n"), vec!["KN0104 3"]),
        (format!("{head}spec: text\n"), vec!["KN0104 3"]),
        (format!("{head}spec: {{encryptedData: text}}\n"), vec!["KN0104 3"]),
        (format!("{head}spec: {{encryptedData: {{a: }}}}\n"), vec!["KN0324 3"]),
        (format!("{head}spec: {{encryptedData: {{a: [b]}}}}\n"), vec!["KN0324 3"]),
        (format!("{head}spec: {{encryptedData: {{a: 12}}}}\n"), vec!["KN0324 3"]),
        (format!("{head}spec: {{{{a: b}}: c}}\n"), vec!["KN0104 3"]),
        (format!("{head}items: [{{kind: Secret, data: {{a: b}}}}]\n"), vec!["KN0321 3"]),
        ("kind: [SealedSecret]\n".to_owned(), vec!["KN0322 1"]),
        ("- SealedSecret\n".to_owned(), vec!["KN0322 1"]),
        (PLAIN.replace("Secret", "\"\\x53ecret\""), vec!["KN0321 1"]),
    ];
    for (text, codes) in cases {
        assert_eq!(found(&[("sealed/shop/db.yaml", &text)]), codes, "{text}");
    }
}
