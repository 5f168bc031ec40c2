//! `birth` of cluster.yaml: what is chosen once, and what `knarr ship` recorded of it.

use super::{At, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is chosen once, when the cluster is born.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[schemars(example = serde_json::json!({"mtu": 1380, "secrets-encryption": true}))]
pub struct Birth {
    /// Whether Kubernetes encrypts Secrets where it keeps them.
    #[schemars(example = true)]
    pub secrets_encryption: At<bool>,
    /// The largest packet in the mesh in bytes: 80 less than what every link between the machines carries.
    #[schemars(example = 1380)]
    pub mtu: At<u32>,
    /// Written by `knarr ship` when the cluster runs: from then on no machine founds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub founded: Option<At<Founded>>,
}

impl Default for Birth {
    fn default() -> Self {
        Self { secrets_encryption: true.into(), mtu: 1380.into(), founded: None }
    }
}

/// A cluster as it was born.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Founded {
    /// The server that has the data from the beginning; another one after that is lost.
    #[schemars(example = &"edge")]
    pub server: At<String>,
    /// The digest of `secrets/server-ca.crt`.
    #[schemars(example = &"sha256:9b1e…")]
    pub ca: At<String>,
    /// Where Kubernetes keeps what it knows.
    #[schemars(example = &"sqlite")]
    pub datastore: Datastore,
    /// The domain below which machines have their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"harbor.example")]
    pub domain: Option<String>,
    /// The addresses of machines, pods and Services.
    pub network: Network,
    /// Whether Kubernetes encrypts Secrets where it keeps them.
    #[schemars(example = true)]
    pub secrets_encryption: bool,
    /// The largest packet in the mesh.
    #[schemars(example = 1380)]
    pub mtu: u32,
}

/// Where Kubernetes keeps what it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Datastore {
    /// In a file of the one server.
    #[default]
    Sqlite,
    /// In etcd, a member on each server.
    Etcd,
}
