//! One record of the journal and how it lies on the disk: length, CRC-32, JSON.

use super::past::{Ending, Past};
use crate::guard::{BootTime, Contacts};
use knarr_node::firewall::Ssh;
use knarr_node::name::{AbsPath, Digest, Oid};
use knarr_node::report::Quarantine;
use knarr_node::{Change, Id, StageName};
use serde::{Deserialize, Serialize};

/// What the journal says, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// All that older records said; always the first one of a file.
    Past(Past),
    /// A stage of a pass begins; the first one begins the pass.
    Begin {
        /// Number of the pass.
        pass: u64,
        /// Why it is done.
        commit: Oid,
        /// When it began, in seconds since 1970.
        at: u64,
        /// Which part of the pass.
        stage: StageName,
        /// Whether the pass takes back the last one.
        undoes: bool,
        /// Until when contact must be proven, else the stage is taken back; none for what cuts nobody off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guard: Option<Guard>,
    },
    /// A change is about to be made; its `from` is what was kept.
    Intend {
        /// Number within the pass.
        n: u32,
        /// The change.
        change: Change,
    },
    /// The change was made.
    Done {
        /// Number within the pass.
        n: u32,
    },
    /// The change never happened: the machine still holds what was there.
    Void {
        /// Number within the pass.
        n: u32,
    },
    /// A snapshot was taken.
    Saved {
        /// Where it lies.
        place: AbsPath,
    },
    /// Nothing of Knarr's is there any more.
    Disown {
        /// Where.
        id: Id,
    },
    /// The guarded stage left the machine reachable.
    Proved {
        /// Who may dial sshd since then; none without a firewall.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ssh: Option<Ssh>,
    },
    /// What the guarded stage changed was taken back.
    TakenBack,
    /// These changes of the network are not tried again.
    Quarantine(Quarantine),
    /// All changes of the network may be tried again.
    Release,
    /// The last pass was taken back without trouble.
    Undone,
    /// The pass is over.
    End(Ending),
}

/// What a guarded stage is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// When it is taken back unless it was proven.
    pub deadline: BootTime,
    /// Who answered before it.
    pub before: Contacts,
    /// Of all guarded items that are wanted, and the ids of those that go.
    pub digest: Digest,
}

/// Returns the bytes of one record.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    let body = serde_json::to_vec(record).expect("records hold only what JSON can say");
    let length = u32::try_from(body.len()).expect("a record is far below 4 GiB");
    let mut bytes = Vec::with_capacity(body.len() + 8);
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Returns the bodies of all whole records, and how many bytes they take. What follows is a torn tail.
pub(super) fn split(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut bodies, mut at) = (Vec::new(), 0);
    while let Some(body) = next(&bytes[at..]) {
        bodies.push(body);
        at += body.len() + 8;
    }
    (bodies, at)
}

fn next(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let body = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let whole = !body.is_empty() && crc32fast::hash(body) == u32::from_le_bytes(*crc);
    whole.then_some(body)
}
