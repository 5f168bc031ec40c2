//! All machines as one render has them: of this work tree, or of a commit.

use super::objects::Objects;
use crate::emit::{Output, Tree};
use crate::error::CliError;
use crate::git::{History, Side};
use crate::lower::{Lowered, MESH, own};
use crate::render::Prepared;
use knarr_node::mesh::{Directory, Mesh, Stranger};
use knarr_node::name::{AbsPath, NodeName, RepoPath};
use knarr_node::net::WgKey;
use knarr_node::outputs::{self, Outputs};
use knarr_node::state::{ClusterState, Git, MeshPart};
use knarr_node::{Item, NodeState};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All machines as one render has them.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(super) machines: BTreeMap<NodeName, Machine>,
    pub(super) removed: BTreeSet<NodeName>,
    pub(super) signers: String,
    pub(super) directory: Option<Arc<Directory>>,
    pub(super) objects: Objects,
    /// The files that say so.
    files: Arc<Side>,
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) state: NodeState,
    /// The machines of its mesh.
    pub(super) directory: Option<Arc<Directory>>,
    /// Encrypted sources of its secrets, by name: `sha256:…`.
    pub(super) secrets: BTreeMap<String, String>,
}

/// What is known of where a machine stands.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// It has what this render had for it.
    Render(&'a World),
    /// It has nothing of the cluster yet.
    Nothing,
    /// Nobody knows.
    Unknown,
}

impl World {
    /// Returns what machines have by their own word, beside `new`: of which nobody knows anything, nothing is to be
    /// compared. `objects` is the render that the cluster followed last.
    pub fn reported(new: &Self, at: &BTreeMap<&NodeName, At<'_>>, objects: Option<&Self>) -> Self {
        let machine = |(name, machine): (&NodeName, &Machine)| match at.get(name) {
            Some(At::Render(world)) => Some((name.clone(), world.machines.get(name)?.clone())),
            Some(At::Nothing) => None,
            Some(At::Unknown) | None => Some((name.clone(), machine.clone())),
        };
        Self {
            machines: new.machines.iter().filter_map(machine).collect(),
            removed: new.removed.clone(),
            signers: new.signers.clone(),
            directory: None,
            objects: objects.unwrap_or(new).objects.clone(),
            files: Arc::default(),
        }
    }

    /// Returns what a render that is about to be written has.
    pub fn of_prepared(prepared: &Prepared) -> Self {
        let Lowered { nodes, cluster, tree } = &prepared.lowered;
        let directory = Some(Arc::new(prepared.model.directory.clone()));
        let machine = |(name, state): (&NodeName, &NodeState)| {
            let (secrets, directory) = (sealed(tree, name), directory.clone());
            (name.clone(), Machine { state: state.clone(), directory, secrets })
        };
        let text = |(path, output): (&RepoPath, &Output)| match output {
            Output::Text(text) => Some((path.clone(), text.clone().into_bytes())),
            Output::Sealed(_) => None,
        };
        let files: Arc<Side> = Arc::new(tree.0.iter().filter_map(text).collect());
        let removed = prepared.model.nodes.iter().filter(|(_, node)| node.removed);
        Self {
            machines: nodes.iter().map(machine).collect(),
            removed: removed.map(|(name, _)| name.clone()).collect(),
            signers: signers(&files),
            directory: directory.clone(),
            objects: Objects::new(Arc::clone(&files), Some(cluster.clone())),
            files,
        }
    }

    /// Returns the WireGuard key of a machine.
    pub fn key(&self, node: &NodeName) -> Option<WgKey> {
        Some(self.directory.as_ref()?.nodes.get(node)?.key)
    }

    /// Returns the machines that run the API.
    pub(super) fn servers(&self) -> BTreeSet<&NodeName> {
        let is_server =
            |item: &Item| matches!(item, Item::Unit(unit) if unit.name.as_str() == own::K3S_SERVER);
        let servers = self.machines.iter().filter(|(_, machine)| machine.state.items.iter().any(is_server));
        servers.map(|(name, _)| name).collect()
    }

    /// Reads what a commit has; a commit without rendered/ has nothing.
    ///
    /// # Errors
    /// When the commit is not there, or its rendered/ cannot be read.
    pub fn of_commit(history: &History, name: &str) -> Result<Self, CliError> {
        Self::of_files(history.files(name, "rendered")?)
    }

    /// Reads what a commit has as far as it differs from this one: much of two renders is the same.
    ///
    /// # Errors
    /// When the commit is not there, or its rendered/ cannot be read.
    pub fn beside(&self, history: &History, name: &str) -> Result<Self, CliError> {
        Self::read(history.files(name, "rendered")?, self)
    }

