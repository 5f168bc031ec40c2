use super::*;
use crate::seal::{Certificate, Plain, Template};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const OLD: [&str; 2] = [
    include_str!("../../../tests/keys/sealing-2048.key"),
    include_str!("../../../tests/keys/sealing-2048.crt"),
];
const NEW: [&str; 2] = [
    include_str!("../../../tests/keys/sealing-4096.key"),
    include_str!("../../../tests/keys/sealing-4096.crt"),
];

fn sealed(certificate: &str) -> SealedSecret {
    let values = BTreeMap::from([("a".parse().unwrap(), Value::from(&b"1"[..]))]);
    let (name, namespace) = ("db".parse().unwrap(), "shop".parse().ok());
    let plain = Plain { name, namespace, scope: Scope::Strict, values, template: Template::opaque() };
    let to = Certificate::read(certificate.as_bytes()).unwrap();
    SealedSecret::seal(&to, &plain, &SystemRandom::new()).unwrap()
}

fn secret(key: &str) -> String {
    let key = STANDARD.encode(key);
    format!(
        r#"{{"kind":"Secret","metadata":{{"name":"k","namespace":"kube-system"}},"data":{{"tls.key":"{key}"}}}}"#
    )
}

#[test]
fn keys_are_read_from_pem_secrets_and_lists_and_each_opens_what_is_its_own() {
    let texts = [
        [OLD[0], OLD[1], NEW[0]].concat(),
        format!("---\n{}\n---\n{}\n", secret(OLD[0]), secret(NEW[0])),
        format!(r#"{{"kind":"List","items":[{},{}]}}"#, secret(NEW[0]), secret(OLD[0])),
    ];
    for text in texts {
        let keyring = Keyring::read(&text).unwrap();
        for [_, certificate] in [OLD, NEW, OLD] {
            let values = keyring.open_all(&sealed(certificate)).unwrap();
            assert_eq!(values.values().next().unwrap().0.as_slice(), b"1");
        }
    }
}

#[test]
fn what_is_no_key_is_refused_and_what_none_opens_is_told() {
    let none = secret("no key");
    for text in ["", "hunter2", OLD[1], "kind: Secret\nmetadata: {name: a}\n", &none] {
        assert_eq!(Keyring::read(text).unwrap_err(), KeyError::Read, "{text}");
    }
    let keyring = Keyring::read(OLD[0]).unwrap();
    let errors = keyring.open_all(&sealed(NEW[1])).unwrap_err();
    assert_eq!(errors, [OpenError::Refused { key: "a".parse().unwrap() }]);
}
