//! What sealed files say of their key, and of what they were sealed for, held against the keys that the repository has.
//!
//! It believes the files: whether a key opens a value is known only to who has it.

use super::said::{all, is, said};
use super::{CERTIFICATE, Certificate, KeyId, Scope};
use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place};
use crate::spec::{At, Manifests, Tree, parse_trees};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use knarr_node::name::RepoPath;
use knarr_node::report::ClusterReport;

/// Annotation with the fingerprint of the key that sealed all values of a file: ciphertext does not tell.
pub(super) const SEALED_BY: &str = "knarr/sealing-key";

/// How long before its end a certificate is warned of, in days: as long as sealed-secrets' controller renews before.
const SOON: i64 = 30;

/// Whether a file may hold a SealedSecret.
pub fn is_sealed(bytes: &[u8]) -> bool {
    const WORD: &[u8] = b"SealedSecret";
    bytes.windows(WORD.len()).any(|window| window == WORD)
}

/// Returns the fingerprints of the keys that sealed a file, as it says itself.
pub fn sealed_by(path: &RepoPath, bytes: &[u8]) -> Vec<String> {
    let documents = if is_sealed(bytes) { parse_trees(path, bytes).unwrap_or_default() } else { Vec::new() };
    documents.iter().flat_map(sealed).map(|object| note(object).value).collect()
}

/// Returns the SealedSecrets of a document.
pub(super) fn sealed(document: &At<Tree>) -> impl Iterator<Item = &At<Tree>> {
    all(document).into_iter().filter(|object| is(object, "SealedSecret"))
}

/// Returns the fingerprint of the key that sealed all values of a Secret.
fn note(of: &Tree) -> At<String> {
    said(of, &["metadata", "annotations", SEALED_BY])
}

/// Reports certificates that are none, what other keys than the newest sealed, and what was sealed for another place;
/// returns the keys, newest first.
pub(crate) fn check(inputs: &Inputs, manifests: &Manifests, findings: &mut Findings) -> Vec<KeyId> {
    let keys = keys(inputs, findings);
    objects(manifests, &keys, findings);
    keys
}

/// Returns the keys of the certificates, newest first, and reports those that are none.
pub(crate) fn keys(inputs: &Inputs, findings: &mut Findings) -> Vec<KeyId> {
    certificates(inputs, findings).into_iter().map(|known| known.id).collect()
}

/// Reports what other keys than the newest sealed, and what was sealed for another place.
pub(crate) fn objects(manifests: &Manifests, keys: &[KeyId], findings: &mut Findings) {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    for (path, document) in manifests.documents() {
        for object in sealed(document) {
            key(path, object, &keys, findings);
            place(path, object, findings);
        }
    }
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

/// Warns of the keys that a cluster uses and these files have not.
pub(crate) fn strange(report: &ClusterReport, inputs: &Inputs, findings: &mut Findings) {
    let known = certificates(inputs, &mut Findings::default());
    let path = CERTIFICATE.parse().expect("it is a path in the repository");
    for key in report.strange_keys.iter().filter(|key| known.iter().all(|known| known.id != **key)) {
        findings.add(Place::file(&path), Fault::StrangeSealingKey { key: key.clone() });
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

fn key(path: &RepoPath, of: &Tree, keys: &[String], findings: &mut Findings) {
    let by = note(of);
    let at = Place::of(path, &by);
    let key = by.value;
    match keys.iter().position(|id| *id == key) {
        Some(0) => {}
        Some(_) => findings.add(at, Fault::RetiredKey { key, path: path.clone() }),
        None if at.span.is_some() => findings.add(at, Fault::UnknownSealingKey { key }),
        None => {}
    }
}

fn place(path: &RepoPath, of: &Tree, findings: &mut Findings) {
    let [name, namespace] = ["name", "namespace"].map(|key| said(of, &["metadata", key]));
    // The Secret around the values keeps the name and namespace that it was sealed for: nobody reads them again.
    let sealed = ["name", "namespace"].map(|key| said(of, &["spec", "template", "metadata", key]));
    let moved = |here: &At<String>, sealed: &At<String>| {
        !sealed.is_empty() && !here.is_empty() && here.value != sealed.value
    };
    let at = match scope(of) {
        Scope::Strict if moved(&name, &sealed[0]) => &name,
        Scope::Strict | Scope::NamespaceWide if moved(&namespace, &sealed[1]) => &namespace,
        Scope::Strict | Scope::NamespaceWide | Scope::ClusterWide => return,
    };
    let title = |name: &str, namespace: &str| format!("{namespace}/{name}");
    let (sealed, here) = (title(&sealed[0], &sealed[1]), title(&name, &namespace));
    findings.add(Place::of(path, at), Fault::Moved { sealed, here });
}

/// Returns the scope that the annotations of a SealedSecret tell.
fn scope(of: &Tree) -> Scope {
    let annotations = of.at(&["metadata", "annotations"]).map_or(&[][..], |at| at.entries());
    let text = |key: &str| said(of, &["metadata", "annotations", key]).value;
    Scope::of(&annotations.iter().map(|(key, _)| (key.value.clone(), text(key))).collect())
}

#[cfg(test)]
mod tests;
