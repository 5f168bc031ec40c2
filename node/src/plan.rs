//! want − have = changes: the one comparison of the whole product.

mod stages;
mod tunnels;

pub use stages::{Stage, StageName, guarded};

use crate::change::{Back, Change};
use crate::host::{Have, Seen, Why};
use crate::item::{Id, Item};
use crate::name::AbsPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The ids that Knarr made on this machine, oldest first: only these can be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owned(Vec<Id>);

impl Owned {
    /// Returns the ids of `items`, in their order.
    pub fn of(items: &[Item]) -> Self {
        Self(items.iter().map(Item::id).collect())
    }

    /// Adds an id at the end, once.
    pub fn add(&mut self, id: &Id) {
        if !self.0.contains(id) {
            self.0.push(id.clone());
        }
    }

    /// Takes an id out.
    pub fn drop(&mut self, id: &Id) {
        self.0.retain(|owned| owned != id);
    }

    /// Whether Knarr made this.
    pub fn has(&self, id: &Id) -> bool {
        self.0.contains(id)
    }

    /// Returns the ids, oldest first.
    pub fn ids(&self) -> &[Id] {
        &self.0
    }
}

/// All that a machine would do, and what is left alone and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The stages, in order; none is empty.
    pub stages: Vec<Stage>,
    /// What could not be seen, and what reads it.
    pub skipped: Vec<(Id, Why)>,
}

impl Plan {
    /// Whether the machine already holds what is wanted, as far as it could be seen.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Returns all changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.stages.iter().flat_map(|stage| &stage.changes)
    }
}

/// Returns what is to be looked at: the wanted items, then what is owned and no longer wanted.
pub fn scope<'a>(want: &'a [Item], owned: &Owned) -> impl Iterator<Item = (Id, Option<&'a Item>)> {
    let wanted: BTreeSet<Id> = want.iter().map(Item::id).collect();
    let gone: Vec<Id> = owned.ids().iter().filter(|id| !wanted.contains(id)).cloned().collect();
    want.iter().map(|item| (item.id(), Some(item))).chain(gone.into_iter().map(|id| (id, None)))
}

/// Compares what is wanted with what is there.
///
/// Wanted items come top to bottom, but what a unit reads comes before the unit. What is no longer wanted goes
/// bottom to top at the end, but before a unit that read it restarts. What could cut the machine off has stages of
/// its own: additions before all else, removals after it. An address that moves between tunnels is given up first.
pub fn plan(want: &[Item], have: &Have) -> Plan {
    let mut planner = Planner::new(want, have);
    for item in readers_last(want) {
        planner.want(item);
    }
    let (changes, removals) = (std::mem::take(&mut planner.changes), planner.remove_rest());
    let changes = tunnels::given_up_first(changes, &removals);
    Plan { stages: stages::cut(changes, removals, &stages::guarded(want, have)), skipped: planner.skipped }
}

/// Returns the plan back to what was there before `done`, in the order of any plan.
///
/// What has no way back is left alone: it said so beforehand.
pub fn undo(done: &[Change], have: &Have) -> Plan {
    let want: Vec<Item> = undo_want(done);
    plan(&want, have)
}

/// Returns the items that undoing `done` wants: the oldest `from` of each id, in the order of a State.
pub fn undo_want(done: &[Change]) -> Vec<Item> {
    let mut seen = BTreeSet::new();
    let oldest: Vec<&Change> = done.iter().filter(|change| seen.insert(change.id())).collect();
    let changed = oldest.iter().filter(|change| change.wanted().is_some());
    let removed = oldest.iter().rev().filter(|change| change.wanted().is_none());
    (changed.chain(removed))
        .filter(|change| !matches!(change.back(), Back::Never(_)))
        .filter_map(|change| change.from().cloned())
        .collect()
}

/// Returns what undoing `done` looks at besides what it wants: all ids that come back.
pub fn undo_owned(done: &[Change]) -> Owned {
    let mut owned = Owned::default();
    for change in done.iter().filter(|change| !matches!(change.back(), Back::Never(_))) {
        owned.add(change.id());
    }
    owned
}

