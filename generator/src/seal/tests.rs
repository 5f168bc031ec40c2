mod known;

use super::*;
use crate::emit::{Line, yaml};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::test::rand::FixedByteRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use knarr_node::name::DataKey;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Keys that openssl made, and their fingerprints as ssh-keygen prints them.
const KEYS_OF_TESTS: [(&str, &str, &str); 2] = [
    (
        include_str!("../../tests/keys/sealing-2048.key"),
        include_str!("../../tests/keys/sealing-2048.crt"),
        "SHA256:na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU",
    ),
    (
        include_str!("../../tests/keys/sealing-4096.key"),
        include_str!("../../tests/keys/sealing-4096.crt"),
        "SHA256:jgwbGGBq3am7FbhvZqeMroe99/ePyjdesiFOu7AyiWA",
    ),
];

/// What kubeseal v0.27.1 made of the values below, by scope and key.
const KUBESEAL: [(Scope, usize, &str); 6] = [
    (Scope::Strict, 0, include_str!("../../tests/sealed/kubeseal-strict-2048.yaml")),
    (Scope::Strict, 1, include_str!("../../tests/sealed/kubeseal-strict-4096.yaml")),
    (Scope::NamespaceWide, 0, include_str!("../../tests/sealed/kubeseal-namespace-wide-2048.yaml")),
    (Scope::NamespaceWide, 1, include_str!("../../tests/sealed/kubeseal-namespace-wide-4096.yaml")),
    (Scope::ClusterWide, 0, include_str!("../../tests/sealed/kubeseal-cluster-wide-2048.yaml")),
    (Scope::ClusterWide, 1, include_str!("../../tests/sealed/kubeseal-cluster-wide-4096.yaml")),
];

fn values() -> BTreeMap<DataKey, Value> {
    let all: [(&str, &[u8]); 4] = [
        ("binary", &[0, 255, 254, 128, 129]),
        ("empty", b""),
        ("password", b"hunter2"),
        ("text", "grüße 🦀\n".as_bytes()),
    ];
    all.into_iter().map(|(key, value)| (key.parse().unwrap(), value.into())).collect()
}

fn plain(scope: Scope) -> Plain {
    let (name, namespace) = ("db".parse().unwrap(), "shop".parse().ok());
    Plain { name, namespace, scope, values: values(), template: Template::opaque() }
}

fn pair(which: usize) -> (SealingKey, Certificate) {
    let (key, certificate, _) = KEYS_OF_TESTS[which];
    (SealingKey::read(key).unwrap(), Certificate::read(certificate.as_bytes()).unwrap())
}

fn sealed(scope: Scope, which: usize) -> (SealingKey, SealedSecret) {
    let (key, certificate) = pair(which);
    (key, SealedSecret::seal(&certificate, &plain(scope), &SystemRandom::new()).unwrap())
}

#[test]
fn a_key_has_the_fingerprint_that_ssh_keygen_prints() {
    for (which, (_, _, id)) in KEYS_OF_TESTS.iter().enumerate() {
        let (key, certificate) = pair(which);
        assert_eq!((key.id.to_string(), certificate.id.to_string()), ((*id).to_owned(), (*id).to_owned()));
    }
}

#[test]
fn opens_what_kubeseal_sealed() {
    for (scope, which, file) in KUBESEAL {
        let there: SealedSecret = serde_saphyr::from_str(file).unwrap();
        assert!(there.is_known());
        assert_eq!(there.scope(), scope);
        assert_eq!(pair(which).0.open(&there).unwrap(), values(), "{scope} {which}");
    }
}

#[test]
fn opens_what_it_sealed_after_it_was_written_and_read() {
    for (scope, which, _) in KUBESEAL {
        let (key, there) = sealed(scope, which);
        let text = yaml::to_string(&there, Line::Fits).unwrap();
        let read: SealedSecret = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, there);
        assert_eq!(key.open(&read).unwrap(), values(), "{scope} {which}");
    }
}