    /// Reads what the files of a commit say.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn of_files(files: Side) -> Result<Self, CliError> {
        Self::read(files, &Self::default())
    }

    fn read(files: Side, like: &Self) -> Result<Self, CliError> {
        let same = |path: &str| files.get(path).is_some_and(|bytes| like.files.get(path) == Some(bytes));
        let directory =
            if same(MESH) { like.directory.clone() } else { read::<Directory>(&files, MESH)?.map(Arc::new) };
        let list: Option<Outputs> = read(&files, outputs::PATH)?;
        let mut machines = BTreeMap::new();
        for (path, bytes) in &files {
            let name =
                path.as_str().strip_prefix("rendered/nodes/").and_then(|name| name.strip_suffix(".yaml"));
            if let Some(name) = name {
                let state = match like.machines.get(name).filter(|_| same(path.as_str())) {
                    Some(machine) => machine.state.clone(),
                    None => parse(path.as_str(), bytes)?,
                };
                let machine = Machine::new(state, directory.clone(), list.as_ref());
                let machine = machine.map_err(|odd| CliError::user(&odd).help(odd.help()))?;
                machines.insert(machine.state.node.clone(), machine);
            }
        }
        let cluster = read::<ClusterState>(&files, "rendered/cluster.yaml")?;
        let tombstones = cluster.iter().flat_map(ClusterState::tombstones);
        let removed = tombstones.map(|tombstone| tombstone.node.clone()).collect();
        let files = Arc::new(files);
        let (signers, objects) = (signers(&files), Objects::new(Arc::clone(&files), cluster));
        Ok(Self { machines, removed, signers, directory, objects, files })
    }
}

impl Machine {
    fn new(
        state: NodeState,
        directory: Option<Arc<Directory>>,
        list: Option<&Outputs>,
    ) -> Result<Self, Stranger> {
        let is_listed = directory.as_ref().is_none_or(|directory| directory.nodes.contains_key(&state.node));
        if state.mesh.is_some() && !is_listed {
            return Err(Stranger(state.node));
        }
        let secrets = listed(list, &state.node);
        Ok(Self { state, directory, secrets })
    }

    /// Returns what mesh and firewall are on the machine: it grows with the cluster, so nobody keeps that of all machines.
    pub(super) fn network(&self) -> Vec<Item> {
        let network = |directory: &Arc<Directory>| self.state.network(directory, &key()).expect(LISTED);
        self.directory.as_ref().map(network).unwrap_or_default()
    }

    /// Returns what its mesh would be if these were all that is in it.
    pub(super) fn mesh_in(&self, directory: &Directory) -> Vec<Item> {
        let Some(MeshPart { device }) = &self.state.mesh else { return Vec::new() };
        Mesh::new(directory, &self.state.node, device).expect(LISTED).items(key())
    }
}

/// A machine is read only when this holds.
const LISTED: &str = "the directory lists the machine";

fn key() -> AbsPath {
    "/var/lib/knarr/wireguard.key".parse().expect("it is an absolute path")
}

/// Returns where the secrets of a machine are.
fn bundle(node: &NodeName) -> String {
    format!("rendered/nodes/{node}.age")
}

/// Returns a sentence for each other place where machines find the commits.
pub(super) fn notes(old: &World, new: &World) -> BTreeSet<String> {
    let pairs = new
        .machines
        .iter()
        .filter_map(|(name, new)| Some((&old.machines.get(name)?.state.git, &new.state.git)));
    let note = |git: &Git| {
        let remotes = git.remotes.join(", ");
        format!("machines look for commits elsewhere from then on: branch {}, at {remotes}", git.branch)
    };
    pairs.filter(|(old, new)| old != new).map(|(_, git)| note(git)).collect()
}

fn signers(files: &Side) -> String {
    let bytes = files.get("rendered/access/signers");
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

fn read<T: DeserializeOwned>(files: &Side, path: &str) -> Result<Option<T>, CliError> {
    files.get(path).map(|bytes| parse(path, bytes)).transpose()
}

fn parse<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, CliError> {
    let options = serde_saphyr::options! { strict_booleans: true, emit_comments: false };
    let read = serde_saphyr::from_slice_with_options(bytes, options);
    read.map_err(|error| CliError::user(format!("cannot read `{path}` of that commit: {error}")))
}

fn sealed(tree: &Tree, node: &NodeName) -> BTreeMap<String, String> {
    match tree.0.get(bundle(node).as_str()) {
        Some(Output::Sealed(sealed)) => pairs(&sealed.sources()),
        Some(Output::Text(_)) | None => BTreeMap::new(),
    }
}

fn listed(list: Option<&Outputs>, node: &NodeName) -> BTreeMap<String, String> {
    match list.and_then(|list| list.0.get(bundle(node).as_str())) {
        Some(outputs::Output::Encrypted(encrypted)) => pairs(&encrypted.of),
        Some(outputs::Output::Plain(_)) | None => BTreeMap::new(),
    }
}

/// Returns the secrets among sources: names and digests.
fn pairs(sources: &BTreeSet<String>) -> BTreeMap<String, String> {
    let secrets = sources.iter().filter_map(|source| outputs::secret(source));
    secrets.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
}
