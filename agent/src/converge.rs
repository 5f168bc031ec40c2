//! One pass of the executor: settle the journal, look, plan, do the stages, look again.
//!
//! It decides nothing: what to do, and in which order, is the plan's. It never changes the machine before the
//! journal says so durably.

mod gates;
mod guarded;
mod raised;
mod settle;
mod undo;

pub use guarded::{TakenBack, settle_armed};
pub use undo::{UndoError, may_undo, undo_last};

use crate::guard::Outside;
use crate::journal::{Cause, Ending, Journal, JournalError};
use guarded::Course;
use knarr_node::host::look;
use knarr_node::name::AbsPath;
use knarr_node::plan::{plan, scope};
use knarr_node::report::{Gate, Outcome, Quarantine, Trouble};
use knarr_node::{Act, Change, Have, Id, Item, Owned, Plan, Seen, Stage, StageName};
use settle::{settle, still_before, tidy};
use std::collections::{BTreeMap, BTreeSet};

/// What a pass did, and what is not as wanted after it.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The changes that were made, in their order.
    pub changes: Vec<Change>,
    /// What is not as wanted, and why.
    pub troubles: BTreeMap<Id, Trouble>,
    /// What comes first before a unit is changed or started.
    pub waits: Vec<Gate>,
    /// Why the network is not as wanted, if that is the guard's doing.
    pub network: Option<Outcome>,
    /// Changes of the network that are not tried again.
    pub quarantined: Vec<Quarantine>,
    /// The newest snapshot before what does not come back.
    pub snapshot: Option<AbsPath>,
}

/// What a pass works on: this machine, all others, and what was done so far.
pub struct Means<'a> {
    /// This machine.
    pub host: &'a mut dyn Act,
    /// All other machines.
    pub outside: &'a mut dyn Outside,
    /// What was done.
    pub journal: &'a mut Journal,
}

/// Makes the machine what is wanted, as far as that can be: what fails, and what reads it, is left alone and
/// the rest goes on. What could cut the machine off is done as a whole and proven, or taken back.
///
/// # Errors
/// Only those of the journal; nothing was changed after one. A change that failed is a [`Trouble`].
pub fn converge(want: &[Item], means: Means<'_>, cause: &Cause) -> Result<Done, JournalError> {
    if let Some(stuck) = settle(means.host, means.journal, Some(cause))? {
        return Ok(stuck);
    }
    let have = look(scope(want, means.journal.owned()), means.host);
    let mut pass = Pass::new(means, cause.clone(), false);
    pass.run(Course { want, have: &have }, plan(want, &have))?;
    pass.report_strangers(want);
    disown_gone(want, &have, pass.journal)?;
    let owned = pass.journal.owned().clone();
    pass.finish(want, &owned)
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

/// What became of the wish to make a change.
enum Intent {
    /// There is nothing to take away.
    Needless,
    /// What is there cannot be kept, or something stands in the way.
    Failed,
    /// It is to be made; the journal knows it by this number.
    To(u32, Box<Change>),
}

/// A pass that is being done.
struct Pass<'a> {
    host: &'a mut dyn Act,
    outside: &'a mut dyn Outside,
    journal: &'a mut Journal,
    cause: Cause,
    undoes: bool,
    done: Done,
    failed: Vec<Change>,
}

impl<'a> Pass<'a> {
    fn new(means: Means<'a>, cause: Cause, undoes: bool) -> Self {
        let Means { host, outside, journal } = means;
        Self { host, outside, journal, cause, undoes, done: Done::default(), failed: Vec::new() }
    }

    fn run(&mut self, course: Course<'_>, plan: Plan) -> Result<(), JournalError> {
        for (id, why) in plan.skipped {
            self.done.troubles.insert(id, Trouble::Unknown(why.0));
        }
        for stage in plan.stages {
            match stage.name {
                StageName::NetworkAdd | StageName::NetworkRemove => self.guarded(course, &stage)?,
                StageName::Alone | StageName::Rest if self.journal.armed().is_some() => {}
                StageName::Alone => self.alone(stage)?,
                StageName::Rest => self.stage(stage)?,
            }
        }
        Ok(())
    }

