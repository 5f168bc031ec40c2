//! What all records together say. Pure: a fold over the records.

use super::record::{Guard, Record};
use knarr_node::firewall::Ssh;
use knarr_node::item::{Artifact, File, Source};
use knarr_node::name::{AbsPath, KeptName, Oid};
use knarr_node::report::Quarantine;
use knarr_node::{Body, Change, Item, Owned, StageName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many passes the history names.
const HISTORY: usize = 200;
/// How many changes of the network are remembered as not to be tried again.
const QUARANTINES: usize = 20;

/// All that the journal knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Past {
    next: u64,
    pub(super) owned: Owned,
    pub(super) last: Option<Pass>,
    pub(super) open: Option<Pass>,
    pub(super) history: Vec<Line>,
    /// The guarded stage that is neither proven nor taken back.
    #[serde(default)]
    pub(super) armed: Option<Armed>,
    #[serde(default)]
    pub(super) quarantined: Vec<Quarantine>,
    /// Who may dial sshd since the last proven stage.
    #[serde(default)]
    pub(super) ssh: Option<Ssh>,
}

/// A guarded stage that nobody has judged yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Armed {
    /// What it is judged by.
    pub guard: Guard,
    stage: StageName,
    /// The number of its first change.
    first: u32,
    owned_before: Owned,
}

/// One pass with its changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pass {
    /// Its number, counted up for ever.
    pub number: u64,
    /// The commit whose State it applied, or took back.
    pub commit: Oid,
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// Whether it took back the pass before it.
    pub undoes: bool,
    /// What it intended, by number.
    pub steps: BTreeMap<u32, Step>,
    /// Its stages that the guard took back; their changes are no steps any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    taken_back: BTreeSet<StageName>,
    /// The snapshots that it took.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    saved: BTreeSet<AbsPath>,
    owned_before: Owned,
}

/// One change of a pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The change; its `from` is what was kept.
    pub change: Change,
    /// Whether it is known to be made. If not, it may have happened in part.
    pub done: bool,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the pass.
    pub pass: u64,
    /// The commit whose State it applied, or took back.
    pub commit: Oid,
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// Whether it took back the pass before it.
    pub undoes: bool,
    /// How many changes were made.
    pub changes: usize,
    /// Its stages that the guard took back; their changes do not count.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub taken_back: BTreeSet<StageName>,
    /// The snapshots that it took before what does not come back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub saved: BTreeSet<AbsPath>,
    /// How it ended.
    pub ending: Ending,
}

/// How a pass with changes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All is as wanted.
    Clean,
    /// So many items are not as wanted.
    Troubles(usize),
    /// A crash ended it, and the next pass was for another commit.
    Interrupted,
}

impl Pass {
    /// Returns the changes that happened, or may have happened in part, in their order.
    pub fn changes(&self) -> Vec<Change> {
        self.steps.values().map(|step| step.change.clone()).collect()
    }

    /// Returns the number of the next change.
    pub fn next(&self) -> u32 {
        self.steps.keys().next_back().map_or(0, |n| n + 1)
    }

    /// Adds a later pass for the same commit, which repaired what had drifted: what was there before the first
    /// one counts.
    fn and_then(mut self, later: Self) -> Self {
        for step in later.steps.into_values() {
            if !self.steps.values().any(|earlier| earlier.change.id() == step.change.id()) {
                self.steps.insert(self.next(), step);
            }
        }
        self
    }

    fn line(&self, ending: Ending) -> Line {
        let changes = self.steps.values().filter(|step| step.done).count();
        let (commit, undoes, taken_back) = (self.commit.clone(), self.undoes, self.taken_back.clone());
        let saved = self.saved.clone();
        Line { pass: self.number, commit, at: self.at, undoes, changes, taken_back, saved, ending }
    }
}

impl Past {
    /// Returns the number of the next pass.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the names of all kept bodies that an undo or a settling still needs.
    pub(super) fn needed(&self) -> BTreeSet<KeptName> {
        let passes = self.last.iter().chain(&self.open);
        passes.flat_map(|pass| pass.steps.values()).filter_map(|step| kept(step.change.from()?)).collect()
    }