#[test]
fn opens_only_where_its_scope_says() {
    let moves: [(Scope, &str, &str, bool); 6] = [
        (Scope::Strict, "shop", "other", false),
        (Scope::Strict, "other", "db", false),
        (Scope::NamespaceWide, "shop", "other", true),
        (Scope::NamespaceWide, "other", "db", false),
        (Scope::ClusterWide, "other", "other", true),
        (Scope::ClusterWide, "shop", "other", true),
    ];
    for (scope, namespace, name, opens) in moves {
        let (key, mut there) = sealed(scope, 0);
        there.metadata.namespace = namespace.parse().ok();
        there.metadata.name = name.parse().unwrap();
        assert_eq!(key.open(&there).is_ok(), opens, "{scope} in {namespace}/{name}");
    }
}

#[test]
fn a_scope_cannot_be_widened_by_its_annotation() {
    let (key, mut there) = sealed(Scope::Strict, 0);
    Scope::ClusterWide.annotate(&mut there.metadata.annotations);
    assert_eq!(key.open(&there), Err(OpenError::Refused { key: "binary".parse().unwrap() }));
}

#[test]
fn a_file_says_which_key_sealed_it() {
    let (key, mut there) = sealed(Scope::Strict, 0);
    assert_eq!(there.sealed_by(), Some(key.id.to_string().as_str()));
    let (newer, certificate) = pair(1);
    there.replace(&certificate, &plain(Scope::Strict), &SystemRandom::new()).unwrap();
    assert_eq!(there.sealed_by(), Some(newer.id.to_string().as_str()));
    assert_eq!(serde_saphyr::from_str::<SealedSecret>(KUBESEAL[0].2).unwrap().sealed_by(), None);
}

#[test]
fn another_key_does_not_open_it() {
    let (_, there) = sealed(Scope::Strict, 0);
    assert!(pair(1).0.open(&there).is_err());
}

#[test]
fn the_same_randomness_gives_the_bytes_that_go_gives() {
    // Source: Go 1.26, crypto/cipher, AES-256-GCM of `hunter2` with 32 bytes of 0x2a and a nonce of zeros.
    let expected = "b0d44ccecc6d7d146223d4a446eeef178c7b04aa5030e4";
    let (_, certificate) = pair(1);
    let random = FixedByteRandom { byte: 0x2a };
    let bytes = wire::encrypt(&certificate.key, b"shop/db", b"hunter2", &random).unwrap();
    assert_eq!(bytes[..2], [2, 0], "RSA with 4096 bits has 512 bytes");
    assert_eq!(knarr_node::name::hex(&bytes[2 + 512..]), expected);
}

