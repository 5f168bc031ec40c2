//! What can be wrong with the Secrets of a repository, as far as one sees without the private key.

use super::object::is_sealed_value;
use super::said::{all, is, said};
use crate::disk::Inputs;
use crate::finding::{Fault, Finding, Findings, Place};
use crate::spec::{At, Manifests, Tree, is_manifest, parse_all};
use knarr_node::name::RepoPath;
use serde::Deserialize;
use serde_json::Value;

/// As much of a Kubernetes object as tells whether it is a Secret in the clear. What stands beside that may be of any shape,
/// half a template too: a tree of it all would fail there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    api_version: Value,
    #[serde(default)]
    kind: At<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    string_data: Value,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: At<String>,
    #[serde(default)]
    namespace: At<String>,
}

/// Words of every file with a Secret in it.
pub const WORDS: [&str; 2] = ["kind", "Secret"];

/// Reports Secrets in the clear wherever they lie, and what lies in `sealed/` and is not sealed for its namespace.
pub(crate) fn check(inputs: &Inputs, manifests: &Manifests, findings: &mut Findings) {
    for (path, bytes) in &inputs.files {
        match path.as_str().split_once('/') {
            Some(("sealed", rest)) => sealed(path, bytes, rest, manifests, findings),
            Some(("apps" | "host", _)) if is_manifest(path) => app(path, bytes, manifests, findings),
            Some(_) | None => {}
        }
    }
    for (path, bytes) in &inputs.elsewhere {
        elsewhere(path, bytes, findings);
    }
}

fn sealed(path: &RepoPath, bytes: &[u8], rest: &str, manifests: &Manifests, findings: &mut Findings) {
    let Some((namespace, _)) = rest.split_once('/').filter(|_| is_manifest(path)) else {
        findings.add(Place::file(path), Fault::StrayFile { expected: "NAMESPACE/NAME.yaml" });
        return;
    };
    match manifests.get(path) {
        Err(finding) => findings.push(finding.clone()),
        Ok(documents) => {
            for object in documents {
                one_sealed(path, namespace, object, findings);
            }
            if has_secret(documents)
                && let Err(finding) = secrets(path, bytes, findings)
            {
                findings.push(finding);
            }
        }
    }
}

fn one_sealed(path: &RepoPath, namespace: &str, object: &At<Tree>, findings: &mut Findings) {
    let kind = said(object, &["kind"]);
    if kind.value == "Secret" {
        return; // `secrets` judges it
    }
    if kind.value != "SealedSecret" {
        let place = if kind.span.is_some() { Place::of(path, &kind) } else { Place::of(path, object) };
        findings.add(place, Fault::NotSealed { kind: kind.value });
        return;
    }
    let at = said(object, &["metadata", "namespace"]);
    if at.value != namespace {
        let found = if at.is_empty() { "not said".to_owned() } else { format!("`{}`", at.value) };
        let fault = Fault::OtherNamespace { found, folder: namespace.to_owned() };
        findings.add(Place::of(path, if at.span.is_some() { &at } else { &kind }), fault);
    }
    for at in [["metadata"].as_slice(), &["spec"], &["spec", "encryptedData"]]
        .iter()
        .filter_map(|keys| object.at(keys))
    {
        if !matches!(at.value, Tree::Map(_) | Tree::Null) {
            let [found, expected] = ["what stands here", "a map: `key: value`"].map(str::to_owned);
            findings.add(Place::of(path, at), Fault::WrongValue { found, expected });
        }
    }
    for (key, value) in object.at(&["spec", "encryptedData"]).map_or(&[][..], |at| at.entries()) {
        if !value.text().is_some_and(is_sealed_value) {
            findings.add(Place::of(path, value), Fault::NoSealedValue { key: key.value.clone() });
        }
    }
}

