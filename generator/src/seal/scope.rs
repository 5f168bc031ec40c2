//! How far a sealed value may move: its scope is bound to the ciphertext by a label, and told by an annotation.

use knarr_node::name::{Namespace, ObjectName};
use std::collections::BTreeMap;
use std::fmt;

/// Annotation of a value that opens under any name and in any namespace.
const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
/// Annotation of a value that opens under any name in its namespace.
const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";

/// Where a sealed value opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Under this name in this namespace.
    #[default]
    Strict,
    /// Under any name in this namespace.
    NamespaceWide,
    /// Under any name in any namespace.
    ClusterWide,
}

impl Scope {
    /// Returns what is bound to each value: without it, the value does not open.
    /// Source: sealed-secrets v0.27.1, pkg/apis/sealedsecrets/v1alpha1, EncryptionLabel.
    pub fn label(self, namespace: Option<&Namespace>, name: &ObjectName) -> Vec<u8> {
        let namespace = namespace.map_or("", Namespace::as_str);
        match self {
            Self::Strict => format!("{namespace}/{name}").into_bytes(),
            Self::NamespaceWide => namespace.into(),
            Self::ClusterWide => Vec::new(),
        }
    }

    /// Returns the scope that annotations tell: cluster-wide wins, as in the controller.
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let says = |key| annotations.get(key).is_some_and(|value| value == "true");
        match (says(CLUSTER_WIDE), says(NAMESPACE_WIDE)) {
            (true, _) => Self::ClusterWide,
            (false, true) => Self::NamespaceWide,
            (false, false) => Self::Strict,
        }
    }

    /// Makes annotations tell this scope and no other.
    pub(super) fn annotate(self, annotations: &mut BTreeMap<String, String>) {
        annotations.retain(|key, _| key != CLUSTER_WIDE && key != NAMESPACE_WIDE);
        let told = match self {
            Self::Strict => return,
            Self::NamespaceWide => NAMESPACE_WIDE,
            Self::ClusterWide => CLUSTER_WIDE,
        };
        annotations.insert(told.to_owned(), "true".to_owned());
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        })
    }
}
