//! `knarr seal --from-secret`: many Secrets, all or none.

use crate::home::{Home, files};
use crate::seal::{DB, KEY, home, open, seal, values};
use std::fs;

const TWO: &str = "\
kind: Secret
metadata: {name: db, namespace: shop, labels: {tier: back}, annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}}
type: kubernetes.io/basic-auth
immutable: true
data: {password: aHVudGVyMg==}
stringData: {user: me}
---
kind: List
items:
- kind: Secret
  metadata: {name: tls, namespace: attic, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}
  stringData: {tls.crt: c}
";

fn sealed_files(home: &Home) -> usize {
    let path = home.path("harbor/sealed");
    if path.exists() { files(&path).len() } else { 0 }
}

#[test]
fn all_secrets_of_a_text_are_sealed_with_what_else_they_say() {
    let home = home();
    let before = sealed_files(&home);
    let said = seal(&home, &["-f", "-"], TWO.as_bytes());
    let expected = format!(
        " ✓ wrote sealed/shop/db.sealed.yaml   Secret shop/db, strict, 2 keys, opens with key {KEY}\n \
         ✓ wrote sealed/attic/tls.sealed.yaml   Secret attic/tls, cluster-wide, 1 key, opens with key {KEY}\n"
    );
    assert_eq!(said, expected);
    assert_eq!(sealed_files(&home), before + 2);
    assert_eq!(open(&home, DB), values([("password", "hunter2"), ("user", "me")]));
    let text = fs::read_to_string(home.path(DB)).unwrap();
    for kept in ["tier: back", "type: kubernetes.io/basic-auth", "immutable: true"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(open(&home, "harbor/sealed/attic/tls.sealed.yaml"), values([("tls.crt", "c")]));
    assert_eq!(home.knarr("harbor", &["check"]).lines().last(), Some(" ✓ harbor with 3 machines: no errors"));
}

#[test]
fn all_mistakes_are_told_and_nothing_is_written() {
    let home = home();
    let before = sealed_files(&home);
    let bad = "kind: Secret\nmetadata: {name: api}\ndata: {key: hunter2!}\n---\nkind: ConfigMap\nmetadata: {name: x}\n";
    home.write("harbor/two.yaml", TWO);
    home.write("harbor/bad.yaml", bad);
    let said = seal(&home, &["-f", "two.yaml", "-f", "bad.yaml"], b"");
    let expected = " ✗ bad.yaml, document 1 (api): key `key` in `data` is no base64
 ✗ bad.yaml, document 1 (api): it has no `metadata.namespace`
 ✗ bad.yaml, document 2 (x): it is no Secret: its kind is `ConfigMap`
error: 3 mistakes: nothing was sealed, nothing was written
help: what is no base64 belongs under `stringData`
exit 1
";
    assert_eq!(said, expected);
    assert_eq!(sealed_files(&home), before);
    let said = seal(&home, &["-f", "bad.yaml", "--output", "json"], b"");
    let rows = said.split("\nerror:").next().unwrap();
    let rows: serde_json::Value = serde_json::from_str(rows).unwrap();
    assert_eq!((&rows[0]["place"], &rows[0]["secret"]), (&"document 1".into(), &"api".into()));
    let twice = "kind: Secret\nmetadata: {name: api, namespace: shop}\nstringData: {a: b}\n"
        .repeat(2)
        .replace("}\nkind", "}\n---\nkind");
    let said = seal(&home, &["-f", "-"], twice.as_bytes());
    assert!(said.contains("standard input, document 2 (shop/api): its file would be that of"), "{said}");
    let empty = "kind: Secret\nmetadata: {name: api, namespace: shop}\n";
    assert!(seal(&home, &["-f", "-"], empty.as_bytes()).contains("it has no values"));
    assert_eq!(sealed_files(&home), before);
    assert!(seal(&home, &["-f", "-", "--allow-empty-data"], empty.as_bytes()).contains("0 keys"));
}

#[test]
fn keys_that_would_vanish_are_told_for_all_secrets() {
    let home = home();
    seal(&home, &["-f", "-"], TWO.as_bytes());
    let fewer = TWO.replace("stringData: {user: me}\n", "").replace("tls.crt: c", "crt: c");
    let said = seal(&home, &["-f", "-"], fewer.as_bytes());
    let lost = "shop/db loses what is not given now: user; attic/tls loses what is not given now: tls.crt";
    assert!(said.starts_with(&format!("error: {lost}\n")) && said.ends_with("exit 1\n"), "{said}");
    assert_eq!(open(&home, DB).len(), 2);
    seal(&home, &["-f", "-", "--force"], fewer.as_bytes());
    assert_eq!(open(&home, DB).len(), 1);
}

#[test]
fn the_values_of_a_secret_go_into_a_sealed_one() {
    let home = home();
    seal(
        &home,
        &["db", "-n", "shop", "--scope", "namespace-wide", "--from-literal", "a=1", "--from-literal", "b=2"],
        b"",
    );
    let more = "kind: Secret\nmetadata: {name: db, labels: {tier: back}}\nstringData: {b: '3', c: '4'}\n";
    let path = "sealed/shop/db.sealed.yaml";
    let said = seal(&home, &["-f", "-", "--merge-into", path], more.as_bytes());
    assert!(said.contains("Secret shop/db, namespace-wide, 3 keys"), "{said}");
    assert_eq!(open(&home, DB), values([("a", "1"), ("b", "3"), ("c", "4")]));
    assert!(fs::read_to_string(home.path(DB)).unwrap().contains("tier: back"));
    let before = fs::read(home.path(DB)).unwrap();
    let cases = [
        (more.replace("db", "other"), &[][..], "is for the Secret shop/db, and this is shop/other"),
        (more.to_owned(), &["--scope", "strict"], "is namespace-wide, and this is strict"),
        (more.replace("db,", "db, namespace: attic,"), &[], "its namespace is `attic`, and not `shop`"),
    ];
    for (text, args, message) in cases {
        let said = seal(&home, &[&["-f", "-", "--merge-into", path], args].concat(), text.as_bytes());
        assert!(said.contains(message) && said.contains("\nhelp: "), "{said}");
        assert_eq!(fs::read(home.path(DB)).unwrap(), before);
    }
}
