//! What a machine looks like from here: two traits that the Linux host and the simulated one implement alike.

use crate::change::Change;
use crate::item::{Before, Id, Item, Unit};
use crate::name::{AbsPath, Digest, HttpsUrl, KeptName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why something could not be seen, for people. Unknown is never absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why(pub String);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was seen at one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// This is there.
    Is(Item),
    /// Nothing is there.
    Absent,
    /// It could not be seen: it and what reads it are left alone.
    Unknown(Why),
}

/// The reading half of a machine.
pub trait Look {
    /// Returns `like` itself when the machine already holds exactly that, for equality is the host's knowledge
    /// (bytes of secrets, white space of a sysctl, what a unit read at its start).
    ///
    /// Without `like` the id was owned before and is no longer wanted: what Knarr once made there, or absent.
    fn see(&self, id: &Id, like: Option<&Item>) -> Seen;
    /// Returns the names in a folder; none when there is no such folder.
    fn names(&self, folder: &AbsPath) -> Result<BTreeSet<String>, Why>;
    /// Returns the SHA-256 digest of what an address gives now. Who gives it is not checked.
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Why>;
}

/// The writing half of a machine.
pub trait Act: Look {
    /// Saves what is there durably under `name`, mode 0600, and returns it as an item, or none when nothing is there.
    fn keep(&mut self, id: &Id, name: &KeptName) -> Result<Option<Item>, ActError>;
    /// Does the change. Doing it again does no harm, and a crash within leaves old or new.
    fn act(&mut self, change: &Change) -> Result<(), ActError>;
    /// Saves the data of `unit` durably, in the first of its ways that fits, and returns where they lie; nothing when it
    /// has none yet. It may be stopped after that, also when it fails: whoever does not change it then starts it again.
    fn save(&mut self, unit: &Unit, before: &Before) -> Result<Option<AbsPath>, ActError>;
    /// Removes what a change of `id` that did not end may have left beside its place.
    fn tidy(&mut self, id: &Id) -> Result<(), SweepError>;
    /// Forgets all that was kept, except what has one of these names.
    fn sweep(&mut self, needed: &BTreeSet<KeptName>) -> Result<(), SweepError>;
}

/// A change that failed; the machine holds the old or the new.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {id}: {why}")]
pub struct ActError {
    /// The verb, e.g. `keep`, `save` or `change`.
    pub doing: &'static str,
    /// What it was about.
    pub id: Id,
    /// The reason with its causes, for people, without any secret.
    pub why: String,
}

/// What nobody needs any more cannot be removed; it does no harm.
#[derive(Debug, thiserror::Error)]
#[error("cannot clean up: {0}")]
pub struct SweepError(pub String);

/// What a machine has, as far as anybody may look. Only [`look`] and [`Have::of`] make one.
#[derive(Clone, Debug, Default)]
pub struct Have {
    order: Vec<Id>,
    seen: BTreeMap<Id, Seen>,
}

impl Have {
    /// Returns what an earlier State says is there: the have of a plan between two commits.
    pub fn of(items: &[Item]) -> Self {
        let order: Vec<Id> = items.iter().map(Item::id).collect();
        Self { seen: items.iter().map(|item| (item.id(), Seen::Is(item.clone()))).collect(), order }
    }

    /// Returns what was seen at `id`; what nobody looked at is absent.
    pub fn get(&self, id: &Id) -> &Seen {
        self.seen.get(id).unwrap_or(&Seen::Absent)
    }

    /// Returns all that was looked at, in the order of looking.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Id, &Seen)> {
        self.order.iter().map(|id| (id, self.get(id)))
    }
}

/// Looks at each id of a scope, and at nothing else.
pub fn look<'a>(scope: impl Iterator<Item = (Id, Option<&'a Item>)>, host: &dyn Look) -> Have {
    let mut have = Have::default();
    for (id, like) in scope {
        have.seen.insert(id.clone(), host.see(&id, like));
        have.order.push(id);
    }
    have
}
