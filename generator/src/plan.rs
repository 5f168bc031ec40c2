//! What each machine would do between two renders: knarrd's own comparison, offline.

mod k3s;
mod objects;
mod words;
mod world;

pub use k3s::oldest;
pub use objects::{AppRow, ObjectRow, Turn};
pub use words::Line;
pub use world::World;

use crate::git::History;
use crate::model::{cut, names};
use knarr_node::item::{Body, File};
use knarr_node::name::{NodeName, PeerName};
use knarr_node::{Change, Have, Impact, Item, plan};
use serde::Serialize;
use std::collections::BTreeSet;
use world::Machine;

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
    /// The same in words.
    pub lines: Vec<Line>,
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
    /// Whether it counts only when contact is proven after it.
    pub guarded: bool,
    /// Whether the machine takes a snapshot before it.
    pub snapshot: bool,
}

/// What a commit would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The machines that do something, by name.
    pub nodes: Vec<Row>,
    /// What changes in the cluster itself, by app.
    pub apps: Vec<AppRow>,
    /// What happens to no machine, as sentences: who may sign, what devices must be told, whether K3s comes back.
    pub notes: Vec<String>,
}

impl Planned {
    /// Whether nothing would happen.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.apps.is_empty() && self.notes.is_empty()
    }
}

/// Compares two renders: what each machine would do to get from `old` to `new`.
pub fn between(old: &World, new: &World) -> Planned {
    let names: BTreeSet<&NodeName> = old.machines.keys().chain(new.machines.keys()).collect();
    let rows = names.into_iter().map(|name| row(name, old, new));
    let nodes = rows.filter(|row| row.fate != Fate::Stays || !row.changes.is_empty()).collect();
    let signers = old.signers != new.signers && !old.signers.is_empty();
    let note = "who may sign changes: a present signer must sign this commit, or the recovery key";
    let signers = signers.then(|| note.to_owned());
    let apps = objects::between(&old.objects, &new.objects);
    Planned {
        nodes,
        apps,
        notes: signers.into_iter().chain(cut_off(old, new)).chain(k3s::notes(old, new)).collect(),
    }
}

/// Returns a sentence for each machine that its devices will not find any more.
fn cut_off(old: &World, new: &World) -> Vec<String> {
    let (Some(old), Some(new)) = (&old.directory, &new.directory) else { return Vec::new() };
    let note = |(node, devices): (&NodeName, Vec<&PeerName>)| {
        let names = names(&devices);
        format!(
            "devices find `{node}` no more until they get their configuration anew (knarr peer show NAME): {names}"
        )
    };
    cut(old, new).into_iter().map(note).collect()
}

fn row(name: &NodeName, old: &World, new: &World) -> Row {
    let (fate, (changes, lines)) = match (old.machines.get(name), new.machines.get(name)) {
        (None, Some(new)) => (Fate::New, changes(None, new)),
        (old, Some(new)) => (Fate::Stays, changes(old, new)),
        (_, None) if new.removed.contains(name) => (Fate::Removed, Default::default()),
        (_, None) => (Fate::Forgotten, Default::default()),
    };
    let impact = changes.iter().map(|change| change.impact).max();
    Row { node: name.clone(), fate, changes, lines, impact }
}

fn changes(old: Option<&Machine>, new: &Machine) -> (Vec<Step>, Vec<Line>) {
    let have = old.map(|old| had(old, new)).unwrap_or_default();
    let plan = plan(&new.items, &Have::of(&have));
    let stages = plan.stages.iter();
    let steps: Vec<(&Change, Step)> = stages
        .flat_map(|stage| stage.changes.iter().map(|change| (change, step(change, stage.name.is_guarded()))))
        .collect();
    let lines = words::lines(&steps, old.and_then(|old| old.firewall.as_ref()), new.firewall.as_ref());
    (steps.into_iter().map(|(_, step)| step).collect(), lines)
}

fn step(change: &Change, guarded: bool) -> Step {
    let (verb, what, snapshot) = (change.verb(), change.id().to_string(), change.saves());
    Step { verb, what, impact: change.impact(), guarded, snapshot }
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
    old.items.iter().map(had).collect()
}

/// Returns the commit that machines may follow already: what was last pushed, else the last commit, else none.
pub fn base(history: &History, branch: &str) -> Option<String> {
    let pushed = format!("refs/remotes/origin/{branch}");
    [pushed.as_str(), "HEAD"].into_iter().find_map(|name| history.commit(name).ok())
}

#[cfg(test)]
mod tests;
