//! What each machine would do between two renders: knarrd's own comparison, offline.

mod k3s;
mod loss;
mod markdown;
mod network;
mod objects;
mod servers;
mod step;
mod turns;
mod words;
mod world;

pub use k3s::oldest;
pub use loss::Left;
pub use markdown::markdown;
pub use objects::{AppRow, ObjectRow, Turn};
pub use servers::{Servers, When, words as servers_in_words};
pub use step::{Step, WayBack};
pub use words::Line;
pub use world::{At, World};

use crate::git::History;
use crate::model::{cut, names};
use knarr_node::item::{Body, File};
use knarr_node::name::{NodeName, PeerName};
use knarr_node::{Have, Impact, Item, plan};
use network::Networks;
use objects::turn;
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
    /// When it has its turn: 1 waits for nobody, and each later one for some machine of an earlier turn.
    pub turn: usize,
    /// What it does, in this order.
    pub changes: Vec<Step>,
    /// The same in words.
    pub lines: Vec<Line>,
    /// The secrets that it gets, gets anew, or loses; no value is known here.
    pub secrets: Vec<SecretRow>,
    /// The worst of the changes; none without changes.
    pub impact: Option<Impact>,
}

/// One secret of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretRow {
    /// What becomes of it there.
    pub turn: Turn,
    /// Its name.
    pub name: String,
}

/// What a commit would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The machines that do something, by turn, then by name.
    pub nodes: Vec<Row>,
    /// What changes in the cluster itself, by app.
    pub apps: Vec<AppRow>,
    /// How many servers there are, and how many may fail, before, after each step, and at the end; nothing when no
    /// server comes, goes or restarts.
    pub servers: Vec<Servers>,
    /// What is lost for good, as sentences.
    pub destroys: Vec<String>,
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
    let mut networks = Networks::default();
    let rows = names.into_iter().map(|name| row(name, old, new, &mut networks));
    let mut nodes: Vec<Row> = rows.filter(Row::is_something).collect();
    turns::order(&mut nodes);
    let signers = old.signers != new.signers && !old.signers.is_empty();
    let note = "who may sign changes: a present signer must sign this commit, or the recovery key";
    let signers = signers.then(|| note.to_owned());
    let apps = objects::between(&old.objects, &new.objects);
    let others = world::notes(old, new).into_iter().chain(cut_off(old, new)).chain(k3s::notes(old, new));
    Planned {
        servers: servers::servers(&nodes, old),
        destroys: apps.iter().flat_map(AppRow::destroys).collect(),
        notes: signers.into_iter().chain(others).collect(),
        nodes,
        apps,
    }
}

impl Row {
    fn is_something(&self) -> bool {
        self.fate != Fate::Stays || !self.changes.is_empty() || !self.secrets.is_empty()
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

fn row<'a>(name: &NodeName, old: &'a World, new: &'a World, networks: &mut Networks<'a>) -> Row {
    let fate = match (old.machines.get(name), new.machines.get(name)) {
        (None, Some(_)) => Fate::New,
        (_, Some(_)) => Fate::Stays,
        (_, None) if new.removed.contains(name) => Fate::Removed,
        (_, None) => Fate::Forgotten,
    };
    let (changes, lines, secrets) = match (old.machines.get(name), new.machines.get(name)) {
        (had, Some(machine)) => {
            let (changes, lines) = changes(had, machine, networks);
            (changes, lines, secrets(had, machine))
        }
        (_, None) => Default::default(),
    };
    let impact = changes.iter().map(|change| change.impact).max();
    Row { node: name.clone(), fate, turn: 1, changes, lines, secrets, impact }
}

fn changes<'a>(
    old: Option<&'a Machine>,
    new: &'a Machine,
    networks: &mut Networks<'a>,
) -> (Vec<Step>, Vec<Line>) {
    let (mut have, mut want) = networks.of(old, new);
    if have == want && old.is_some_and(|old| old.state == new.state && old.secrets == new.secrets) {
        return Default::default();
    }
    have.extend(old.map(|old| had(old, new)).unwrap_or_default());
    want.extend(new.state.items.iter().cloned());
    let plan = plan(&want, &Have::of(&have));
    let mut steps = Vec::new();
    for stage in &plan.stages {
        let guarded = stage.name.is_guarded();
        steps.extend(stage.changes.iter().map(|change| (change, Step::of(change, guarded))));
    }
    let firewall = |machine: &'_ Machine| machine.state.firewall.clone();
    let (before, after) = (old.and_then(firewall), firewall(new));
    let mut lines = words::lines(&steps, before.as_ref(), after.as_ref());
    let own = old.and_then(|old| Step::knarrd(&old.state.knarr, &new.state.knarr));
    lines.extend(own.iter().map(Line::knarrd));
    (steps.into_iter().map(|(_, step)| step).chain(own).collect(), lines)
}

/// Compares the encrypted sources of secrets: their values are known to nobody here.
fn secrets(old: Option<&Machine>, new: &Machine) -> Vec<SecretRow> {
    let had = |name: &String| old.and_then(|old| old.secrets.get(name));
    let names: BTreeSet<&String> =
        old.into_iter().flat_map(|old| old.secrets.keys()).chain(new.secrets.keys()).collect();
    let row =
        |name: &String| Some(SecretRow { turn: turn(had(name), new.secrets.get(name))?, name: name.clone() });
    names.into_iter().filter_map(row).collect()
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

#[cfg(test)]
mod tests;
