//! What people write, one type for each kind of file: parsed, and nothing decided yet.
//!
//! Leaves stay text with their place, so that one wrong word does not hide the others: the Model parses them.

mod app;
mod at;
mod birth;
mod cluster;
mod events;
mod host;
mod k3s;
mod lock;
mod manifests;
mod network;
mod node;
mod old;
mod peer;
mod person;
mod read;
mod tree;

pub use app::{App, Sync};
pub use at::At;
pub use birth::{Birth, Datastore, Founded};
pub use cluster::{Cluster, Git, Trust};
pub use host::{FileSource, Host, UnitSource};
pub use k3s::{K3s, Setting};
pub use lock::{Download, Lock, Pinned};
pub use manifests::{Manifests, is_manifest};
pub use network::{Firewall, Network, OpenPort, SshFrom};
pub use node::{Arch, Keys, Node, Role};
pub use old::{old_octal, old_yaml};
pub use peer::Peer;
pub use person::{Access, Person, Which};
pub use read::{conflict, merged, parse, parse_all, parse_objects, parse_trees};
pub use tree::Tree;

use crate::disk::Inputs;
use crate::finding::Findings;
use knarr_node::name::RepoPath;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// All files that people write, by the names of their files.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// `cluster.yaml`; none when it is missing or cannot be read.
    pub cluster: Option<Cluster>,
    /// `nodes/<name>.yaml` of machines that were enrolled.
    pub nodes: BTreeMap<String, Node>,
    /// `nodes/<name>.yaml` of machines that were not: no part of the cluster yet.
    pub described: BTreeMap<String, Node>,
    /// `peers/<name>.yaml`.
    pub peers: BTreeMap<String, Peer>,
    /// `people/<name>.yaml` of those who are here.
    pub people: BTreeMap<String, Person>,
    /// `people/<name>.yaml` of those who left: they may nothing.
    pub left: BTreeMap<String, Person>,
    /// `apps/<name>.yaml`.
    pub apps: BTreeMap<String, App>,
    /// `knarr.lock`.
    pub lock: Lock,
    /// Files that could not be read: each has a finding, and nothing that they would say counts as missing.
    pub broken: BTreeSet<RepoPath>,
}

impl Spec {
    /// Returns the machines that were enrolled, without those that were removed.
    pub fn there(&self) -> impl Iterator<Item = (&String, &Node)> + Clone {
        self.nodes.iter().filter(|(_, node)| !node.removed)
    }

    /// Whether a file is there and could not be read.
    pub fn is_broken(&self, path: &str) -> bool {
        self.broken.iter().any(|broken| broken.as_str() == path)
    }

    /// Reads all files; what cannot be read becomes a finding.
    pub fn of(inputs: &Inputs, findings: &mut Findings) -> Self {
        let mut reader = Reader { inputs, findings, broken: inputs.unread().cloned().collect() };
        let cluster = reader.file("cluster.yaml");
        let (nodes, described) =
            reader.folder("nodes").into_iter().partition(|(_, node): &(_, Node)| node.is_enrolled());
        let peers = reader.folder("peers");
        let (left, people) =
            reader.folder("people").into_iter().partition(|(_, person): &(_, Person)| person.removed);
        let apps = reader.folder("apps");
        let lock = reader.file("knarr.lock").unwrap_or_default();
        Self { cluster, nodes, described, peers, people, left, apps, lock, broken: reader.broken }
    }
}

struct Reader<'a> {
    inputs: &'a Inputs,
    findings: &'a mut Findings,
    broken: BTreeSet<RepoPath>,
}

impl Reader<'_> {
    fn file<T: DeserializeOwned>(&mut self, path: &str) -> Option<T> {
        let path: RepoPath = path.parse().ok()?;
        let read = parse(&path, self.inputs.get(path.as_str())?);
        if read.is_err() {
            self.broken.insert(path.clone());
        }
        read.map_err(|finding| self.findings.push(finding)).ok()
    }

    fn folder<T: DeserializeOwned>(&mut self, folder: &str) -> BTreeMap<String, T> {
        let names: Vec<String> = self.inputs.names(folder, ".yaml").map(str::to_owned).collect();
        let read = |name: String| self.file(&format!("{folder}/{name}.yaml")).map(|file| (name, file));
        names.into_iter().filter_map(read).collect()
    }
}
