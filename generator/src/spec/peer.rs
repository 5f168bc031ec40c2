//! `peers/<name>.yaml`: a laptop or phone of a person, in the mesh through one node.

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device of a person; `knarr peer add` writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Whose it is: `people/<owner>.yaml`.
    #[schemars(example = &"me")]
    pub owner: At<String>,
    /// Its WireGuard public key, base64; the private half never leaves it.
    #[schemars(example = &"2mQx…=")]
    pub key: At<String>,
    /// Its address in the mesh; no other machine ever gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"10.210.255.1")]
    pub mesh: Option<At<String>>,
    /// The one node that it dials, which forwards for it.
    #[schemars(example = &"edge")]
    pub via: At<String>,
    /// What it may dial: api, ssh, pods, nodes, or a port of a node.
    #[serde(default)]
    #[schemars(example = ["api", "ssh", "worker:5432"])]
    pub reach: Vec<At<String>>,
    /// The last day on which machines let it in; for ever when it is `never` or nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2027-11-21")]
    pub until: Option<At<String>>,
}
