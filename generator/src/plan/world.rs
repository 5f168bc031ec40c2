//! All machines as one render has them: of this work tree, or of a commit.

use super::objects::Objects;
use crate::emit::{Output, Tree};
use crate::error::CliError;
use crate::git::{History, Side};
use crate::lower::{MESH, cluster, own, states};
use crate::render::Prepared;
use knarr_node::firewall::FirewallPart;
use knarr_node::mesh::{Directory, Stranger};
use knarr_node::name::{AbsPath, NodeName};
use knarr_node::net::WgKey;
use knarr_node::outputs::{self, Outputs};
use knarr_node::state::{ClusterState, Envelope, Git};
use knarr_node::{Item, NodeState};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// All machines as one render has them.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(super) machines: BTreeMap<NodeName, Machine>,
    pub(super) removed: BTreeSet<NodeName>,
    pub(super) signers: String,
    pub(super) directory: Option<Directory>,
    pub(super) objects: Objects,
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) items: Vec<Item>,
    pub(super) firewall: Option<FirewallPart>,
    /// Encrypted sources of its secrets, by name: `sha256:…`.
    pub(super) secrets: BTreeMap<String, String>,
    /// Which knarrd it is to run.
    pub(super) envelope: Envelope,
    /// Where it finds the commits.
    pub(super) git: Git,
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
        }
    }

    /// Returns what a render that is about to be written has.
    pub fn of_prepared(prepared: &Prepared) -> Self {
        let machine = |(name, state): (NodeName, NodeState)| {
            let secrets = sealed(&prepared.tree, &name);
            let machine = Machine::new(&state, Some(&prepared.model.directory), secrets);
            (name, machine.expect("a machine of the model is in its directory"))
        };
        let signers = prepared.tree.0.iter().find(|(path, _)| path.as_str() == SIGNERS);
        Self {
            machines: states(&prepared.model).into_iter().map(machine).collect(),
            removed: prepared
                .model
                .nodes
                .iter()
                .filter(|(_, node)| node.removed)
                .map(|(name, _)| name.clone())
                .collect(),
            directory: Some(prepared.model.directory.clone()),
            objects: Objects::of_tree(&prepared.tree, Some(&cluster(&prepared.model))),
            signers: match signers {
                Some((_, Output::Text(text))) => text.clone(),
                Some((_, Output::Sealed(_))) | None => String::new(),
            },
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
        let servers = self.machines.iter().filter(|(_, machine)| machine.items.iter().any(is_server));
        servers.map(|(name, _)| name).collect()
    }

    /// Reads what a commit has; a commit without rendered/ has nothing.
    ///
    /// # Errors
    /// When the commit is not there, or its rendered/ cannot be read.
    pub fn of_commit(history: &History, name: &str) -> Result<Self, CliError> {
        Self::of_files(&history.files(name, "rendered")?)
    }

    pub(crate) fn of_files(files: &Side) -> Result<Self, CliError> {
        let mut world = Self { directory: read(files, MESH)?, ..Self::default() };
        let list: Option<Outputs> = read(files, outputs::PATH)?;
        for (path, bytes) in files {
            let name =
                path.as_str().strip_prefix("rendered/nodes/").and_then(|name| name.strip_suffix(".yaml"));
            if name.is_some() {
                let state: NodeState = parse(path.as_str(), bytes)?;
                let secrets = listed(list.as_ref(), &state.node);
                let machine = Machine::new(&state, world.directory.as_ref(), secrets);
                let machine = machine.map_err(|odd| CliError::user(&odd).help(odd.help()))?;
                world.machines.insert(state.node, machine);
            }
        }
        let cluster = read::<ClusterState>(files, "rendered/cluster.yaml")?;
        world.objects = Objects::of_files(files, cluster.as_ref());
        let tombstones = cluster.iter().flat_map(ClusterState::tombstones);
        world.removed = tombstones.map(|tombstone| tombstone.node.clone()).collect();
        let signers = files.iter().find(|(path, _)| path.as_str() == SIGNERS);
        world.signers =
            signers.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        Ok(world)
    }
}

impl Machine {
    /// Makes the machine of a State as the machine itself does: with its part of the mesh.
    fn new(
        state: &NodeState,
        directory: Option<&Directory>,
        secrets: BTreeMap<String, String>,
    ) -> Result<Self, Stranger> {
        let key: AbsPath = "/var/lib/knarr/wireguard.key".parse().expect("it is an absolute path");
        let items = match directory {
            Some(directory) => state.lower(directory, &key)?,
            None => state.items.clone(),
        };
        let (envelope, git) = (state.knarr.clone(), state.git.clone());
        Ok(Self { items, firewall: state.firewall.clone(), secrets, envelope, git })
    }
}

/// Returns a sentence for each other place where machines find the commits.
pub(super) fn notes(old: &World, new: &World) -> BTreeSet<String> {
    let pairs = new.machines.iter().filter_map(|(name, new)| Some((&old.machines.get(name)?.git, &new.git)));
    let note = |git: &Git| {
        let remotes = git.remotes.join(", ");
        format!("machines look for commits elsewhere from then on: branch {}, at {remotes}", git.branch)
    };
    pairs.filter(|(old, new)| old != new).map(|(_, git)| note(git)).collect()
}

const SIGNERS: &str = "rendered/access/signers";

fn read<T: DeserializeOwned>(files: &Side, path: &str) -> Result<Option<T>, CliError> {
    let file = files.iter().find(|(there, _)| there.as_str() == path);
    file.map(|(_, bytes)| parse(path, bytes)).transpose()
}

fn parse<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, CliError> {
    let read = serde_saphyr::from_slice(bytes);
    read.map_err(|error| CliError::user(format!("cannot read `{path}` of that commit: {error}")))
}

fn sealed(tree: &Tree, node: &NodeName) -> BTreeMap<String, String> {
    let path = format!("rendered/nodes/{node}.age");
    match tree.0.iter().find(|(there, _)| there.as_str() == path) {
        Some((_, Output::Sealed(sealed))) => pairs(&sealed.sources()),
        Some((_, Output::Text(_))) | None => BTreeMap::new(),
    }
}

fn listed(list: Option<&Outputs>, node: &NodeName) -> BTreeMap<String, String> {
    let path = format!("rendered/nodes/{node}.age");
    match list.and_then(|list| list.0.iter().find(|(there, _)| there.as_str() == path)) {
        Some((_, outputs::Output::Encrypted { of, .. })) => pairs(of),
        Some((_, outputs::Output::Plain(_))) | None => BTreeMap::new(),
    }
}

/// Returns `secrets/name.age@sha256:…` as name and digest.
fn pairs(sources: &BTreeSet<String>) -> BTreeMap<String, String> {
    let pair = |source: &String| {
        let (path, digest) = source.split_once('@')?;
        let name = path.strip_prefix("secrets/")?.strip_suffix(".age")?;
        Some((name.to_owned(), digest.to_owned()))
    };
    sources.iter().filter_map(pair).collect()
}
