//! One pass of the executor: settle the journal, look, plan, do the stages, look again.
//!
//! It decides nothing: what to do, and in which order, is the plan's. It never changes the machine before the
//! journal says so durably.

use crate::journal::{Cause, Ending, Journal, JournalError, Step};
use knarr_node::host::look;
use knarr_node::name::Oid;
use knarr_node::plan::{plan, scope, undo, undo_owned, undo_want};
use knarr_node::report::Trouble;
use knarr_node::{Act, Change, Have, Id, Item, Owned, Plan, Seen, Stage};
use std::collections::{BTreeMap, BTreeSet};

/// What a pass did, and what is not as wanted after it.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The changes that were made, in their order.
    pub changes: Vec<Change>,
    /// What is not as wanted, and why.
    pub troubles: BTreeMap<Id, Trouble>,
}

/// Why the last pass was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No pass changed anything yet, or the last one was taken back already.
    #[error("there is nothing to undo: no pass changed anything since the last undo")]
    Nothing,
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Makes the machine what is wanted, as far as that can be: what fails, and what reads it, is left alone and
/// the rest goes on.
///
/// # Errors
/// Only those of the journal; nothing was changed after one. A change that failed is a [`Trouble`].
pub fn converge(
    want: &[Item],
    host: &mut dyn Act,
    journal: &mut Journal,
    cause: &Cause,
) -> Result<Done, JournalError> {
    settle(host, journal, Some(cause))?;
    let have = look(scope(want, journal.owned()), host);
    let mut pass = Pass::new(host, journal, cause.clone(), false);
    pass.run(plan(want, &have))?;
    disown_gone(want, &have, pass.journal)?;
    let owned = pass.journal.owned().clone();
    pass.finish(want, &owned)
}

/// Takes back the last pass with changes, and returns the commit that it had applied. What has no way back is
/// left alone: it said so beforehand.
///
/// The time `at` is in seconds since 1970.
///
/// # Errors
/// [`UndoError::Nothing`] when there is none, else those of the journal.
pub fn undo_last(host: &mut dyn Act, journal: &mut Journal, at: u64) -> Result<(Oid, Done), UndoError> {
    settle(host, journal, None)?;
    let last = journal.last().ok_or(UndoError::Nothing)?.clone();
    let (commit, changes) = (last.commit.clone(), last.changes());
    let (want, owned) = (undo_want(&changes), undo_owned(&changes));
    let have = look(scope(&want, &owned), host);
    let cause = Cause { commit: commit.clone(), at };
    let mut pass = Pass::new(host, journal, cause, true);
    pass.run(undo(&changes, &have))?;
    Ok((commit, pass.finish(&want, &owned)?))
}

/// Settles what a crash left open. A pass for the same commit goes on, any other one is over.
fn settle(host: &mut dyn Act, journal: &mut Journal, cause: Option<&Cause>) -> Result<(), JournalError> {
    let Some(pass) = journal.unfinished() else { return Ok(()) };
    let goes_on = cause.is_some_and(|cause| cause.commit == pass.commit) && !pass.undoes;
    let open: Vec<(u32, Step)> = pass.steps.iter().map(|(n, step)| (*n, step.clone())).collect();
    for (n, step) in open.into_iter().filter(|(_, step)| !step.done) {
        tidy(host, step.change.id());
        take_back_unchecked(host, &step.change);
        if still_before(host, &step.change) {
            journal.void(n)?;
        }
    }
    if goes_on { Ok(()) } else { end(host, journal, Ending::Interrupted) }
}

fn tidy(host: &mut dyn Act, id: &Id) {
    if let Err(error) = host.tidy(id) {
        tracing::warn!(%error, "something stays beside {id}");
    }
}

/// Takes back a file whose check may not have been asked yet when the crash came.
///
/// When that fails the file differs still, or its check is asked in the coming pass.
fn take_back_unchecked(host: &mut dyn Act, change: &Change) {
    let checked = matches!(change.wanted(), Some(Item::File(file)) if file.check.is_some());
    if checked && let Err(error) = host.act(&change.swapped()) {
        tracing::warn!(%error, "an unchecked file stays after a crash");
    }
}

/// Whether the machine still holds what was there before `change`.
fn still_before(host: &dyn Act, change: &Change) -> bool {
    match (change.from(), host.see(change.id(), change.from())) {
        (Some(from), Seen::Is(there)) => *from == there,
        (None, Seen::Absent) => true,
        (Some(_) | None, _) => false,
    }
}

/// Gives up what is neither wanted nor there: what somebody else makes there later is not ours to remove.
fn disown_gone(want: &[Item], have: &Have, journal: &mut Journal) -> Result<(), JournalError> {
    let wanted: BTreeSet<Id> = want.iter().map(Item::id).collect();
    let gone = |id: &&Id| !wanted.contains(*id) && *have.get(id) == Seen::Absent;
    let gone: Vec<Id> = journal.owned().ids().iter().filter(gone).cloned().collect();
    gone.into_iter().try_for_each(|id| journal.disown(id))
}

