//! After a crash: what was open in the journal is ended or taken back before anything new begins.

use super::guarded::{TakenBack, settle_armed};
use super::{Done, end};
use crate::journal::{Cause, Ending, Journal, JournalError, Step};
use knarr_node::report::Trouble;
use knarr_node::{Act, Change, Id, Item, Seen};

/// Settles what a crash left open. A pass for the same commit goes on, any other one is over.
///
/// Returns what cannot be taken back of a stage that was not proven: nothing else is done then, unless another commit
/// may help.
pub(super) fn settle(
    host: &mut dyn Act,
    journal: &mut Journal,
    cause: Option<&Cause>,
) -> Result<Option<Done>, JournalError> {
    if let Some(taken) = settle_armed(host, journal)?.filter(|taken| !taken.troubles.is_empty()) {
        if cause.is_some_and(|cause| cause.commit == taken.commit) {
            return Ok(Some(stuck(taken)));
        }
        journal.taken_back()?;
    }
    let Some(pass) = journal.unfinished() else { return Ok(None) };
    let goes_on = cause.is_some_and(|cause| cause.commit == pass.commit) && !pass.undoes;
    let open: Vec<(u32, Step)> = pass.steps.iter().map(|(n, step)| (*n, step.clone())).collect();
    for (n, step) in open.into_iter().filter(|(_, step)| !step.done) {
        tidy(host, step.change.id());
        take_back_unchecked(host, &step.change);
        if still_before(host, &step.change) {
            journal.void(n)?;
        }
    }
    if !goes_on {
        end(host, journal, Ending::Interrupted)?;
    }
    Ok(None)
}

fn stuck(taken: TakenBack) -> Done {
    let failed = |(id, why): (Id, String)| (id, Trouble::Failed(format!("cannot be taken back: {why}")));
    Done { troubles: taken.troubles.into_iter().map(failed).collect(), ..Done::default() }
}

pub(super) fn tidy(host: &mut dyn Act, id: &Id) {
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
pub(super) fn still_before(host: &dyn Act, change: &Change) -> bool {
    match (change.from(), host.see(change.id(), change.from())) {
        (Some(from), Seen::Is(there)) => *from == there,
        (None, Seen::Absent) => true,
        (Some(_) | None, _) => false,
    }
}
