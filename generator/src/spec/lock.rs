//! `knarr.lock`: versions, each pinned to digests by `knarr new`.

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Programs, each as name and version, e.g. `knarrd 1.0.0`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Lock(pub BTreeMap<At<String>, Pinned>);

/// A program's download for each architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// For x86-64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amd64: Option<Download>,
    /// For 64-bit ARM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm64: Option<Download>,
}

/// One file to download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Its SHA-256 digest.
    pub sha256: At<String>,
    /// Where it is found.
    #[serde(default)]
    pub from: Vec<At<String>>,
}
