//! What tells one Kubernetes object from all others, and where it stands among them.

use super::documents::BadManifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The place of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    pub(super) api_version: String,
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// When an object is made: what others need comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Namespace,
    Definition,
    Rest,
}

impl Key {
    /// Returns the place of an object that has no list of its own kind.
    pub(super) fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let namespace = namespace.map(str::to_owned);
        Self { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    /// Reads it from the object.
    pub(super) fn of(object: &Value) -> Result<Self, BadManifest> {
        let text = |pointer: &'static str| {
            let text = object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.ok_or(BadManifest::Lacks(pointer))
        };
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
        Ok(Self::new(text("/apiVersion")?, text("/kind")?, namespace, text("/metadata/name")?))
    }

    pub(super) fn rank(&self) -> Rank {
        match (self.kind.as_str(), self.group()) {
            ("Namespace", "") => Rank::Namespace,
            ("CustomResourceDefinition", "apiextensions.k8s.io") => Rank::Definition,
            _ => Rank::Rest,
        }
    }

    /// Returns the group of the kind, which is empty for the oldest ones.
    pub(super) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