struct Planner<'a> {
    have: &'a Have,
    removals: BTreeMap<Id, Item>,
    changed: BTreeSet<Id>,
    unknown: BTreeMap<Id, Why>,
    changes: Vec<Change>,
    skipped: Vec<(Id, Why)>,
}

impl<'a> Planner<'a> {
    fn new(want: &[Item], have: &'a Have) -> Self {
        let wanted: BTreeSet<Id> = want.iter().map(Item::id).collect();
        let mut planner = Self {
            have,
            removals: BTreeMap::new(),
            changed: BTreeSet::new(),
            unknown: BTreeMap::new(),
            changes: Vec::new(),
            skipped: Vec::new(),
        };
        for (id, seen) in have.iter() {
            if let Seen::Unknown(why) = seen {
                planner.unknown.insert(id.clone(), why.clone());
            }
        }
        for (id, seen) in have.iter().filter(|(id, _)| !wanted.contains(id)) {
            match seen {
                Seen::Is(item) => drop(planner.removals.insert(id.clone(), item.clone())),
                Seen::Unknown(why) => planner.skip(id.clone(), why.clone()),
                Seen::Absent => {}
            }
        }
        planner
    }

    fn want(&mut self, item: &Item) {
        let id = item.id();
        let from = match self.have.get(&id) {
            Seen::Unknown(why) => return self.skip(id, why.clone()),
            Seen::Is(from) => Some(from.clone()),
            Seen::Absent => None,
        };
        let reads =
            item.reads().chain(from.iter().flat_map(Item::reads)).cloned().map(Id::Path).collect::<Vec<_>>();
        if let Some(why) = self.hidden(&reads) {
            return self.skip(id, why);
        }
        for read in &reads {
            self.remove(read);
        }
        if !from.as_ref().is_some_and(|from| from.is_as(item))
            || reads.iter().any(|read| self.changed.contains(read))
        {
            self.changed.insert(id);
            self.changes.push(Change::to(from, item.clone()));
        }
    }

    fn remove(&mut self, id: &Id) {
        if let Some(item) = self.removals.remove(id) {
            self.changed.insert(id.clone());
            self.changes.push(Change::away(item));
        }
    }

    fn remove_rest(&mut self) -> Vec<Change> {
        let ids: Vec<Id> = self.have.iter().rev().map(|(id, _)| id.clone()).collect();
        for id in ids {
            let reads = self.removals.get(&id).into_iter().flat_map(Item::reads).cloned().map(Id::Path);
            match self.hidden(&reads.collect::<Vec<_>>()) {
                Some(why) => self.skip(id, why),
                None => self.remove(&id),
            }
        }
        std::mem::take(&mut self.changes)
    }

    fn hidden(&self, reads: &[Id]) -> Option<Why> {
        let hidden = reads.iter().find(|read| self.unknown.contains_key(read))?;
        Some(Why(format!("it reads {hidden}, which cannot be seen")))
    }

    fn skip(&mut self, id: Id, why: Why) {
        self.unknown.insert(id.clone(), why.clone());
        self.skipped.push((id, why));
    }
}

/// Returns the items in their order, but each unit after all that it reads.
fn readers_last(want: &[Item]) -> Vec<&Item> {
    let read: BTreeSet<Id> = want.iter().flat_map(Item::reads).cloned().map(Id::Path).collect();
    let awaited = |item: &&Item| Some(item.id()).filter(|id| read.contains(id));
    let mut later: BTreeMap<Id, usize> = BTreeMap::new();
    for id in want.iter().filter_map(|item| awaited(&item)) {
        *later.entry(id).or_default() += 1;
    }
    let mut waiting: Vec<&Item> = want.iter().collect();
    let mut ordered = Vec::with_capacity(want.len());
    while !waiting.is_empty() {
        let is_later = |path: &AbsPath| later.get(&Id::Path(path.clone())).is_some_and(|left| *left > 0);
        let ready = |item: &&Item| !item.reads().any(is_later);
        let next = waiting.iter().position(ready).expect("a path reads nothing, so one is ready");
        let item = waiting.remove(next);
        if let Some(left) = awaited(&item).and_then(|id| later.get_mut(&id)) {
            *left -= 1;
        }
        ordered.push(item);
    }
    ordered
}

#[cfg(test)]
mod tests;
