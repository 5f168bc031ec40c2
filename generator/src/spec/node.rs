//! `nodes/<name>.yaml`: one machine.

use super::{At, Host, OpenPort};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it is to K3s: `[server]`, which runs pods too, or `[agent]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["server"])]
    pub roles: Vec<At<Role>>,
    /// The IP address at which others reach it; leave it out behind NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"203.0.113.7")]
    pub address: Option<At<String>>,
    /// Whether it is behind NAT: others cannot reach it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false), example = true)]
    pub nat: bool,
    /// Behind NAT: the node that forwards between it and others behind NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"edge")]
    pub relay: Option<At<String>>,
    /// How people reach it: `user@host[:port]`, or a name from ssh_config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"root@203.0.113.7")]
    pub ssh: Option<At<String>>,
    /// Ports that the whole internet may dial; tcp when nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!([80, 443, "udp/53"]))]
    pub open: Vec<At<OpenPort>>,
    /// Labels of its Node in Kubernetes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"topology.kubernetes.io/region": "nbg"}))]
    pub labels: BTreeMap<At<String>, At<String>>,
    /// Taints of its Node as for `kubectl taint`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["dedicated=db:NoSchedule"])]
    pub taints: Vec<At<String>>,
    /// Its address in the mesh; `knarr node add` writes it, and no other machine ever gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"10.210.83.168")]
    pub mesh: Option<At<String>>,
    /// Its architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "amd64"), example = &"arm64")]
    pub arch: Option<Arch>,
    /// Public halves of what was born on it; `knarr node add` writes them. Without them the machine is no part of the cluster yet.
    #[serde(default, skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
    /// What this machine has, besides what every machine has.
    #[serde(default, skip_serializing_if = "Host::is_empty")]
    pub host: Host,
    /// Written by `knarr node remove`: the machine stops what Knarr started and keeps its data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false), example = true)]
    pub removed: bool,
}

/// What a machine is to K3s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs the API and etcd, and pods too.
    Server,
    /// It runs pods only.
    Agent,
}

/// An architecture that knarrd runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    #[default]
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// Returns the one that `uname -m` calls so, and Rust too.
    pub fn of_uname(machine: &str) -> Option<Self> {
        match machine {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        })
    }
}

impl Node {
    /// Whether keys were born on it: without them it is described, and no more.
    pub fn is_enrolled(&self) -> bool {
        !self.keys.is_empty()
    }
}

impl Keys {
    /// Whether none was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Public halves of what was born on a machine; the private halves never leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// SHA-256 of /etc/machine-id: a cloned disk is refused.
    #[schemars(example = &"9f2c41…")]
    pub machine: At<String>,
    /// The age recipient of its secrets.
    #[schemars(example = &"age1x8…")]
    pub age: At<String>,
    /// The WireGuard key, base64.
    #[schemars(example = &"7JkPw2…=")]
    pub wireguard: At<String>,
    /// The SSH host key: it signs the reports.
    #[schemars(example = &"ssh-ed25519 AAAAC3…")]
    pub ssh: At<String>,
}
