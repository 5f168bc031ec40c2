//! What one machine is to be: `rendered/nodes/<node>.yaml`, and what all of them are together: `rendered/cluster.yaml`.

mod cluster;

pub use cluster::{
    BadManifest, ClusterItem, ClusterState, Keep, Manifest, NodeMeta, Objects, Tombstone, TombstoneKeys,
};

use crate::firewall::{self, FirewallPart};
use crate::item::Item;
use crate::mesh::{Directory, Mesh, Stranger};
use crate::name::{AbsPath, DeviceName, Hex, NodeName};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

/// The state of one machine, as the generator wrote it. What is not said here is not touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeState {
    /// Which program reads this.
    pub knarr: Envelope,
    /// Which machine this is for.
    pub node: NodeName,
    /// Where the machine finds the next commit.
    pub git: Git,
    /// Its place in the mesh; the rest follows from `rendered/mesh.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<MeshPart>,
    /// Its firewall; what nodes, pods and devices may follows from `rendered/mesh.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<FirewallPart>,
    /// What the machine is made of: done top to bottom, removed bottom to top. Each thing is there once: a machine cannot be
    /// both of two, and would change from one to the other for ever.
    #[serde(deserialize_with = "each_once")]
    pub items: Vec<Item>,
}

fn each_once<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Item>, D::Error> {
    let items = Vec::<Item>::deserialize(from)?;
    let mut seen = BTreeSet::new();
    match items.iter().map(Item::id).find(|id| !seen.insert(id.clone())) {
        Some(id) => Err(D::Error::custom(format!("{id} is there twice"))),
        None => Ok(items),
    }
}

/// What a State says of the mesh: `mesh: {device: knarr0}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshPart {
    /// The machine's device in the mesh.
    pub device: DeviceName,
}

impl NodeState {
    /// Returns all items of the machine: those of mesh and firewall, then those of the State.
    ///
    /// The private key of the mesh lies in the file `key`. The table comes before the device, so that nothing
    /// listens that it does not know.
    ///
    /// # Errors
    /// [`Stranger`] when the directory does not list the machine.
    pub fn lower(&self, directory: &Directory, key: &AbsPath) -> Result<Vec<Item>, Stranger> {
        let mut items = self.network(directory, key)?;
        items.extend(self.items.iter().cloned());
        Ok(items)
    }

    /// Returns what the mesh and the firewall are on this machine, which are the first of its items.
    ///
    /// # Errors
    /// [`Stranger`] when the machine is to be in the mesh and `directory` does not list it.
    pub fn network(&self, directory: &Directory, key: &AbsPath) -> Result<Vec<Item>, Stranger> {
        let Some(MeshPart { device }) = &self.mesh else { return Ok(Vec::new()) };
        let mesh = Mesh::new(directory, &self.node, device)?;
        let table = self.firewall.as_ref().map(|part| Item::Table(firewall::table(part, &mesh)));
        Ok(table.into_iter().chain(mesh.items(key.clone())).collect())
    }
}

/// The head of every State. Its shape is frozen for ever, so every knarrd ever released can read it and update
/// itself first: fields may be added, none may change or go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The format of the repository.
    pub format: u32,
    /// The version of knarrd that this State is for.
    pub version: String,
    /// SHA-256 of knarrd for amd64, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amd64: Option<Hex>,
    /// SHA-256 of knarrd for arm64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm64: Option<Hex>,
    /// Where knarrd is downloaded from; `{arch}` stands for the architecture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
}

/// A State of any format, of which only the envelope is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sealed {
    /// Which program reads the rest.
    pub knarr: Envelope,
}

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Where a machine finds the commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Addresses as git takes them, tried in order.
    pub remotes: Vec<String>,
    /// The branch that is followed.
    pub branch: String,
}

#[cfg(test)]
mod tests;
