//! What a machine says of itself after a pass.

mod cluster;

pub use cluster::{AppOutcome, AppReport, ClusterOutcome, ClusterReport};

use crate::item::{self, Id};
use crate::name::{AbsPath, Digest, NodeName, Oid, PeerName, UnitName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How a pass ended. Each outcome has one line to type, or none is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The machine holds what the accepted commit says.
    Converged,
    /// Something else must happen first, which is no fault.
    Waiting(Vec<Gate>),
    /// Only a new commit, or a person, helps.
    Stalled {
        /// What is wrong, with its place.
        why: String,
        /// What to type.
        way_out: String,
    },
    /// It is tried again by itself.
    Retry {
        /// What failed.
        why: String,
    },
    /// The last pass was taken back, and nothing is done before the next commit or `knarrd retry`.
    Undone {
        /// The commit that was taken back.
        commit: Oid,
    },
    /// The network's changes were taken back by the guard: with them the machine was cut off. They are not tried again
    /// before they differ, or before `knarrd retry`; all else is applied.
    Lost(Quarantine),
}

/// What a machine waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Commits lie on top of the accepted one that no allowed signer signed or approved.
    Signature {
        /// How many.
        commits: usize,
        /// Why the first of them does not count, for people.
        why: String,
    },
    /// The repository does not name this machine yet.
    Known,
    /// No other machine answers that could witness a change of the network.
    Witness,
    /// The SSH port that people use would close, and no other machine can tell whether anybody still gets in.
    Operator,
    /// This machine took the same change of its network back, so nobody else tries it.
    Held(NodeName),
    /// Something else comes before a unit is changed or started.
    Unit {
        /// The unit, which is left as it is.
        unit: UnitName,
        /// What comes first.
        gate: item::Gate,
        /// How that is now, for people.
        why: String,
    },
}

/// A change of the network that is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// What was wanted: another digest is another attempt.
    pub digest: Digest,
    /// The commit that wanted it.
    pub commit: Oid,
    /// Who was lost with it, in one line.
    pub why: String,
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature { commits: 1, why } => write!(f, "1 commit ahead is not followed: {why}"),
            Self::Signature { commits, why } => write!(f, "{commits} commits ahead are not followed: {why}"),
            Self::Known => f.write_str("the repository does not name this machine yet"),
            Self::Witness => {
                f.write_str("no other machine answers that could tell whether a change of the network cuts this one off")
            }
            Self::Operator => f.write_str(
                "the SSH port that people use would close, and nobody can tell whether a person still gets in",
            ),
            Self::Held(node) => {
                write!(f, "`{node}` was cut off by the same change of the network and took it back")
            }
            Self::Unit { unit, why, .. } => write!(f, "unit {unit} waits: {why}"),
        }
    }
}

impl Outcome {
    /// Whether it passes by itself, as soon as something else is ready.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Waiting(gates) if gates.iter().all(Gate::opens_by_itself))
    }

    /// Returns the one line to type, if a person can do something.
    pub fn way_out(&self) -> Option<String> {
        match self {
            Self::Converged | Self::Retry { .. } => None,
            Self::Waiting(gates) => gates.iter().find_map(Gate::way_out).map(str::to_owned),
            Self::Stalled { way_out, .. } => Some(way_out.clone()),
            Self::Undone { .. } => Some("knarrd retry".to_owned()),
            Self::Lost(lost) => Some(format!("git revert {} && knarr ship", lost.commit.short())),
        }
    }
}

impl Gate {
    /// Returns the line to type, if a person can do something.
    pub fn way_out(&self) -> Option<&'static str> {
        match self {
            Self::Signature { .. } => Some("knarr approve"),
            Self::Known => Some("knarr ship"),
            Self::Witness | Self::Operator => Some("knarr ship, from another machine"),
            Self::Held(_) => Some("knarrd retry"),
            Self::Unit { gate: item::Gate::Data(_), .. } => {
                Some("restore it or rejoin: docs/reliability.md#a-server-without-data")
            }
            Self::Unit { .. } => None,
        }
    }

    /// Whether it opens by itself, without a person or a new commit.
    fn opens_by_itself(&self) -> bool {
        matches!(self, Self::Unit { gate, .. } if gate.opens_by_itself())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged => f.write_str("converged"),
            Self::Waiting(gates) => {
                let gates: Vec<String> = gates.iter().map(Gate::to_string).collect();
                write!(f, "waiting: {}", gates.join("; "))
            }
            Self::Stalled { why, .. } => write!(f, "stalled: {why}"),
            Self::Retry { why } => write!(f, "retry: {why}"),
            Self::Undone { commit } => write!(f, "undone: {} was taken back", commit.short()),
            Self::Lost(Quarantine { commit, why, .. }) => {
                write!(f, "undone: what {} changes of the network was taken back: {why}", commit.short())
            }
        }
    }
}

