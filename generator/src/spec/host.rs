//! `host:` in cluster.yaml (every machine) and `nodes/<name>.yaml` (one machine).

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a machine has besides its roles. What a node says wins over what the cluster says of the same thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Kernel parameters, e.g. `vm.swappiness: "10"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctl: BTreeMap<At<String>, At<String>>,
    /// Files by their path on the machine, e.g. `/etc/motd: {from: host/motd}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<At<String>, FileSource>,
    /// Symbolic links by their path: what they name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<At<String>, At<String>>,
    /// systemd units by their name, e.g. `hello.service: {from: host/hello.service}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<At<String>, UnitSource>,
}

impl Host {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a file's bytes come from: exactly one of from, text and secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// A file of this repository below host/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<At<String>>,
    /// The bytes themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<At<String>>,
    /// The name of a secret: `secrets/<name>.age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<At<String>>,
    /// Four octal digits in quotes; "0644" when nothing is said, "0600" for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<At<String>>,
}

/// Where a unit comes from: from, text, or neither for a unit of the distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitSource {
    /// A file of this repository below host/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<At<String>>,
    /// The unit file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<At<String>>,
    /// Files on the machine that it reads at its start: it restarts when one of them changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<At<String>>,
}