    /// Adds what one record says.
    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Past(past) => *self = past,
            Record::Begin { pass, commit, at, undoes, guard, stage } => {
                self.begin(pass, commit, at, undoes);
                self.armed = guard.map(|guard| self.arm(stage, guard));
            }
            Record::Proved { ssh } => {
                (self.armed, self.ssh) = (None, ssh);
                self.quarantined.clear();
            }
            Record::TakenBack => self.taken_back(),
            Record::Quarantine(quarantine) => self.quarantine(quarantine),
            Record::Release => self.quarantined.clear(),
            Record::Intend { n, change } => self.intend(n, change),
            Record::Done { n } => self.done(n),
            Record::Void { n } => self.void(n),
            Record::Saved { place } => self.saved(place),
            Record::Disown { id } => self.owned.drop(&id),
            Record::Undone => self.undone(),
            Record::End(ending) => self.end(ending),
        }
    }

    fn begin(&mut self, number: u64, commit: Oid, at: u64, undoes: bool) {
        if self.open.is_none() {
            let owned_before = self.owned.clone();
            let (steps, taken_back, saved) = Default::default();
            self.open = Some(Pass { number, commit, at, undoes, steps, taken_back, saved, owned_before });
            self.next = number + 1;
        }
    }

    fn arm(&self, stage: StageName, guard: Guard) -> Armed {
        let first = self.open.as_ref().map_or(0, Pass::next);
        Armed { guard, stage, first, owned_before: self.owned.clone() }
    }

    /// Returns the changes of the stage that nobody has judged yet.
    pub(super) fn unproven(&self) -> Vec<Change> {
        let Some(Armed { first, .. }) = self.armed else { return Vec::new() };
        let steps = self.open.iter().flat_map(|pass| pass.steps.range(first..));
        steps.map(|(_, step)| step.change.clone()).collect()
    }

    /// Forgets the changes of the stage: the machine is as if it had never begun.
    fn taken_back(&mut self) {
        let Some(Armed { stage, first, owned_before, .. }) = self.armed.take() else { return };
        self.owned = owned_before;
        if let Some(pass) = &mut self.open {
            pass.steps.split_off(&first);
            pass.taken_back.insert(stage);
        }
    }

    fn quarantine(&mut self, quarantine: Quarantine) {
        self.quarantined.retain(|old| old.digest != quarantine.digest);
        self.quarantined.push(quarantine);
        self.quarantined.drain(..self.quarantined.len().saturating_sub(QUARANTINES));
    }

    fn intend(&mut self, n: u32, change: Change) {
        // A parameter always has a value: there is nothing of ours to remove.
        if !matches!(change.wanted(), None | Some(Item::Sysctl(_))) {
            self.owned.add(change.id());
        }
        if let Some(pass) = &mut self.open {
            pass.steps.insert(n, Step { change, done: false });
        }
    }

    fn done(&mut self, n: u32) {
        let Some(step) = self.open.as_mut().and_then(|pass| pass.steps.get_mut(&n)) else { return };
        step.done = true;
        if step.change.wanted().is_none() {
            self.owned.drop(step.change.id());
        }
    }

    fn saved(&mut self, place: AbsPath) {
        if let Some(pass) = &mut self.open {
            pass.saved.insert(place);
        }
    }

    /// Takes a step out, and the ownership that it alone brought.
    fn void(&mut self, n: u32) {
        let Some(pass) = &mut self.open else { return };
        let Some(step) = pass.steps.remove(&n) else { return };
        let id = step.change.id();
        if !pass.owned_before.has(id) && !pass.steps.values().any(|other| other.change.id() == id) {
            self.owned.drop(id);
        }
    }

    /// Gives back what the last pass took into ownership.
    fn undone(&mut self) {
        if let Some(pass) = self.last.take() {
            self.owned = pass.owned_before;
        }
    }

    fn end(&mut self, ending: Ending) {
        let Some(pass) = self.open.take() else { return };
        self.remember(pass.line(ending));
        if !pass.undoes && !pass.steps.is_empty() {
            self.last = Some(match self.last.take() {
                Some(last) if last.commit == pass.commit => last.and_then(pass),
                Some(_) | None => pass,
            });
        }
    }

    /// Adds a line; passes in a row that made nothing of one commit are one line.
    fn remember(&mut self, mut line: Line) {
        let what = (&line.commit, line.undoes, 0, &line.taken_back);
        let again = |old: &Line| (&old.commit, old.undoes, old.changes, &old.taken_back) == what;
        if line.changes == 0 && self.history.last().is_some_and(again) {
            line.saved.extend(self.history.pop().into_iter().flat_map(|old| old.saved));
        }
        self.history.push(line);
        self.history.drain(..self.history.len().saturating_sub(HISTORY));
    }
}

/// A device's key that was not the machine's own was kept as well: the item has its path.
fn kept(item: &Item) -> Option<KeptName> {
    if let Item::Artifact(Artifact { from, .. }) = item
        && let Some(Source::Kept(name)) = from.first()
    {
        return Some(name.clone());
    }
    if let Item::File(File { body: Body::Kept(name), .. }) = item {
        return Some(name.clone());
    }
    let Item::Device(device) = item else { return None };
    device.key.as_str().rsplit_once("/kept/")?.1.parse().ok()
}
