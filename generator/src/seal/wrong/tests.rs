use super::*;
use crate::seal::{Certificate, Plain, Template, Value};
use aws_lc_rs::rand::SystemRandom;
use std::collections::BTreeMap;

const KEY: &str = include_str!("../../../tests/keys/sealing-2048.key");
const CERTIFICATE: &str = include_str!("../../../tests/keys/sealing-2048.crt");
const OTHER: &str = include_str!("../../../tests/keys/sealing-4096.crt");

fn name(namespace: &str, name: &str) -> (Option<Namespace>, ObjectName) {
    (namespace.parse().ok(), name.parse().unwrap())
}

fn sealed(certificate: &str, scope: Scope) -> SealedSecret {
    let (namespace, name) = name("shop", "db");
    let values = BTreeMap::from([("a".parse().unwrap(), Value::from(&b"hunter2"[..]))]);
    let plain = Plain { name, namespace, scope, values, template: Template::opaque() };
    let to = Certificate::read(certificate.as_bytes()).unwrap();
    SealedSecret::seal(&to, &plain, &SystemRandom::new()).unwrap()
}

fn said(sealed: &SealedSecret) -> Option<String> {
    let names = [name("attic", "db"), name("shop", "db"), name("shop", "other")];
    let (key, text) = sealed.spec.encrypted_data.iter().next().unwrap();
    Keyring::read(KEY).unwrap().wrong(sealed, key, text, &names).map(|wrong| wrong.to_string())
}

#[test]
fn what_opens_is_not_wrong_and_what_does_not_says_why() {
    let strict = sealed(CERTIFICATE, Scope::Strict);
    assert_eq!(said(&strict), None);
    let mut wide = strict.clone();
    wide.metadata.annotations.insert("sealedsecrets.bitnami.com/cluster-wide".to_owned(), "true".to_owned());
    assert_eq!(said(&wide).unwrap(), "it was sealed strict, and its file says cluster-wide");
    let mut moved = strict.clone();
    (moved.metadata.namespace, moved.metadata.name) = name("shop", "other");
    assert_eq!(said(&moved).unwrap(), "it was sealed for shop/db");
    let mut moved = sealed(CERTIFICATE, Scope::NamespaceWide);
    moved.metadata.namespace = "attic".parse().ok();
    assert_eq!(said(&moved).unwrap(), "it was sealed for the namespace shop");
    let unknown = "no known key opens it, for any Secret or namespace that is here";
    assert_eq!(said(&sealed(OTHER, Scope::Strict)).unwrap(), unknown);
}

#[test]
fn a_value_that_was_changed_or_is_none_is_told_apart() {
    let mut there = sealed(CERTIFICATE, Scope::Strict);
    let text = there.spec.encrypted_data.values_mut().next().unwrap();
    let at = text.len() - 6;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, other);
    assert_eq!(said(&there).unwrap(), "it was changed after it was sealed");
    *there.spec.encrypted_data.values_mut().next().unwrap() = "AQ==".to_owned();
    assert_eq!(said(&there).unwrap(), "it is no sealed value");
}
