//! What was done to the machine and what was there before, durable before the machine changes.
//!
//! The file begins with one record that sums up the past, and grows by a few records in each pass that changes
//! something. At the end of such a pass it is swapped for a new sum. A torn tail never happened.

mod past;
mod record;
mod storage;

pub use past::{Armed, Ending, Line, Pass, Step};
pub use record::Guard;
pub use storage::{FileStorage, Storage};

use crate::guard::{BootTime, Contact};
use knarr_node::firewall::Ssh;
use knarr_node::name::{AbsPath, KeptName, Oid};
use knarr_node::report::Quarantine;
use knarr_node::{Change, Id, Owned, StageName};
use past::Past;
use record::{Record, encode, split};
use std::collections::BTreeSet;
use std::io;

/// The journal of one machine.
pub struct Journal {
    storage: Box<dyn Storage>,
    past: Past,
    broken: bool,
}

/// Why a pass is done, and when it began.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The accepted commit whose State is applied.
    pub commit: Oid,
    /// The time, in seconds since 1970.
    pub at: u64,
}

/// The journal cannot be read or written. The machine was not changed after that.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read.
    #[error("cannot read the journal")]
    Read(#[source] io::Error),
    /// It cannot be written: the disk is full or broken.
    #[error("cannot write the journal")]
    Write(#[source] io::Error),
    /// Its first record is not whole, which no crash does.
    #[error("the journal is damaged: its first record is not whole")]
    Damaged,
    /// A record is not understood: a newer version wrote it.
    #[error("the journal has a record that this version does not understand")]
    Newer(#[source] serde_json::Error),
    /// A write failed before; what lies on the disk must be read again first.
    #[error("the journal failed before and was not opened again")]
    Broken,
}

impl JournalError {
    /// Says what a person can do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read(_) | Self::Write(_) => {
                "look at `df -h /var/lib/knarr` and `dmesg`; knarrd tries again"
            }
            Self::Damaged => {
                "move /var/lib/knarr/journal away: knarrd begins anew, and forgets which files it made"
            }
            Self::Newer(_) => "install the newer knarrd again",
            Self::Broken => "systemctl restart knarrd",
        }
    }
}

impl Journal {
    /// Opens a journal, or makes an empty one. A torn tail is cut off.
    pub fn open(mut storage: Box<dyn Storage>) -> Result<Self, JournalError> {
        let past = read(&*storage)?;
        storage.replace(&encode(&Record::Past(past.clone()))).map_err(JournalError::Write)?;
        Ok(Self { storage, past, broken: false })
    }

    /// Returns the last passes with changes, oldest first, without writing anything: another process may be
    /// within a pass.
    pub fn look(storage: &dyn Storage) -> Result<Vec<Line>, JournalError> {
        read(storage).map(|past| past.history)
    }

    /// Returns the ids that Knarr made on this machine.
    pub fn owned(&self) -> &Owned {
        &self.past.owned
    }

    /// Returns the last passes with changes, oldest first.
    pub fn history(&self) -> &[Line] {
        &self.past.history
    }

    /// Returns the newest snapshot that a pass took.
    pub fn snapshot(&self) -> Option<&AbsPath> {
        self.past.history.iter().rev().find_map(|line| line.saved.last())
    }

    /// Returns what `knarrd undo` would take back: the last pass with changes, and later ones for the same commit,
    /// which repaired what had drifted.
    pub fn last(&self) -> Option<&Pass> {
        self.past.last.as_ref()
    }

    /// Returns the pass that did not end, after a crash within.
    pub fn unfinished(&self) -> Option<&Pass> {
        self.past.open.as_ref()
    }

    /// Returns when the running guarded stage is taken back, without writing anything; none when none is to be judged.
    pub fn look_armed(storage: &dyn Storage) -> Result<Option<BootTime>, JournalError> {
        read(storage).map(|past| past.armed.map(|armed| armed.guard.deadline))
    }

    /// Returns the guarded stage that is neither proven nor taken back.
    pub fn armed(&self) -> Option<&Armed> {
        self.past.armed.as_ref()
    }

    /// Returns the changes of [`Journal::armed`], also those that may have happened in part.
    pub(crate) fn unproven(&self) -> Vec<Change> {
        self.past.unproven()
    }

    /// Returns the changes of the network that are not tried again.
    pub fn quarantined(&self) -> &[Quarantine] {
        &self.past.quarantined
    }

