//! What sealed files say of their key, and of what they were sealed for, held against the keys that the repository has.
//!
//! It believes the files: whether a key opens a value is known only to who has it.

use super::{CERTIFICATE, Certificate, KeyId, Scope};
use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place};
use crate::spec::{At, parse_all};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use knarr_node::name::RepoPath;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Annotation with the fingerprint of the key that sealed all values of a file: ciphertext does not tell.
pub(super) const SEALED_BY: &str = "knarr/sealing-key";

/// How long before its end a certificate is warned of, in days: as long as sealed-secrets' controller renews before.
const SOON: i64 = 30;

/// As much of a SealedSecret as tells for what it was sealed, and with which key.
#[derive(Debug, Default, Deserialize)]
struct Object {
    #[serde(default)]
    kind: At<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: At<String>,
    #[serde(default)]
    namespace: At<String>,
    #[serde(default)]
    annotations: BTreeMap<String, At<String>>,
}

#[derive(Debug, Default, Deserialize)]
struct Spec {
    #[serde(default)]
    template: Template,
}

/// The Secret around the values: its name and namespace are those that it was sealed for, for nobody reads them again.
#[derive(Debug, Default, Deserialize)]
struct Template {
    #[serde(default)]
    metadata: Metadata,
}

/// Whether a file may hold a SealedSecret.
pub fn is_sealed(bytes: &[u8]) -> bool {
    const WORD: &[u8] = b"SealedSecret";
    bytes.windows(WORD.len()).any(|window| window == WORD)
}

/// Returns the fingerprints of the keys that sealed a file, as it says itself.
pub fn sealed_by(path: &RepoPath, bytes: &[u8]) -> Vec<String> {
    let keys = sealed(path, bytes).into_iter();
    keys.filter_map(|mut sealed| Some(sealed.metadata.annotations.remove(SEALED_BY)?.value)).collect()
}

/// Reads the SealedSecrets of a file; what is no YAML is found elsewhere.
fn sealed(path: &RepoPath, bytes: &[u8]) -> Vec<Object> {
    if !is_sealed(bytes) {
        return Vec::new();
    }
    let objects: Vec<Object> = parse_all(path, bytes).unwrap_or_default();
    let all = objects.into_iter().flat_map(|mut object| {
        let items = std::mem::take(&mut object.items);
        std::iter::once(object).chain(items)
    });
    all.filter(|object| object.kind.value == "SealedSecret").collect()
}

/// Reports certificates that are none, what other keys than the newest sealed, and what was sealed for another place;
/// returns the keys, newest first.
pub(crate) fn check(inputs: &Inputs, findings: &mut Findings) -> Vec<KeyId> {
    let keys: Vec<KeyId> = certificates(inputs, findings).into_iter().map(|known| known.id).collect();
    for (path, bytes) in &inputs.files {
        for object in sealed(path, bytes) {
            key(path, &object, &keys, findings);
            place(path, &object, findings);
        }
    }
    keys
}

/// Warns of a certificate that ends soon; only this asks for the day, and no output depends on it.
pub(crate) fn ends(inputs: &Inputs, today: Date, findings: &mut Findings) {
    let Some(Ok(newest)) = inputs.get(CERTIFICATE).map(Certificate::read) else { return };
    let last = newest.until.to_zoned(TimeZone::UTC).date();
    let soon = today.saturating_add(jiff::Span::new().days(SOON));
    if last <= soon {
        let path = CERTIFICATE.parse().expect("it is a path in the repository");
        findings.add(Place::file(&path), Fault::CertificateEnds { until: last.to_string() });
    }
}

fn certificates(inputs: &Inputs, findings: &mut Findings) -> Vec<Certificate> {
    let Some(pem) = inputs.get(CERTIFICATE) else { return Vec::new() };
    Certificate::read_all(pem).unwrap_or_else(|why| {
        let path = CERTIFICATE.parse().expect("it is a path in the repository");
        findings.add(Place::file(&path), Fault::BadCertificate { why: why.to_string() });
        Vec::new()
    })
}

fn key(path: &RepoPath, of: &Object, keys: &[KeyId], findings: &mut Findings) {
    let Some(said) = of.metadata.annotations.get(SEALED_BY) else { return };
    let key = said.value.clone();
    match keys.iter().position(|id| id.to_string() == key) {
        Some(0) => {}
        Some(_) => findings.add(Place::of(path, said), Fault::RetiredKey { key, path: path.clone() }),
        None => findings.add(Place::of(path, said), Fault::UnknownSealingKey { key }),
    }
}

fn place(path: &RepoPath, of: &Object, findings: &mut Findings) {
    let told = |at: &BTreeMap<String, At<String>>| {
        at.iter().map(|(key, at)| (key.clone(), at.value.clone())).collect()
    };
    let (here, sealed) = (&of.metadata, &of.spec.template.metadata);
    let moved = |here: &At<String>, sealed: &At<String>| {
        !sealed.is_empty() && !here.is_empty() && here.value != sealed.value
    };
    let (name, namespace) = (moved(&here.name, &sealed.name), moved(&here.namespace, &sealed.namespace));
    let at = match Scope::of(&told(&here.annotations)) {
        Scope::Strict if name => &here.name,
        Scope::Strict | Scope::NamespaceWide if namespace => &here.namespace,
        Scope::Strict | Scope::NamespaceWide | Scope::ClusterWide => return,
    };
    let of = |metadata: &Metadata| format!("{}/{}", metadata.namespace.value, metadata.name.value);
    findings.add(Place::of(path, at), Fault::Moved { sealed: of(sealed), here: of(here) });
}
