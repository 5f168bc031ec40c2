//! `k3s` of cluster.yaml.

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What runs Kubernetes on the machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct K3s {
    /// Its version, e.g. `v1.36.2+k3s1`; knarr.lock has its digests.
    pub version: At<String>,
}