    /// Returns who may dial sshd since the last proven stage.
    pub(crate) fn proven_ssh(&self) -> Option<&Ssh> {
        self.past.ssh.as_ref()
    }

    /// Returns the names of all kept bodies that are still needed.
    pub(crate) fn needed(&self) -> BTreeSet<KeptName> {
        self.past.needed()
    }

    /// Begins a stage, and with the first one a pass. An unfinished pass goes on.
    pub(crate) fn begin(
        &mut self,
        cause: &Cause,
        stage: StageName,
        undoes: bool,
        guard: Option<Guard>,
    ) -> Result<(), JournalError> {
        let pass = self.past.open.as_ref().map_or(self.past.next(), |pass| pass.number);
        self.write(Record::Begin { pass, commit: cause.commit.clone(), at: cause.at, stage, undoes, guard })
    }

    /// Says that the guarded stage left the machine reachable.
    pub(crate) fn proved(&mut self, _: Contact, ssh: Option<Ssh>) -> Result<(), JournalError> {
        self.write(Record::Proved { ssh })
    }

    /// Says that the machine is as it was before the guarded stage.
    pub(crate) fn taken_back(&mut self) -> Result<(), JournalError> {
        self.write(Record::TakenBack)
    }

    /// Says that what the guarded stage wanted is not tried again.
    pub(crate) fn quarantine(&mut self, quarantine: Quarantine) -> Result<(), JournalError> {
        self.write(Record::Quarantine(quarantine))
    }

    /// Lets all changes of the network be tried again.
    pub(crate) fn release(&mut self) -> Result<(), JournalError> {
        if self.past.quarantined.is_empty() { Ok(()) } else { self.write(Record::Release) }
    }

    /// Returns the name under which the next change keeps what is there.
    pub(crate) fn kept_name(&self) -> KeptName {
        let pass = self.past.open.as_ref();
        let (pass, n) = pass.map_or((self.past.next(), 0), |pass| (pass.number, pass.next()));
        format!("{pass}-{n}").parse().expect("two numbers joined by a hyphen")
    }

    /// Says durably that a change is about to be made, and returns its number.
    pub(crate) fn intend(&mut self, change: Change) -> Result<u32, JournalError> {
        let n = self.past.open.as_ref().map_or(0, Pass::next);
        self.write(Record::Intend { n, change }).map(|()| n)
    }

    pub(crate) fn done(&mut self, n: u32) -> Result<(), JournalError> {
        self.write(Record::Done { n })
    }

    pub(crate) fn void(&mut self, n: u32) -> Result<(), JournalError> {
        self.write(Record::Void { n })
    }

    pub(crate) fn saved(&mut self, place: AbsPath) -> Result<(), JournalError> {
        self.write(Record::Saved { place })
    }

    pub(crate) fn disown(&mut self, id: Id) -> Result<(), JournalError> {
        self.write(Record::Disown { id })
    }

    pub(crate) fn undone(&mut self) -> Result<(), JournalError> {
        self.write(Record::Undone)
    }

    /// Ends the pass, and sums up the past.
    pub(crate) fn end(&mut self, ending: Ending) -> Result<(), JournalError> {
        self.write(Record::End(ending))?;
        let sum = encode(&Record::Past(self.past.clone()));
        self.try_to(|storage| storage.replace(&sum))
    }

    fn write(&mut self, record: Record) -> Result<(), JournalError> {
        let bytes = encode(&record);
        self.try_to(|storage| storage.append(&bytes).and_then(|()| storage.sync()))?;
        self.past.apply(record);
        Ok(())
    }

    /// After a failure nothing is appended: half a record would hide all that follows it.
    fn try_to(&mut self, op: impl FnOnce(&mut dyn Storage) -> io::Result<()>) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken);
        }
        op(&mut *self.storage).map_err(|error| {
            self.broken = true;
            JournalError::Write(error)
        })
    }
}

fn read(storage: &dyn Storage) -> Result<Past, JournalError> {
    let bytes = storage.read().map_err(JournalError::Read)?;
    bytes.as_deref().map_or(Ok(Past::default()), replay)
}

fn replay(bytes: &[u8]) -> Result<Past, JournalError> {
    let (bodies, _) = split(bytes);
    let mut past = Past::default();
    for body in &bodies {
        past.apply(serde_json::from_slice(body).map_err(JournalError::Newer)?);
    }
    if bodies.is_empty() { Err(JournalError::Damaged) } else { Ok(past) }
}

#[cfg(test)]
mod tests;
