//! Sealed Secrets: values as they stand in a file, and the files around them.

use super::top;
use aws_lc_rs::rand::SystemRandom;
use knarr::seal::{Certificate, Plain, Scope, SealedFile, SealedSecret, SealingKey, Template, Value};
use knarr_node::name::DataKey;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Letters of base64 that are put in the place of others.
const LETTERS: [char; 16] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'a', 'b', 'c', 'd', '0', '1', '+', '/'];

/// Two keys of the tests, and the certificate of the first.
struct Keys {
    certificate: Certificate,
    opens: SealingKey,
    other: SealingKey,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let text = |name: &str| {
            let path = top().join("generator/tests/keys").join(name);
            std::fs::read_to_string(path).expect("the tests have keys")
        };
        let key = |name| SealingKey::read(&text(name)).expect("it is a key");
        let certificate =
            Certificate::read(text("sealing-2048.crt").as_bytes()).expect("it is a certificate");
        Keys { certificate, opens: key("sealing-2048.key"), other: key("sealing-4096.key") }
    })
}

fn value_key() -> DataKey {
    "value".parse().expect("it is a key of data")
}

/// Seals bytes for shop/db; none when they are more than Kubernetes takes.
fn sealed(bytes: &[u8]) -> Option<SealedSecret> {
    let plain = Plain {
        name: "db".parse().expect("it is a name"),
        namespace: "shop".parse().ok(),
        scope: Scope::Strict,
        values: BTreeMap::from([(value_key(), Value::from(bytes))]),
        template: Template::opaque(),
    };
    SealedSecret::seal(&keys().certificate, &plain, &SystemRandom::new()).ok()
}

fn opens(with: &SealingKey, sealed: &SealedSecret) -> Option<Vec<u8>> {
    Some(with.open(sealed).ok()?.remove(&value_key())?.0.to_vec())
}

/// A value, which its key opens to the same, and which nothing opens when one letter of it, its label or its key is another.
/// The first three bytes say which letter becomes which.
pub(super) fn value(bytes: &[u8]) {
    let Some(([high, low, letter], plain)) = bytes.split_first_chunk() else { return };
    let Some(there) = sealed(plain) else { return };
    let Keys { opens: key, other, .. } = keys();
    assert_eq!(opens(key, &there).as_deref(), Some(plain), "what was sealed opens to the same");
    assert_eq!(opens(other, &there), None, "another key opens it");
    let mut moved = there.clone();
    moved.metadata.name = "dc".parse().expect("it is a name");
    assert_eq!(opens(key, &moved), None, "it opens under another name");
    let mut moved = there.clone();
    moved.metadata.namespace = "shot".parse().ok();
    assert_eq!(opens(key, &moved), None, "it opens in another namespace");
    let mut changed = there;
    let text = changed.spec.encrypted_data.get_mut(&value_key()).expect("it was sealed");
    let at = usize::from(u16::from_be_bytes([*high, *low])) % text.trim_end_matches('=').len();
    let old = text.split_off(at);
    let new = LETTERS[usize::from(*letter) % LETTERS.len()];
    let rest = old.chars().skip(1);
    if old.starts_with(new) {
        return;
    }
    *text = text.chars().chain([new]).chain(rest).collect();
    assert_eq!(opens(key, &changed), None, "letter {at} of it became {new}, and it opens");
}

/// A file with sealed Secrets: to write them as they are changes no byte, and one new value is then read back.
pub(super) fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = SealedFile::read(text) else { return };
    let mut all: Vec<SealedSecret> = file.entries.iter().map(|entry| entry.sealed.clone()).collect();
    if let Some(same) = file.with(&all) {
        assert_eq!(same, text, "what does not change is written as it was");
    }
    for sealed in &all {
        let _ = keys().opens.open(sealed);
    }
    let Some(new) = all.last_mut().and_then(|last| last.spec.encrypted_data.values_mut().next()) else {
        return;
    };
    "AQAA".clone_into(new);
    let Some(changed) = file.with(&all) else { return };
    let read = SealedFile::read(&changed).expect("what was written can be read").entries;
    assert!(read.iter().map(|entry| &entry.sealed).eq(&all), "what is read is what was written");
}