/// What a machine says of itself after a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who says so.
    pub node: NodeName,
    /// The version of knarrd.
    pub version: String,
    /// When the pass ended, in seconds since 1970 by the machine's own clock.
    pub at: u64,
    /// The newest commit that was fetched.
    pub seen: Option<Oid>,
    /// The newest commit that the machine believes: nothing older is ever followed.
    pub accepted: Oid,
    /// The accepted commit whose State was applied last.
    pub applied: Option<Oid>,
    /// How the pass ended.
    pub outcome: Outcome,
    /// Why no remote gave commits, if so; then they come from other nodes, or are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfetched: Option<String>,
    /// How the tunnels to nodes and devices stood when this was told to others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mesh: BTreeMap<PeerName, Tunnel>,
    /// What is not as wanted, and why; what holds is not listed.
    pub items: BTreeMap<Id, Trouble>,
    /// Changes of the network that are not tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<Quarantine>,
    /// The newest snapshot that was taken here before what cannot be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<AbsPath>,
    /// What was no longer as the applied commit says, the last time that this was mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// How Kubernetes' objects stand; only servers say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterReport>,
}

/// What a pass made as before, without a new commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When the pass began, in seconds since 1970 by the machine's own clock.
    pub at: u64,
    /// What it changed, at most [`Drift::MOST`] of it: names only.
    pub items: Vec<Id>,
}

impl Drift {
    /// How many items are named at most.
    pub const MOST: usize = 20;
}

impl Report {
    /// Returns the changes of the network that stay in quarantine, but for the one that the outcome tells of.
    pub fn in_quarantine(&self) -> impl Iterator<Item = &Quarantine> {
        self.quarantined.iter().filter(|one| !matches!(&self.outcome, Outcome::Lost(told) if told == *one))
    }

    /// Returns the outcome in one line, with the commits whose changes of the network stay in quarantine.
    pub fn line(&self) -> String {
        let quarantined: Vec<&str> = self.in_quarantine().map(|one| one.commit.short()).collect();
        match quarantined.as_slice() {
            [] => self.outcome.to_string(),
            commits => format!("{}, in quarantine: {}", self.outcome, commits.join(", ")),
        }
    }

    /// Whether all of a commit was made: what a later pass changes for the same commit is then drift.
    pub fn is_whole(&self) -> bool {
        let nothing_waits = match &self.outcome {
            Outcome::Converged | Outcome::Stalled { .. } | Outcome::Retry { .. } => true,
            Outcome::Waiting(gates) => gates.iter().all(|gate| matches!(gate, Gate::Signature { .. })),
            Outcome::Undone { .. } | Outcome::Lost(_) => false,
        };
        nothing_waits && self.quarantined.is_empty() && self.is_settled()
    }

    /// Whether the machine is as its applied commit wants it. What lies beside a list of names does not count.
    pub fn is_settled(&self) -> bool {
        self.items.values().all(|trouble| matches!(trouble, Trouble::Strangers(_)))
    }
}

/// How a tunnel stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Seconds since both ends last proved to each other who they are; none when they never did.
    pub handshake: Option<u64>,
    /// Where the other end is, when that is not where the directory says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roamed: Option<String>,
}

impl Tunnel {
    /// How long a handshake holds: without a newer one both ends throw what comes away.
    /// Source: WireGuard paper, section 6.1: reject after 180 s.
    const HOLDS_SECS: u64 = 180;

    /// Whether both ends can talk: a handshake of long ago says nothing of now.
    pub fn is_up(&self) -> bool {
        self.handshake.is_some_and(|age| age <= Self::HOLDS_SECS)
    }
}

/// Why an item is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// It could not be seen, or reads what could not be seen.
    Unknown(String),
    /// Its change failed.
    Failed(String),
    /// It is left alone, because the change of something that it needs failed.
    Needs(Id),
    /// Its change was done, yet the machine shows something else.
    Differs,
    /// It is not tried for now, as the outcome says.
    Held,
    /// The folder is as wanted, but these lie in it too. They are never touched.
    Strangers(BTreeSet<String>),
}