/// Looks for Secrets in the clear; what is no YAML here may be a template of another program.
fn app(path: &RepoPath, bytes: &[u8], manifests: &Manifests, findings: &mut Findings) {
    let may_be = match manifests.get(path) {
        Ok(documents) if !documents.is_empty() => has_secret(documents),
        Ok(_) | Err(_) => bytes.windows(6).any(|window| window == b"Secret"),
    };
    if may_be {
        let _ = secrets(path, bytes, findings); // that it cannot be read is told elsewhere
    }
}

fn has_secret(documents: &[At<Tree>]) -> bool {
    documents.iter().flat_map(all).any(|object| is(object, "Secret"))
}

/// Reports the Secrets of a file, whatever its folder.
fn secrets(path: &RepoPath, bytes: &[u8], findings: &mut Findings) -> Result<(), Finding> {
    let objects: Vec<Object> = parse_all(path, bytes)?;
    for object in objects.iter().flat_map(Object::all).filter(|object| object.kind.value == "Secret") {
        plain(path, object, findings);
    }
    Ok(())
}

/// Looks for Secrets of Kubernetes' own kind where files are for other programs: in each document that is YAML by itself.
fn elsewhere(path: &RepoPath, bytes: &[u8], findings: &mut Findings) {
    let whole = parse_all::<Object>(path, bytes).map(|objects| vec![(0, objects)]);
    let each = || documents(bytes).filter_map(|(at, part)| Some((at, parse_all(path, part).ok()?))).collect();
    for (at, mut objects) in whole.unwrap_or_else(|_| each()) {
        for object in &mut objects {
            object.shift(at);
        }
        let secrets = objects.iter().flat_map(Object::all).filter(|object| object.kind.value == "Secret");
        for object in secrets.filter(|object| object.api_version == "v1" && is_readable(object)) {
            plain(path, object, findings);
        }
    }
}

impl Object {
    /// Returns the object, and those of a list.
    fn all(&self) -> Vec<&Self> {
        [self].into_iter().chain(self.items.iter().flat_map(Self::all)).collect()
    }

    /// Moves the places of kinds by some bytes.
    fn shift(&mut self, by: usize) {
        self.kind.span = self.kind.span.take().map(|span| span.start + by..span.end + by);
        for object in &mut self.items {
            object.shift(by);
        }
    }
}

/// Whether some value stands there as it is: neither filled in by a template, nor encrypted by SOPS.
/// Source: github.com/getsops/sops v3.10, README.rst, "Encryption Protocol".
fn is_readable(object: &Object) -> bool {
    let hidden = |text: &str| text.starts_with("{{") && text.ends_with("}}") || text.starts_with("ENC[");
    let values = [&object.data, &object.string_data].into_iter().filter_map(Value::as_object);
    values.flat_map(|values| values.values()).any(|value| !value.as_str().is_some_and(hidden))
}

/// Returns the documents of a file, each with the byte at which it begins.
fn documents(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut begins = vec![0];
    begins.extend(bytes.windows(4).enumerate().filter(|(_, four)| *four == b"\n---").map(|(at, _)| at + 1));
    let ends: Vec<usize> = begins.iter().skip(1).copied().chain([bytes.len()]).collect();
    begins.into_iter().zip(ends).map(|(begin, end)| (begin, &bytes[begin..end]))
}

/// Reports a Secret with values; one without is filled in by the cluster.
fn plain(path: &RepoPath, object: &Object, findings: &mut Findings) {
    let filled = |values: &Value| values.as_object().is_some_and(|values| !values.is_empty());
    if filled(&object.data) || filled(&object.string_data) {
        let [name, namespace] =
            [&object.metadata.name, &object.metadata.namespace].map(|at| at.value.clone());
        let namespace = if namespace.is_empty() { "NAMESPACE".to_owned() } else { namespace };
        findings.add(Place::of(path, &object.kind), Fault::PlainSecret { name, namespace });
    }
}

#[cfg(test)]
mod tests;