/// Ends the pass, and forgets what was kept for older ones.
fn end(host: &mut dyn Act, journal: &mut Journal, ending: Ending) -> Result<(), JournalError> {
    journal.end(ending)?;
    if let Err(error) = host.sweep(&journal.needed()) {
        tracing::warn!(%error, "old bodies stay for now");
    }
    Ok(())
}

/// A pass that is being done.
struct Pass<'a> {
    host: &'a mut dyn Act,
    journal: &'a mut Journal,
    cause: Cause,
    undoes: bool,
    done: Done,
    failed: Vec<Change>,
}

impl<'a> Pass<'a> {
    fn new(host: &'a mut dyn Act, journal: &'a mut Journal, cause: Cause, undoes: bool) -> Self {
        Self { host, journal, cause, undoes, done: Done::default(), failed: Vec::new() }
    }

    fn run(&mut self, plan: Plan) -> Result<(), JournalError> {
        for (id, why) in plan.skipped {
            self.done.troubles.insert(id, Trouble::Unknown(why.0));
        }
        plan.stages.into_iter().try_for_each(|stage| self.stage(stage))
    }

    fn stage(&mut self, stage: Stage) -> Result<(), JournalError> {
        self.journal.begin(&self.cause, stage.name, self.undoes)?;
        stage.changes.into_iter().try_for_each(|change| self.step(change))
    }

    fn step(&mut self, change: Change) -> Result<(), JournalError> {
        let from = match self.keep(&change) {
            Ok(None) if change.wanted().is_none() => return Ok(()),
            Ok(from) => from,
            Err(why) => {
                self.fail(change, why);
                return Ok(());
            }
        };
        let change = change.kept(from);
        let n = self.journal.intend(change.clone())?;
        match self.host.act(&change) {
            Ok(()) => self.made(n, change),
            Err(error) => self.not_made(n, change, error.why),
        }
    }

    /// Keeps what is there, unless something that failed stands in the way.
    fn keep(&mut self, change: &Change) -> Result<Option<Item>, String> {
        if let Some(failed) = self.failed.iter().find(|failed| hinders(failed, change)) {
            return Err(format!("left alone, because {} failed", failed.id()));
        }
        let name = self.journal.kept_name();
        self.host.keep(change.id(), &name).map_err(|error| error.why)
    }

    fn made(&mut self, n: u32, change: Change) -> Result<(), JournalError> {
        self.journal.done(n)?;
        self.done.changes.push(change);
        Ok(())
    }

    fn not_made(&mut self, n: u32, change: Change, why: String) -> Result<(), JournalError> {
        tidy(self.host, change.id());
        if still_before(self.host, &change) {
            self.journal.void(n)?;
        }
        self.fail(change, why);
        Ok(())
    }

    fn fail(&mut self, change: Change, why: String) {
        self.done.troubles.insert(change.id().clone(), Trouble::Failed(why));
        self.failed.push(change);
    }

    /// Looks again when anything was tried, and ends the pass.
    fn finish(mut self, want: &[Item], owned: &Owned) -> Result<Done, JournalError> {
        if self.journal.unfinished().is_some() {
            self.look_again(want, owned);
        }
        if self.undoes && self.done.troubles.is_empty() {
            self.journal.undone()?;
        }
        if self.journal.unfinished().is_some() {
            let ending = self.ending();
            end(self.host, self.journal, ending)?;
        }
        Ok(self.done)
    }

    fn look_again(&mut self, want: &[Item], owned: &Owned) {
        let still = plan(want, &look(scope(want, owned), self.host));
        for change in still.changes() {
            self.done.troubles.entry(change.id().clone()).or_insert(Trouble::Differs);
        }
        for (id, why) in still.skipped {
            self.done.troubles.entry(id).or_insert(Trouble::Unknown(why.0));
        }
    }

    fn ending(&self) -> Ending {
        match self.done.troubles.len() {
            0 => Ending::Clean,
            troubles => Ending::Troubles(troubles),
        }
    }
}

/// Whether `next` must be left alone after `failed`: it reads what failed, or is read by a unit that failed to go.
fn hinders(failed: &Change, next: &Change) -> bool {
    let reads = |reader: &Change, read: &Change, side: fn(&Change) -> Option<&Item>| {
        side(reader).is_some_and(|item| item.reads().any(|path| *read.id() == Id::Path(path.clone())))
    };
    let away = failed.wanted().is_none() && next.wanted().is_none();
    reads(next, failed, Change::wanted) || (away && reads(failed, next, Change::from))
}
