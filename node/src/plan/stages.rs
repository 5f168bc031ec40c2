//! The stages of a plan: what could cut the machine off apart from all else, and what has no way back alone.

use crate::change::{Back, Change};
use crate::host::{Have, Seen};
use crate::item::{Check, Id, Item};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The part of a pass that a change belongs to, in the order of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// What the network gets, under the guard.
    NetworkAdd,
    /// All that comes back by a swap, or may stay.
    Rest,
    /// One change without a way back, alone but for what it reads: all of that is done, or left.
    Alone,
    /// What the network loses, under the guard.
    NetworkRemove,
}

impl StageName {
    /// Whether the stage counts only when contact is proven after it.
    pub fn is_guarded(self) -> bool {
        matches!(self, Self::NetworkAdd | Self::NetworkRemove)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetworkAdd => "network, additions",
            Self::Rest => "rest",
            Self::Alone => "alone",
            Self::NetworkRemove => "network, removals",
        })
    }
}

/// Changes that are settled together before the next stage begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Which part of the pass this is.
    pub name: StageName,
    /// What is done, in this order.
    pub changes: Vec<Change>,
}

/// Units that serve the logins of people: a change of one can lock them out.
/// Source: Debian 12, package openssh-server; other distributions say sshd.
const SSHD: [&str; 2] = ["ssh.service", "sshd.service"];

/// Returns the ids whose changes could cut the machine off: the mesh, tables, sshd, and what sshd reads.
pub fn guarded(want: &[Item], have: &Have) -> BTreeSet<Id> {
    let there = have.iter().filter_map(|(_, seen)| if let Seen::Is(item) = seen { Some(item) } else { None });
    let items: Vec<&Item> = want.iter().chain(there).collect();
    let mut ids: BTreeSet<Id> = items.iter().filter(|item| cuts_off(item)).map(|item| item.id()).collect();
    loop {
        let more: Vec<Id> = items.iter().flat_map(|item| drawn_in(item, &ids)).collect();
        let before = ids.len();
        ids.extend(more);
        if ids.len() == before {
            return ids;
        }
    }
}

fn cuts_off(item: &Item) -> bool {
    match item {
        Item::Device(_) | Item::Peer(_) | Item::Address(_) | Item::Route(_) | Item::Table(_) => true,
        Item::Unit(unit) => SSHD.contains(&unit.name.as_str()),
        Item::File(file) => file.check == Some(Check::Sshd),
        Item::Dir(_)
        | Item::Link(_)
        | Item::Sysctl(_)
        | Item::Account(_)
        | Item::Hosts(_)
        | Item::Artifact(_) => false,
    }
}

/// Returns what belongs to the same stage as one of `ids`: a unit and what it reads cannot be told apart.
fn drawn_in(item: &Item, ids: &BTreeSet<Id>) -> Vec<Id> {
    let reads: Vec<Id> = item.reads().cloned().map(Id::Path).collect();
    let touches = ids.contains(&item.id()) || reads.iter().any(|read| ids.contains(read));
    if touches { reads.into_iter().chain([item.id()]).collect() } else { Vec::new() }
}

/// Cuts changes, and removals that come after them, into stages; none is empty.
pub(super) fn cut(changes: Vec<Change>, removals: Vec<Change>, guarded: &BTreeSet<Id>) -> Vec<Stage> {
    let is_guarded = |change: &Change| guarded.contains(change.id());
    let (network, rest): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(is_guarded);
    let (last, rest_too): (Vec<Change>, Vec<Change>) = removals.into_iter().partition(is_guarded);
    let first = Stage { name: StageName::NetworkAdd, changes: network };
    let last = Stage { name: StageName::NetworkRemove, changes: last };
    let stages = [first].into_iter().chain(unguarded(rest.into_iter().chain(rest_too))).chain([last]);
    stages.filter(|stage| !stage.changes.is_empty()).collect()
}

/// Groups neighbours that come back into one stage; a change that does not stands alone between them, with what it reads:
/// a unit that is not changed for now must not find other files at a boot.
fn unguarded(changes: impl Iterator<Item = Change>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut rest: Vec<Change> = Vec::new();
    for change in changes {
        if matches!(change.back(), Back::Never(_)) {
            let (alone, before) = parted(std::mem::take(&mut rest), change);
            stages.push(Stage { name: StageName::Rest, changes: before });
            stages.push(Stage { name: StageName::Alone, changes: alone });
        } else {
            rest.push(change);
        }
    }
    stages.push(Stage { name: StageName::Rest, changes: rest });
    stages
}

/// Takes what `never` reads out of the changes before it, with all units that read the same.
fn parted(before: Vec<Change>, never: Change) -> (Vec<Change>, Vec<Change>) {
    let reads = |change: &Change| -> BTreeSet<Id> {
        let sides = [change.from(), change.wanted()].into_iter().flatten();
        sides.flat_map(Item::reads).cloned().map(Id::Path).collect()
    };
    let mut read = reads(&never);
    read.retain(|path| before.iter().any(|change| change.id() == path));
    let goes_along = |change: &Change| read.contains(change.id()) || !reads(change).is_disjoint(&read);
    let (mut alone, rest): (Vec<Change>, Vec<Change>) = before.into_iter().partition(goes_along);
    alone.push(never);
    (alone, rest)
}
