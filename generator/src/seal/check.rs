//! What can be wrong with the Secrets of a repository, as far as one sees without the private key.

use super::object::is_sealed_value;
use super::{CERTIFICATE, Certificate};
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

/// Reports Secrets in the clear, in `host/` too, and what lies in `sealed/` and is not sealed for its namespace.
pub fn check(inputs: &Inputs, findings: &mut Findings) {
    certificate(inputs, findings);
    for path in inputs.files.keys() {
        if let Some(rest) = path.as_str().strip_prefix("sealed/") {
            sealed(inputs, path, rest, findings);
        } else if ["apps/", "host/"].iter().any(|folder| path.as_str().starts_with(folder)) {
            app(inputs, path, findings);
        }
    }
}

fn certificate(inputs: &Inputs, findings: &mut Findings) {
    let Some(bytes) = inputs.get(CERTIFICATE) else { return };
    if let Err(why) = Certificate::read(bytes) {
        let path = CERTIFICATE.parse().expect("it is a path in the repository");
        findings.add(Place::file(&path), Fault::BadCertificate { why: why.to_string() });
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
    for object in objects.iter().flat_map(|object| [object].into_iter().chain(&object.items)) {
        if object.kind.value == "Secret" {
            plain(path, object, findings);
        }
    }
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
