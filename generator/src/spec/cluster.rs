//! `cluster.yaml`: what is true of the whole cluster.

use super::{At, Birth, Firewall, Host, K3s, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The format of the whole repository: 1.
    #[schemars(example = 1)]
    pub format: At<u32>,
    /// The cluster's name: 1 to 63 of a-z, 0-9 and -.
    #[schemars(example = &"harbor")]
    pub name: At<String>,
    /// The domain below which apps and machines get their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"harbor.example")]
    pub domain: Option<At<String>>,
    /// Where machines find the commits.
    pub git: Git,
    /// Addresses or absolute folders laid out like the release addresses: machines try them first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://mirror.example"])]
    pub mirrors: Vec<At<String>>,
    /// What runs Kubernetes; without it machines are plain machines in one mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k3s: Option<K3s>,
    /// The addresses of machines, pods and Services.
    #[serde(default)]
    pub network: Network,
    /// What the internet may dial on every machine.
    #[serde(default)]
    pub firewall: Firewall,
    /// Whom machines believe.
    pub trust: Trust,
    /// Who can open a secret, by its name: people and groups. What is not named here opens for everybody with `decrypt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({ "grafana-admin": ["me", "ops"] }))]
    pub secrets: BTreeMap<At<String>, Vec<At<String>>>,
    /// What is chosen once, when the cluster is born.
    #[serde(default)]
    pub birth: Birth,
    /// What every machine has.
    #[serde(default, skip_serializing_if = "Host::is_empty")]
    pub host: Host,
}

/// Where machines find the commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Addresses as git takes them; machines try them in order. Host keys: .knarr/known_hosts.
    #[serde(default)]
    #[schemars(example = ["git@github.com:me/harbor.git"])]
    pub remotes: Vec<At<String>>,
    /// The branch that machines follow.
    #[serde(default = "main")]
    #[schemars(example = &"main")]
    pub branch: At<String>,
}

fn main() -> At<String> {
    "main".into()
}

/// Whom machines believe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Names of people (`people/<name>.yaml`): machines follow only commits that these signed or approved.
    #[schemars(example = ["me"])]
    pub signers: Vec<At<String>>,
    /// A public SSH key that may change only `trust`; its private half is in the recovery kit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"ssh-ed25519 AAAAC3…")]
    pub recovery: Option<At<String>>,
}
