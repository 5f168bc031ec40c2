use super::*;
use crate::seal::{Certificate, Keyring, SealedSecret, SealingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

const SMALL: &str = include_str!("../../../tests/keys/sealing-2048.key");
const SMALL_PKCS8: &str = include_str!("../../../tests/keys/sealing-2048.pkcs8");
const SMALL_CERTIFICATE: &str = include_str!("../../../tests/keys/sealing-2048.crt");
const LARGE: &str = include_str!("../../../tests/keys/sealing-4096.key");
const KUBESEAL: &str = include_str!("../../../tests/sealed/kubeseal-strict-2048.yaml");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read(text: &str) -> Result<Ring, RingError> {
    Ring::read(text, &"harbor".parse().unwrap(), at("2026-01-01T00:00:00Z"))
}

fn pair(pem: &str, since: &str) -> Pair {
    Pair::of(SealingKey::read(pem).unwrap(), &"harbor".parse().unwrap(), at(since)).unwrap()
}

fn ids(ring: &Ring) -> Vec<String> {
    ring.pairs().iter().map(|pair| pair.id().to_string()).collect()
}

/// Returns a ring of both keys of the tests: the large one seals.
fn two() -> Ring {
    let (ring, added) =
        Ring::from(pair(SMALL, "2026-01-01T00:00:00Z")).with(pair(LARGE, "2026-01-02T00:00:00Z").into());
    assert_eq!(added.len(), 1);
    ring
}

#[test]
fn the_key_with_the_latest_certificate_seals_whatever_came_first() {
    let later = two();
    let (earlier, _) =
        Ring::from(pair(LARGE, "2026-01-02T00:00:00Z")).with(pair(SMALL, "2026-01-01T00:00:00Z").into());
    assert_eq!(ids(&later), ids(&earlier));
    assert_eq!(later.newest().id(), pair(LARGE, "2026-01-02T00:00:00Z").id());
}

#[test]
fn what_it_writes_it_reads_back_as_json_and_as_yaml() {
    let ring = two();
    let json = ring.manifest();
    let json = std::str::from_utf8(&json).unwrap();
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let yaml = serde_saphyr::to_string(&value).unwrap();
    for text in [json, &yaml] {
        let read = read(text).unwrap();
        assert_eq!(ids(&read), ids(&ring));
        assert_eq!(read.certificates(), ring.certificates());
        assert_eq!(*read.manifest(), *ring.manifest());
    }
}

#[test]
fn a_secret_alone_is_read_as_repositories_had_it_at_first() {
    let ring = two();
    let list: serde_json::Value = serde_json::from_slice(&ring.manifest()).unwrap();
    assert_eq!(ids(&read(&list["items"][0].to_string()).unwrap()), ids(&ring)[..1]);
}

#[test]
fn pem_is_read_as_pkcs1_and_pkcs8_with_a_certificate_or_without() {
    let own = Certificate::read(SMALL_CERTIFICATE.as_bytes()).unwrap();
    for text in
        [format!("{SMALL}{SMALL_CERTIFICATE}"), format!("a comment\n{SMALL_CERTIFICATE}\n{SMALL_PKCS8}")]
    {
        let ring = read(&text).unwrap();
        assert_eq!((ring.newest().id(), ring.newest().certificate.until), (&own.id, own.until));
    }
    let bare = read(SMALL_PKCS8).unwrap();
    assert_eq!(bare.newest().id(), &own.id);
    assert_eq!(bare.newest().certificate.since, at("2026-01-01T00:00:00Z"));
    assert_eq!(ids(&read(&format!("{SMALL}{LARGE}")).unwrap()).len(), 2);
}

#[test]
fn what_is_no_key_is_refused_without_a_word_of_it() {
    let secret = |label: &str, key: &str, certificate: &str| {
        serde_json::json!({"kind": "Secret", "metadata": {"name": "k", "labels": {crate::seal::pair::LABEL: label}},
            "data": {"tls.key": key, "tls.crt": certificate}})
        .to_string()
    };
    let encoded = |text: &str| STANDARD.encode(text);
    let large = two();
    let cases = [
        (String::new(), "no sealing key is in it"),
        ("hunter2: [".to_owned(), "it is neither a Secret in YAML or JSON nor a key in PEM"),
        (SMALL_CERTIFICATE.to_owned(), "no sealing key is in it"),
        (SMALL.replace("MII", "AAA"), "this is no private RSA key in PEM (PKCS#1 or PKCS#8)"),
        (secret("compromised", &encoded(SMALL), &encoded(SMALL_CERTIFICATE)), "no sealing key is in it"),
        (
            secret("active", "hunter2", "x"),
            "Secret `k`: this is no private RSA key in PEM (PKCS#1 or PKCS#8)",
        ),
        (
            secret("active", &encoded(SMALL), &encoded(&large.newest().pem)),
            "Secret `k`: its certificate is missing, unreadable or another key's",
        ),
    ];
    for (text, expected) in cases {
        let error = read(&text).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[test]
fn a_value_opens_with_a_retired_key() {
    let ring = two();
    let retired = ring.retired()[0].id().clone();
    let sealed: SealedSecret = serde_saphyr::from_str(KUBESEAL).unwrap();
    let keys = Keyring::from(ring);
    for (key, text) in &sealed.spec.encrypted_data {
        assert_eq!(keys.open(&sealed.label(), key, text).unwrap().0, &retired);
    }
}

#[test]
fn the_key_that_seals_cannot_be_taken_out() {
    let mut ring = two();
    let [newest, retired] = [0, 1].map(|at: usize| ring.pairs()[at].id().clone());
    assert!(ring.take(&newest).is_none());
    assert_eq!(ring.take(&retired).unwrap().id(), &retired);
    assert_eq!(ids(&ring), [newest.to_string()]);
    assert!(ring.take(&retired).is_none());
}
