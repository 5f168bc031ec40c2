//! What each machine would do between two renders: knarrd's own comparison, offline.

use crate::emit::{Output, Tree};
use crate::error::CliError;
use crate::git::{History, Side};
use crate::lower::states;
use crate::render::Prepared;
use knarr_node::item::{Body, File};
use knarr_node::name::NodeName;
use knarr_node::outputs::{self, Outputs};
use knarr_node::state::{ClusterItem, ClusterState};
use knarr_node::{Change, Have, Impact, Item, NodeState, plan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// All machines as one render has them.
#[derive(Clone, Debug, Default)]
pub struct World {
    machines: BTreeMap<NodeName, Machine>,
    removed: BTreeSet<NodeName>,
    signers: String,
}

#[derive(Clone, Debug)]
struct Machine {
    state: NodeState,
    /// Encrypted sources of its secrets, by name: `sha256:…`.
    secrets: BTreeMap<String, String>,
}

/// What happens to one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is new: all of its items are made.
    New,
    /// It stays.
    Stays,
    /// A commit takes it out of the cluster; its data stays.
    Removed,
    /// Its file is gone without a tombstone: it keeps what it has and reports that.
    Forgotten,
}

/// One machine's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The machine.
    pub node: NodeName,
    /// What happens to it.
    pub fate: Fate,
    /// What it does, in this order.
    pub changes: Vec<Step>,
    /// The worst of the changes; none without changes.
    pub impact: Option<Impact>,
}

/// One change of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `make`, `change`, `restart` or `remove`.
    pub verb: &'static str,
    /// What, e.g. `path /etc/motd`.
    pub what: String,
    /// What it does to those who use the machine.
    pub impact: Impact,
}

/// What a commit would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The machines that do something, by name.
    pub nodes: Vec<Row>,
    /// What happens to no machine, as sentences: who may sign.
    pub notes: Vec<String>,
}

impl Planned {
    /// Whether nothing would happen.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.notes.is_empty()
    }
}

impl World {
    /// Returns what a render that is about to be written has.
    pub fn of_prepared(prepared: &Prepared) -> Self {
        let machine = |(name, state): (NodeName, NodeState)| {
            let secrets = sealed(&prepared.tree, &name);
            (name, Machine { state, secrets })
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
            signers: match signers {
                Some((_, Output::Text(text))) => text.clone(),
                Some((_, Output::Sealed(_))) | None => String::new(),
            },
        }
    }

    /// Reads what a commit has; a commit without rendered/ has nothing.
    ///
    /// # Errors
    /// When the commit is not there, or its rendered/ cannot be read.
    pub fn of_commit(history: &History, name: &str) -> Result<Self, CliError> {
        Self::of_files(&history.files(name, "rendered")?)
    }

    fn of_files(files: &Side) -> Result<Self, CliError> {
        let mut world = Self::default();
        let list: Option<Outputs> = read(files, outputs::PATH)?;
        for (path, bytes) in files {
            let name =
                path.as_str().strip_prefix("rendered/nodes/").and_then(|name| name.strip_suffix(".yaml"));
            if name.is_some() {
                let state: NodeState = parse(path.as_str(), bytes)?;
                let secrets = listed(list.as_ref(), &state.node);
                world.machines.insert(state.node.clone(), Machine { state, secrets });
            }
        }
        if let Some(cluster) = read::<ClusterState>(files, "rendered/cluster.yaml")? {
            world.removed =
                cluster.items.into_iter().map(|ClusterItem::Tombstone(tombstone)| tombstone.node).collect();
        }
        let signers = files.iter().find(|(path, _)| path.as_str() == SIGNERS);
        world.signers =
            signers.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        Ok(world)
    }
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

/// Compares two renders: what each machine would do to get from `old` to `new`.
pub fn between(old: &World, new: &World) -> Planned {
    let names: BTreeSet<&NodeName> = old.machines.keys().chain(new.machines.keys()).collect();
    let rows = names.into_iter().map(|name| row(name, old, new));
    let nodes = rows.filter(|row| row.fate != Fate::Stays || !row.changes.is_empty()).collect();
    let signers = old.signers != new.signers && !old.signers.is_empty();
    let note = "who may sign changes: a present signer must sign this commit, or the recovery key";
    Planned { nodes, notes: signers.then(|| note.to_owned()).into_iter().collect() }
}

fn row(name: &NodeName, old: &World, new: &World) -> Row {
    let (fate, changes) = match (old.machines.get(name), new.machines.get(name)) {
        (None, Some(new)) => (Fate::New, changes(None, new)),
        (old, Some(new)) => (Fate::Stays, changes(old, new)),
        (_, None) if new.removed.contains(name) => (Fate::Removed, Vec::new()),
        (_, None) => (Fate::Forgotten, Vec::new()),
    };
    let impact = changes.iter().map(|change| change.impact).max();
    Row { node: name.clone(), fate, changes, impact }
}

fn changes(old: Option<&Machine>, new: &Machine) -> Vec<Step> {
    let have = old.map(|old| had(old, new)).unwrap_or_default();
    let step = |change: &Change| Step {
        verb: change.verb(),
        what: change.id().to_string(),
        impact: change.impact(),
    };
    plan(&new.state.items, &Have::of(&have)).changes().map(step).collect()
}

/// Returns the old items; a file whose secret has another source now holds something else, so that it differs.
fn had(old: &Machine, new: &Machine) -> Vec<Item> {
    let stale = |item: &Item| {
        item.secret().is_some_and(|name| old.secrets.get(name.as_str()) != new.secrets.get(name.as_str()))
    };
    let had = |item: &Item| {
        if let Item::File(file) = item
            && stale(item)
        {
            return Item::File(File { body: Body::Text(String::new()), ..file.clone() });
        }
        item.clone()
    };
    old.state.items.iter().map(had).collect()
}

/// Returns the commit that machines may follow already: what was last pushed, else the last commit, else none.
pub fn base(history: &History, branch: &str) -> Option<String> {
    let pushed = format!("refs/remotes/origin/{branch}");
    [pushed.as_str(), "HEAD"].into_iter().find_map(|name| history.commit(name).ok())
}
