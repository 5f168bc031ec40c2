//! What can be wrong with the Secrets of a repository, as far as one sees without the private key.

use super::object::is_sealed_value;
use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place};
use crate::spec::{At, parse_all};
use knarr_node::name::RepoPath;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

/// As much of a Kubernetes object as tells whether it is a Secret, sealed or not.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<S> {
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
    spec: S,
    #[serde(default)]
    items: Vec<Object<S>>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: At<String>,
    #[serde(default)]
    namespace: At<String>,
}

/// The part of a SealedSecret that is sealed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    #[serde(default)]
    encrypted_data: BTreeMap<String, At<String>>,
}

/// Words of every file with a Secret in it.
pub const WORDS: [&str; 2] = ["kind", "Secret"];

/// Reports Secrets in the clear wherever they lie, and what lies in `sealed/` and is not sealed for its namespace.
pub fn check(inputs: &Inputs, findings: &mut Findings) {
    for path in inputs.files.keys() {
        if let Some(rest) = path.as_str().strip_prefix("sealed/") {
            sealed(inputs, path, rest, findings);
        } else if ["apps/", "host/"].iter().any(|folder| path.as_str().starts_with(folder)) {
            app(inputs, path, findings);
        }
    }
    for (path, bytes) in &inputs.elsewhere {
        elsewhere(path, bytes, findings);
    }
}

fn sealed(inputs: &Inputs, path: &RepoPath, rest: &str, findings: &mut Findings) {
    let Some((namespace, _)) = rest.split_once('/').filter(|_| is_manifest(path)) else {
        findings.add(Place::file(path), Fault::StrayFile { expected: "NAMESPACE/NAME.yaml" });
        return;
    };
    match parse_all::<Object<Sealed>>(path, &inputs.files[path]) {
        Err(finding) => findings.push(finding),
        Ok(objects) => objects.iter().for_each(|object| one_sealed(path, namespace, object, findings)),
    }
}

fn one_sealed(path: &RepoPath, namespace: &str, object: &Object<Sealed>, findings: &mut Findings) {
    let at = &object.metadata.namespace;
    match object.kind.as_str() {
        "SealedSecret" if at.value != namespace => {
            let found = if at.is_empty() { "not said".to_owned() } else { format!("`{}`", at.value) };
            let fault = Fault::OtherNamespace { found, folder: namespace.to_owned() };
            findings.add(Place::of(path, if at.span.is_some() { at } else { &object.kind }), fault);
        }
        "SealedSecret" => {}
        "Secret" => {
            plain(path, object, findings);
            return;
        }
        kind => {
            findings.add(Place::of(path, &object.kind), Fault::NotSealed { kind: kind.to_owned() });
            return;
        }
    }
    for (key, value) in &object.spec.encrypted_data {
        if !is_sealed_value(value) {
            findings.add(Place::of(path, value), Fault::NoSealedValue { key: key.clone() });
        }
    }
}

/// Looks for Secrets in the clear; what is no YAML here may be a template of another program.
fn app(inputs: &Inputs, path: &RepoPath, findings: &mut Findings) {
    let bytes = &inputs.files[path];
    let may_be = bytes.windows(6).any(|window| window == b"Secret");
    if !may_be || !is_manifest(path) {
        return;
    }
    let objects = parse_all::<Object<IgnoredAny>>(path, bytes).unwrap_or_default();
    for object in objects.iter().flat_map(Object::all).filter(|object| object.kind.value == "Secret") {
        plain(path, object, findings);
    }
}

/// Looks for Secrets of Kubernetes' own kind where files are for other programs: in each document that is YAML by itself.
fn elsewhere(path: &RepoPath, bytes: &[u8], findings: &mut Findings) {
    let whole = parse_all::<Object<IgnoredAny>>(path, bytes).map(|objects| vec![(0, objects)]);
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

impl<S> Object<S> {
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
fn is_readable<S>(object: &Object<S>) -> bool {
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
fn plain<S>(path: &RepoPath, object: &Object<S>, findings: &mut Findings) {
    let filled = |values: &Value| values.as_object().is_some_and(|values| !values.is_empty());
    if filled(&object.data) || filled(&object.string_data) {
        let [name, namespace] =
            [&object.metadata.name, &object.metadata.namespace].map(|at| at.value.clone());
        let namespace = if namespace.is_empty() { "NAMESPACE".to_owned() } else { namespace };
        findings.add(Place::of(path, &object.kind), Fault::PlainSecret { name, namespace });
    }
}

fn is_manifest(path: &RepoPath) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|suffix| path.as_str().ends_with(suffix))
}

#[cfg(test)]
mod tests;
