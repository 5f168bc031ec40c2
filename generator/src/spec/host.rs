//! `host:` in cluster.yaml (every machine) and `nodes/<name>.yaml` (one machine).

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a machine has besides its roles. What a node says wins over what the cluster says of the same thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Kernel parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"vm.swappiness": "10"}))]
    pub sysctl: BTreeMap<At<String>, At<String>>,
    /// Files by their path on the machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"/etc/motd": {"from": "host/motd"}}))]
    pub files: BTreeMap<At<String>, FileSource>,
    /// Symbolic links by their path: what they name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"/usr/local/bin/hi": "/usr/bin/echo"}))]
    pub links: BTreeMap<At<String>, At<String>>,
    /// systemd units by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"hello.service": {"from": "host/hello.service"}}))]
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
#[schemars(example = serde_json::json!({"from": "host/motd"}))]
pub struct FileSource {
    /// A file of this repository below host/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"host/motd")]
    pub from: Option<At<String>>,
    /// The bytes themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Ahoy.\n")]
    pub text: Option<At<String>>,
    /// The name of a secret: `secrets/<name>.age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"greeting")]
    pub secret: Option<At<String>>,
    /// Four octal digits in quotes; "0644" when nothing is said, "0600" for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"0640")]
    pub mode: Option<At<String>>,
}

/// Where a unit comes from: from, text, or neither for a unit of the distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({"from": "host/hello.service"}))]
pub struct UnitSource {
    /// A file of this repository below host/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"host/hello.service")]
    pub from: Option<At<String>>,
    /// The unit file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"[Service]\nExecStart=/usr/bin/true\n")]
    pub text: Option<At<String>>,
    /// Files on the machine that it reads at its start: it restarts when one of them changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["/etc/hello.conf"])]
    pub reads: Vec<At<String>>,
}
