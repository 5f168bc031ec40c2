//! What belongs to the cluster and to no machine: the server that holds the Lease `knarr` makes it so.

use super::Envelope;
use crate::item::Artifact;
use crate::name::{ArtifactName, LabelKey, LabelValue, NodeName, ObjectsName, RepoPath, SecretName, Taint};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What belongs to the cluster and to no machine: `rendered/cluster.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterState {
    /// Which program reads this.
    pub knarr: Envelope,
    /// The parts, in order.
    #[serde(default)]
    pub items: Vec<ClusterItem>,
}

impl ClusterState {
    /// Lists the machines that were removed by commits.
    pub fn tombstones(&self) -> impl Iterator<Item = &Tombstone> {
        self.items.iter().filter_map(|item| match item {
            ClusterItem::Tombstone(tombstone) => Some(tombstone),
            ClusterItem::Artifact(_) | ClusterItem::Objects(_) | ClusterItem::NodeMeta(_) => None,
        })
    }

    /// Returns the artifact of that name.
    pub fn artifact(&self, name: &ArtifactName) -> Option<&Artifact> {
        self.items.iter().find_map(|item| match item {
            ClusterItem::Artifact(artifact) => Some(artifact).filter(|artifact| artifact.name == *name),
            ClusterItem::Objects(_) | ClusterItem::NodeMeta(_) | ClusterItem::Tombstone(_) => None,
        })
    }
}

/// One part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterItem {
    /// A manifest that is too big for a repository; `objects` name it.
    Artifact(Artifact),
    /// Kubernetes objects that Knarr owns for good.
    Objects(Objects),
    /// What Kubernetes is told of a machine.
    NodeMeta(NodeMeta),
    /// A machine that was removed by a commit.
    Tombstone(Tombstone),
}

/// Objects of one manifest: namespaces first, then definitions of kinds, then the rest, each in its order.
///
/// An object that names no namespace is in the one that is called as this, where its kind needs one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Objects {
    /// Its name, for people.
    pub name: ObjectsName,
    /// Where the manifest is.
    pub manifest: Manifest,
    /// What happens to objects that leave the repository; none: they are deleted.
    pub back: Option<Keep>,
}

/// Where a manifest is: YAML with one document for each object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A file below `rendered/`.
    File(RepoPath),
    /// The value of a secret in the `.age` file of each server.
    Secret(SecretName),
    /// An artifact of the same State.
    Artifact(ArtifactName),
}

/// Says that objects stay when they leave the repository: with a namespace or a CRD goes all that is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// `back: keep`
    Keep,
}

/// Labels and taints of a machine's Node. What others set stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeMeta {
    /// The machine.
    pub node: NodeName,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<LabelKey, LabelValue>,
    /// What keeps Pods away that do not tolerate it.
    #[serde(default)]
    pub taints: BTreeSet<Taint>,
}

/// A removed machine. It stays in the repository until `knarr node forget`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The name that it had.
    pub node: NodeName,
    /// What it was known by.
    pub keys: TombstoneKeys,
}

/// What a removed machine was known by: one that takes the name anew has others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TombstoneKeys {
    /// Its age recipient.
    pub age: String,
}

/// The objects as YAML has them: one of three keys for the manifest.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: ObjectsName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<RepoPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact: Option<ArtifactName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<Keep>,
}

/// Objects without a manifest, or with two.
#[derive(Debug, thiserror::Error)]
#[error("objects `{0}` need exactly one of file, secret and artifact")]
pub struct BadManifest(ObjectsName);

impl TryFrom<Wire> for Objects {
    type Error = BadManifest;
    fn try_from(wire: Wire) -> Result<Self, BadManifest> {
        let manifest = match (wire.file, wire.secret, wire.artifact) {
            (Some(path), None, None) => Manifest::File(path),
            (None, Some(name), None) => Manifest::Secret(name),
            (None, None, Some(name)) => Manifest::Artifact(name),
            _ => return Err(BadManifest(wire.name)),
        };
        Ok(Self { name: wire.name, manifest, back: wire.back })
    }
}

impl From<Objects> for Wire {
    fn from(objects: Objects) -> Self {
        let mut wire =
            Self { name: objects.name, file: None, secret: None, artifact: None, back: objects.back };
        match objects.manifest {
            Manifest::File(path) => wire.file = Some(path),
            Manifest::Secret(name) => wire.secret = Some(name),
            Manifest::Artifact(name) => wire.artifact = Some(name),
        }
        wire
    }
}

#[cfg(test)]
mod tests;