    fn stage(&mut self, stage: Stage) -> Result<(), JournalError> {
        self.journal.begin(&self.cause, stage.name, self.undoes, None)?;
        stage.changes.into_iter().try_for_each(|change| self.step(change).map(drop))
    }

    /// Returns whether the change was made.
    fn step(&mut self, change: Change) -> Result<bool, JournalError> {
        if self.waits(&change) {
            return Ok(false);
        }
        match self.intend(change)? {
            Intent::Needless => Ok(true),
            Intent::Failed => Ok(false),
            Intent::To(n, change) => self.make(n, *change),
        }
    }

    /// Keeps what is there, and says durably what is about to be made.
    fn intend(&mut self, change: Change) -> Result<Intent, JournalError> {
        match self.keep(&change) {
            Ok(None) if change.wanted().is_none() => Ok(Intent::Needless),
            Ok(from) => {
                let change = change.kept(from);
                let n = self.journal.intend(change.clone())?;
                Ok(Intent::To(n, Box::new(change)))
            }
            Err(trouble) => {
                self.fail(change, trouble);
                Ok(Intent::Failed)
            }
        }
    }

    fn make(&mut self, n: u32, change: Change) -> Result<bool, JournalError> {
        match self.host.act(&change) {
            Ok(()) => self.made(n, change).map(|()| true),
            Err(error) => self.not_made(n, change, error.why).map(|()| false),
        }
    }

    /// Keeps what is there, unless something that failed stands in the way.
    fn keep(&mut self, change: &Change) -> Result<Option<Item>, Trouble> {
        if let Some(failed) = self.failed.iter().find(|failed| hinders(failed, change)) {
            return Err(self.follows(failed));
        }
        let name = self.journal.kept_name();
        self.host.keep(change.id(), &name).map_err(|error| Trouble::Failed(error.why))
    }

    /// Says why something is left alone that needs what was not done: nothing has failed when that only waits.
    fn follows(&self, failed: &Change) -> Trouble {
        match self.done.troubles.get(failed.id()) {
            Some(Trouble::Held) => Trouble::Held,
            _ => Trouble::Needs(failed.id().clone()),
        }
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
        self.fail(change, Trouble::Failed(why));
        Ok(())
    }

    fn fail(&mut self, change: Change, trouble: Trouble) {
        self.done.troubles.insert(change.id().clone(), trouble);
        self.failed.push(change);
    }

    /// Looks again when anything was tried, and ends the pass.
    fn finish(mut self, want: &[Item], owned: &Owned) -> Result<Done, JournalError> {
        self.done.quarantined = self.journal.quarantined().to_vec();
        if self.journal.unfinished().is_some() {
            self.look_again(want, owned);
        }
        // The pass is not over while a stage is still to be taken back.
        if self.journal.armed().is_some() {
            return Ok(self.done);
        }
        if self.undoes && self.done.troubles.is_empty() {
            self.journal.undone()?;
        }
        if self.journal.unfinished().is_some() {
            let ending = self.ending();
            end(self.host, self.journal, ending)?;
        }
        self.done.snapshot = self.journal.snapshot().cloned();
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

/// Whether `next` must be left alone after `failed`: it reads what failed, is read by a unit that failed to go, leads to
/// an artifact that is not there, or takes away the one to which a link still leads.
fn hinders(failed: &Change, next: &Change) -> bool {
    let reads = |reader: &Change, read: &Change, side: fn(&Change) -> Option<&Item>| {
        side(reader).is_some_and(|item| item.reads().any(|path| *read.id() == Id::Path(path.clone())))
    };
    let away = failed.wanted().is_none() && next.wanted().is_none();
    reads(next, failed, Change::wanted)
        || (away && reads(failed, next, Change::from))
        || (failed.wanted().is_some() && leads(next.wanted(), failed.id()))
        || (next.wanted().is_none() && leads(failed.from(), next.id()))
}

/// Whether a link leads to an artifact: the last part of its target is the digest.
fn leads(link: Option<&Item>, artifact: &Id) -> bool {
    let (Some(Item::Link(link)), Id::Artifact(_, sha256)) = (link, artifact) else { return false };
    link.to.as_str().rsplit('/').next() == Some(sha256.as_str())
}