#[test]
fn a_cut_value_is_no_value() {
    let (key, mut there) = sealed(Scope::Strict, 0);
    for text in ["", "AQ==", "AQAA", "no base64!", "AAAB"] {
        there.spec.encrypted_data = BTreeMap::from([("password".parse().unwrap(), text.to_owned())]);
        assert_eq!(key.open(&there), Err(OpenError::NoValue { key: "password".parse().unwrap() }), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_changed_byte_is_refused(value: Vec<u8>, at: prop::sample::Index, change in 1..=255u8) {
        let (key, certificate) = pair(0);
        let one = BTreeMap::from([("value".parse::<DataKey>().unwrap(), Value::from(&value[..]))]);
        let plain = Plain { values: one, ..plain(Scope::Strict) };
        let mut there = SealedSecret::seal(&certificate, &plain, &SystemRandom::new()).unwrap();
        prop_assert_eq!(key.open(&there).unwrap(), plain.values);
        let text = there.spec.encrypted_data.values_mut().next().unwrap();
        let mut bytes = STANDARD.decode(&text).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        *text = STANDARD.encode(bytes);
        prop_assert!(key.open(&there).is_err());
    }
}

#[test]
fn what_kubernetes_would_refuse_is_not_sealed() {
    let (_, certificate) = pair(0);
    let seal = |size: usize| {
        let values = [("a", size - 1), ("b", 1)].map(|(key, size)| (key.parse().unwrap(), vec![7; size]));
        let values = values.into_iter().map(|(key, bytes)| (key, Value::from(&bytes[..]))).collect();
        SealedSecret::seal(&certificate, &Plain { values, ..plain(Scope::Strict) }, &SystemRandom::new())
    };
    assert!(seal(1 << 20).is_ok());
    assert_eq!(seal((1 << 20) + 1), Err(SealError::TooLarge));
}

#[test]
fn sealing_again_keeps_what_people_added() {
    let (key, certificate) = pair(0);
    let mut there: SealedSecret = serde_saphyr::from_str(KUBESEAL[2].2).unwrap();
    there.metadata.rest.insert("labels".to_owned(), serde_json::json!({"team": "a"}));
    let values = BTreeMap::from([("new".parse().unwrap(), Value::from(&b"1"[..]))]);
    let again = Plain { values: values.clone(), ..plain(Scope::Strict) };
    there.replace(&certificate, &again, &SystemRandom::new()).unwrap();
    assert_eq!(key.open(&there).unwrap(), values);
    assert_eq!(there.scope(), Scope::Strict);
    let text = yaml::to_string(&there, Line::Fits).unwrap();
    assert!(
        text.contains("team: a") && text.contains("tier: back") && text.contains("type: Opaque"),
        "{text}"
    );
    assert!(!text.contains("namespace-wide"), "the old scope is told nowhere: {text}");
}

#[test]
fn a_certificate_that_cannot_seal_says_why() {
    let pem = KEYS_OF_TESTS[0].1;
    let until = Certificate::read(pem.as_bytes()).unwrap().until;
    assert!(Certificate::valid(pem.as_bytes(), until).is_ok());
    let late = until.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
    let of = |pem: &str, now: Timestamp| Certificate::valid(pem.as_bytes(), now).unwrap_err();
    assert_eq!(of(pem, late), CertificateError::Expired { since: until });
    assert_eq!(of("", until), CertificateError::NotPem);
    assert_eq!(of(KEYS_OF_TESTS[0].0, until), CertificateError::NotPem);
    assert_eq!(of(include_str!("../../tests/keys/ec.crt"), until), CertificateError::NotRsa);
    assert_eq!(
        of(include_str!("../../tests/keys/rsa-1024.crt"), until),
        CertificateError::Weak { bits: 1024 }
    );
}

#[test]
fn a_private_key_is_read_as_pkcs1_and_pkcs8_and_written_as_pkcs1() {
    let pkcs8 = SealingKey::read(include_str!("../../tests/keys/sealing-2048.pkcs8")).unwrap();
    assert_eq!(pkcs8.id, pair(0).0.id);
    assert_eq!(pkcs8.pem().as_str(), KEYS_OF_TESTS[0].0);
    assert_eq!(SealingKey::read(KEYS_OF_TESTS[0].1).unwrap_err(), KeyError::Read);
}

#[test]
fn a_new_pair_is_one_that_the_controller_would_have_made() {
    let (key, _) = pair(1);
    let pair = Pair::of(key, &"harbor".parse().unwrap(), "2026-11-21T08:30:00Z".parse().unwrap()).unwrap();
    assert_eq!(pair.certificate.id, pair.key.id);
    assert_eq!(pair.certificate.since.to_string(), "2026-11-21T08:30:00Z");
    assert_eq!(pair.certificate.until.to_string(), "2036-11-21T08:30:00Z");
    let certificate = pair.pem.clone();
    let list: serde_json::Value = serde_json::from_slice(&Ring::from(pair).manifest()).unwrap();
    assert_eq!(list["kind"], "List");
    let manifest = &list["items"][0];
    assert_eq!(manifest["kind"], "Secret");
    assert_eq!(manifest["type"], "kubernetes.io/tls");
    assert_eq!(manifest["metadata"]["namespace"], "kube-system");
    assert_eq!(manifest["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"], "active");
    let decoded = |key: &str| STANDARD.decode(manifest["data"][key].as_str().unwrap()).unwrap();
    assert_eq!(decoded("tls.key"), KEYS_OF_TESTS[1].0.as_bytes());
    assert_eq!(decoded("tls.crt"), certificate.as_bytes());
}

#[test]
fn no_value_and_no_key_is_shown_by_debug() {
    let (key, certificate) = pair(0);
    let secret_line = key.pem().lines().nth(5).unwrap().to_owned();
    let pair = Pair::of(key, &"harbor".parse().unwrap(), "2026-11-21T00:00:00Z".parse().unwrap()).unwrap();
    let shown = format!("{:?} {certificate:?} {:?}", plain(Scope::Strict), Ring::from(pair));
    assert!(!shown.contains("hunter2") && !shown.contains(&secret_line), "{shown}");
    assert!(!shown.contains("104, 117, 110"), "bytes are values too: {shown}");
}
