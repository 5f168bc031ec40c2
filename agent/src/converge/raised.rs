//! What has no way back, with what it reads: nothing of it is touched before its data are saved.

use super::{Intent, Pass, hinders};
use crate::journal::JournalError;
use jiff::Timestamp;
use knarr_node::item::{Before, Unit};
use knarr_node::name::Stamp;
use knarr_node::report::Trouble;
use knarr_node::{Act, Change, Id, Item, Stage};

/// What a person does whose data are of a later version.
const RESTORE: &str = "restore a snapshot: docs/reliability.md#going-back-to-a-snapshot";

impl Pass<'_> {
    /// Does the stage of a change from which nothing comes back: all of it, or nothing when it has to wait or its data
    /// cannot be saved.
    pub(super) fn alone(&mut self, stage: Stage) -> Result<(), JournalError> {
        let Some(never) = stage.changes.last().cloned() else { return Ok(()) };
        if let Some((data, program)) = never.lowered() {
            let why = format!("its data are of {data}, which {program} does not read; {RESTORE}");
            self.leave(vec![never], &Trouble::Failed(why));
            self.leave(stage.changes, &Trouble::Held);
            return Ok(());
        }
        if self.waits(&never) {
            self.leave(stage.changes, &Trouble::Held);
            return Ok(());
        }
        let hindering = |failed: &&Change| stage.changes.iter().any(|change| hinders(failed, change));
        if let Some(failed) = self.failed.iter().find(hindering) {
            let trouble = self.follows(failed);
            self.leave(stage.changes, &trouble);
            return Ok(());
        }
        self.journal.begin(&self.cause, stage.name, self.undoes, None)?;
        if let Some(unit) = never.raised()
            && !self.save(unit)?
        {
            start_again(self.host, &never);
            self.leave(stage.changes, &Trouble::Needs(never.id().clone()));
            return Ok(());
        }
        self.do_alone(stage.changes, &never)
    }

    fn do_alone(&mut self, changes: Vec<Change>, never: &Change) -> Result<(), JournalError> {
        let (mut made, mut tried) = (Vec::new(), false);
        for change in changes {
            let is_last = change.id() == never.id();
            match self.intend(change)? {
                Intent::Needless | Intent::Failed => {}
                Intent::To(n, change) => {
                    tried = is_last;
                    if self.make(n, (*change).clone())? && !is_last {
                        made.push((n, *change));
                    }
                }
            }
        }
        if tried { Ok(()) } else { self.take_back(made, never) }
    }

    /// Takes back what was made for a change that was not even tried.
    fn take_back(&mut self, made: Vec<(u32, Change)>, never: &Change) -> Result<(), JournalError> {
        for (n, change) in made.into_iter().rev() {
            let trouble = match self.host.act(&change.swapped()) {
                Ok(()) => Trouble::Needs(never.id().clone()),
                Err(error) => Trouble::Failed(format!("cannot be taken back: {}", error.why)),
            };
            if !matches!(trouble, Trouble::Failed(_)) {
                self.journal.void(n)?;
                self.done.changes.retain(|done| done.id() != change.id());
            }
            self.leave(vec![change], &trouble);
        }
        start_again(self.host, never);
        Ok(())
    }

    /// Takes a snapshot, and returns whether the change may go on.
    fn save(&mut self, unit: &Unit) -> Result<bool, JournalError> {
        let Some(floor) = unit.floor.filter(|_| !unit.snapshot.is_empty()) else { return Ok(true) };
        let began = self.journal.unfinished().map_or(self.cause.at, |pass| pass.at);
        match self.host.save(unit, &Before { floor, at: stamp(began) }) {
            Ok(place) => {
                place.map_or(Ok(()), |place| self.journal.saved(place))?;
                Ok(true)
            }
            Err(error) => {
                let id = Id::Unit(unit.name.clone());
                let why = format!(
                    "it runs on as it was, for no snapshot could be taken before {floor}: {}",
                    error.why
                );
                self.done.troubles.insert(id, Trouble::Failed(why));
                Ok(false)
            }
        }
    }

    /// Leaves changes as they are, and what needs them.
    fn leave(&mut self, changes: Vec<Change>, trouble: &Trouble) {
        for change in changes {
            self.done.troubles.entry(change.id().clone()).or_insert_with(|| trouble.clone());
            self.failed.push(change);
        }
    }
}

/// Starts a unit again that was stopped for its snapshot, as it was.
fn start_again(host: &mut dyn Act, never: &Change) {
    let Some(Item::Unit(from)) = never.from() else { return };
    if let Err(error) = host.act(&Change::to(never.from().cloned(), Item::Unit(from.clone()))) {
        tracing::warn!(%error, "it was stopped for a snapshot, and does not start again");
    }
}

/// Returns a time in seconds since 1970 as it stands in a file's name.
fn stamp(at: u64) -> Stamp {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    at.strftime("%Y%m%dT%H%M%SZ").to_string().parse().expect("a time has these digits")
}
