use super::*;
use crate::seal::Scope;

const YAML: &str = "\
# ours
kind: ConfigMap
metadata: {name: a}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret # keep
metadata:
  name: db
  namespace: shop
spec:
  encryptedData:
    a: AQAA # first
    b: 'AQAB'
  template:
    type: Opaque
";

fn changed(text: &str, change: impl Fn(&mut SealedSecret)) -> Option<String> {
    let file = SealedFile::read(text).unwrap();
    let mut new: Vec<SealedSecret> = file.entries.iter().map(|entry| entry.sealed.clone()).collect();
    new.iter_mut().for_each(change);
    file.with(&new)
}

fn put(sealed: &mut SealedSecret, key: &str, value: &str) {
    sealed.spec.encrypted_data.insert(key.parse().unwrap(), value.to_owned());
}

#[test]
fn only_the_values_that_change_change() {
    assert_eq!(changed(YAML, |_| {}).unwrap(), YAML);
    let both = changed(YAML, |sealed| {
        put(sealed, "a", "BBBB");
        put(sealed, "b", "CCCC");
    });
    assert_eq!(both.unwrap(), YAML.replace("AQAA", "BBBB").replace("AQAB", "CCCC"));
    let added = changed(YAML, |sealed| {
        put(sealed, "c", "DDDD");
        put(sealed, "d", "EEEE");
    });
    assert_eq!(added.unwrap(), YAML.replace("'AQAB'\n", "'AQAB'\n    c: DDDD\n    d: EEEE\n"));
    let removed = changed(YAML, |sealed| sealed.spec.encrypted_data.retain(|key, _| key.as_str() == "b"));
    assert_eq!(removed.unwrap(), YAML.replace("    a: AQAA # first\n", ""));
}

#[test]
fn the_note_of_the_key_comes_and_changes_in_place() {
    let note = |by: &'static str| {
        move |sealed: &mut SealedSecret| {
            sealed.metadata.annotations.insert(SEALED_BY.to_owned(), by.to_owned());
        }
    };
    let first = changed(YAML, note("SHA256:a+/")).unwrap();
    let line = "  annotations: {knarr/sealing-key: \"SHA256:a+/\"}\n  name: db";
    assert_eq!(first, YAML.replace("  name: db", line));
    assert_eq!(changed(&first, note("SHA256:b")).unwrap(), first.replace("a+/", "b"));
    let wide = YAML.replace("  name: db", "  annotations:\n    owner: me\n  name: db");
    let noted = changed(&wide, note("SHA256:b")).unwrap();
    assert_eq!(noted, wide.replace("    owner", "    knarr/sealing-key: SHA256:b\n    owner"));
}

#[test]
fn what_cannot_be_edited_is_written_anew_unless_it_is_not_all_ours() {
    let json = r#"{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"}, "spec": {"encryptedData": {"a": "AQAA"}}}"#;
    let value = changed(json, |sealed| put(sealed, "a", "BBBB")).unwrap();
    assert_eq!(value, json.replace("AQAA", "BBBB"));
    let more = changed(json, |sealed| put(sealed, "b", "BBBB")).unwrap();
    assert!(
        more.starts_with("{\n")
            && SealedFile::read(&more).unwrap().entries[0].sealed.spec.encrypted_data.len() == 2
    );
    assert_eq!(SealedFile::read(json).unwrap().entries[0].sealed.scope(), Scope::Strict);
    assert_eq!(changed(YAML, |sealed| sealed.api_version = "v2".to_owned()), None);
}

#[test]
fn lists_are_read_and_what_is_no_sealed_secret_is_told() {
    let item = "apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: a}, spec: {encryptedData: {a: AQAA}}";
    let list = format!("kind: List\nitems:\n- {{kind: Pod}}\n- {{{item}}}\n");
    let file = SealedFile::read(&list).unwrap();
    assert_eq!(file.entries[0].place, "document 1, item 2");
    assert!(changed(&list, |sealed| put(sealed, "a", "BBBB")).unwrap().contains("{a: BBBB}"));
    let error = SealedFile::read("kind: SealedSecret\nmetadata: {name: a}\n").unwrap_err();
    assert!(error.to_string().starts_with("document 1 is no SealedSecret"), "{error}");
    assert_eq!(
        SealedFile::read("a: 'b").unwrap_err().to_string(),
        "line 1, column 4 is neither YAML nor JSON"
    );
}
