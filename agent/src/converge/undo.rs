//! The last pass, taken back by a plan of its own; not over what has no way back for its data.

use super::guarded::Course;
use super::{Done, Means, Pass, settle};
use crate::journal::{Cause, Journal, JournalError};
use knarr_node::Id;
use knarr_node::host::look;
use knarr_node::name::{AbsPath, Oid};
use knarr_node::plan::{scope, undo, undo_owned, undo_want};

/// Why the last pass was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No pass changed anything yet, or the last one was taken back already.
    #[error("there is nothing to undo: no pass changed anything since the last undo")]
    Nothing,
    /// The data that the last pass brought forward are not read by what was there before.
    #[error("{id} cannot go back: what was there before does not read the data that it left since {}", commit.short())]
    Never {
        /// The unit.
        id: Id,
        /// The commit that was applied.
        commit: Oid,
        /// The snapshot that was taken before.
        snapshot: Option<AbsPath>,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl UndoError {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Never { snapshot: Some(place), .. } => {
                format!("restore {place}: docs/reliability.md#going-back-to-a-snapshot")
            }
            Self::Never { snapshot: None, .. } => "go on from here with another commit".to_owned(),
            Self::Nothing | Self::Journal(_) => "knarrd history".to_owned(),
        }
    }
}

/// Returns why the last pass cannot be taken back, if so.
///
/// # Errors
/// [`UndoError::Nothing`] and [`UndoError::Never`].
pub fn may_undo(journal: &Journal) -> Result<(), UndoError> {
    let last = journal.last().ok_or(UndoError::Nothing)?;
    match last.changes().iter().find(|change| change.raised().is_some()) {
        Some(never) => Err(UndoError::Never {
            id: never.id().clone(),
            commit: last.commit.clone(),
            snapshot: journal.snapshot().cloned(),
        }),
        None => Ok(()),
    }
}

/// Takes back the last pass with changes, and returns the commit that it had applied. What has no way back is
/// left alone: it said so beforehand.
///
/// The time `at` is in seconds since 1970.
///
/// # Errors
/// Those of [`may_undo`], else those of the journal.
pub fn undo_last(means: Means<'_>, at: u64) -> Result<(Oid, Done), UndoError> {
    settle(means.host, means.journal, None)?;
    may_undo(means.journal)?;
    let last = means.journal.last().ok_or(UndoError::Nothing)?.clone();
    let (commit, changes) = (last.commit.clone(), last.changes());
    let (want, owned) = (undo_want(&changes), undo_owned(&changes));
    let have = look(scope(&want, &owned), means.host);
    let cause = Cause { commit: commit.clone(), at };
    let mut pass = Pass::new(means, cause, true);
    pass.run(Course { want: &want, have: &have }, undo(&changes, &have))?;
    Ok((commit, pass.finish(&want, &owned)?))
}
