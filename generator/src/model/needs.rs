//! What pods need by name before they start, and whether anything in the repository gives it.

use super::app::App;
use super::check::Check;
use super::manifest::Object;
use crate::finding::{Fault, Place, did_you_mean};
use knarr_node::name::AppName;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A kind and a name, e.g. Secret `db`.
type Thing = (&'static str, String);

/// What the pods of one object need.
pub(super) struct Needs {
    place: Place,
    namespace: String,
    things: BTreeSet<Thing>,
}

/// Kinds that make pods. Source: k8s.io/api v0.36, kinds with a PodTemplateSpec, and Pod.
const MAKE_PODS: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"];

impl Needs {
    /// Returns what the pods of an object need; what is optional is left out.
    pub(super) fn of(object: &Object, place: &Place) -> Option<Self> {
        let id = object.id();
        let mut things = BTreeSet::new();
        if MAKE_PODS.contains(&id.kind.as_str()) {
            collect(&object.0, &mut things);
        }
        (!things.is_empty()).then(|| Self { place: place.clone(), namespace: id.namespace, things })
    }
}

/// Source: k8s.io/api v0.36, core/v1: EnvFromSource, EnvVarSource, VolumeSource, VolumeProjection, PodSpec.
fn collect(value: &Value, things: &mut BTreeSet<Thing>) {
    for value in value.as_array().into_iter().flatten() {
        collect(value, things);
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        collect(value, things);
        let one = |kind, key| named(value.as_object()?, kind, key);
        let found = match key.as_str() {
            "secretKeyRef" | "secretRef" => one("Secret", "name"),
            "configMapKeyRef" | "configMapRef" | "configMap" => one("ConfigMap", "name"),
            "secret" => one("Secret", "secretName").or_else(|| one("Secret", "name")),
            "persistentVolumeClaim" => one("PersistentVolumeClaim", "claimName"),
            "serviceAccountName" => value.as_str().map(|name| ("ServiceAccount", name.to_owned())),
            _ => None,
        };
        things.extend(found);
        if key == "imagePullSecrets" {
            let all = value.as_array().into_iter().flatten().filter_map(Value::as_object);
            things.extend(all.filter_map(|one| named(one, "Secret", "name")));
        }
    }
}

fn named(map: &Map<String, Value>, kind: &'static str, key: &str) -> Option<Thing> {
    let optional = map.get("optional").and_then(Value::as_bool).unwrap_or(false);
    map.get(key).and_then(Value::as_str).filter(|_| !optional).map(|name| (kind, name.to_owned()))
}

/// Whether every namespace has it. Source: Kubernetes, "Configure Service Accounts" and "Root CA bundle", v1.36.
fn is_given((kind, name): &Thing) -> bool {
    [("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")].contains(&(kind, name.as_str()))
}

/// Whether a text stands anywhere in a value.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(there) => there == text,
        Value::Array(all) => all.iter().any(|value| says(value, text)),
        Value::Object(all) => all.values().any(|value| says(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether an object is the thing, or one that may make it, such as an ExternalSecret that names it.
fn gives(object: &Object, namespace: &str, (kind, name): &Thing) -> bool {
    let id = object.id();
    let sealed = *kind == "Secret" && id.kind == "SealedSecret";
    let is_it = (id.kind == *kind || sealed) && id.name == *name;
    let plain = id.group.is_empty() || MAKE_PODS.contains(&id.kind.as_str()) || id.group.ends_with("k8s.io");
    // Argo CD gives objects of others the namespace of the app, when they say none.
    let here = id.namespace == namespace || !plain && id.namespace.is_empty();
    here && (is_it || !plain && !sealed && says(&object.0, name))
}

impl Check<'_> {
    /// Warns of pods that would wait for what nothing here gives.
    pub(super) fn provided(&mut self, apps: &BTreeMap<AppName, App>, all: &[Needs]) {
        if self.findings.refuse() {
            return; // what cannot be read may give it
        }
        let objects = || apps.values().flat_map(App::objects);
        for Needs { place, namespace, things } in all {
            for thing in things.iter().filter(|thing| !is_given(thing)) {
                if objects().any(|object| gives(object, namespace, thing)) {
                    continue;
                }
                let (kind, name) = thing;
                let same = objects().map(Object::id).filter(|id| {
                    id.namespace == *namespace && (id.kind == *kind || id.kind == format!("Sealed{kind}"))
                });
                let known: Vec<String> = same.map(|id| id.name).collect();
                let hint = did_you_mean(name, known.iter().map(String::as_str));
                let hint = hint.unwrap_or_else(|| make(kind, name, namespace));
                let object = format!("{kind} {namespace}/{name}");
                self.findings.add(place.clone(), Fault::NothingGives { object, hint });
            }
        }
    }
}

fn make(kind: &str, name: &str, namespace: &str) -> String {
    match kind {
        "Secret" => format!("knarr seal {name} --namespace {namespace} KEY -"),
        "ConfigMap" => {
            "add it to the app's folder, or write `optional: true` where it may be missing".to_owned()
        }
        _ => "add it to the app's folder".to_owned(),
    }
}
