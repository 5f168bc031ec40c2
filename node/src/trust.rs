//! Which commits a machine follows. Pure: signatures are judged by whoever calls.
//!
//! Along first parents from the last accepted commit, a commit counts when one of the signers that the last
//! accepted commit names has signed it. What lies between is pending until such a signer approves it.

use crate::name::{Oid, RepoPath};
use crate::outputs;

/// Where a commit says who may sign the next ones, as allowed_signers of ssh-keygen(1) has it.
pub const SIGNERS: &str = "rendered/access/signers";
/// The principal in that file that may change the signers and nothing else.
pub const RECOVERY: &str = "recovery";
/// The trailer by which a signed commit accepts the pending ones below it; its value is the last accepted commit.
pub const APPROVES: &str = "Approves";
/// The only files that a commit of the recovery signer may touch.
pub const RECOVERY_MAY_TOUCH: [&str; 3] = ["cluster.yaml", SIGNERS, outputs::PATH];

/// One commit along first parents, as far as acceptance needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: Oid,
    /// All values of its `Approves:` trailers.
    pub approves: Vec<String>,
    /// What it changes against its first parent.
    pub touches: Vec<RepoPath>,
}

impl Link {
    fn changes_only_trust(&self) -> bool {
        self.touches.iter().all(|path| RECOVERY_MAY_TOUCH.contains(&path.as_str()))
    }
}

/// Returns the values of all `Approves:` trailers: lines of the last paragraph, which is not the first one.
///
/// It is stricter than git: the key stands at the beginning of its line and its value is one word.
pub fn approvals(message: &str) -> Vec<String> {
    let message = message.trim().replace("\r\n", "\n");
    let Some((_, last)) = message.rsplit_once("\n\n") else { return Vec::new() };
    let value = |line: &str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(APPROVES).then(|| value.trim().to_owned())
    };
    last.lines().filter_map(value).collect()
}

/// Who signed a commit, by the signers of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// One who may sign anything.
    Signer,
    /// The recovery signer.
    Recovery,
    /// Nobody who counts. The reason is for people.
    Nobody(String),
}

/// Checks signatures.
pub trait Judge {
    /// What can go wrong besides a bad signature.
    type Error;
    /// Says who signed `commit`, by the signers that the accepted commit `under` names.
    ///
    /// A commit that itself names no signers counts as signed by nobody: no later one could be accepted.
    fn by(&mut self, commit: &Oid, under: &Oid) -> Result<By, Self::Error>;
}

/// A commit that is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The commit.
    pub id: Oid,
    /// Why, for people.
    pub why: String,
}

/// What a walk along first parents found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The newest commit that counts.
    pub last: Oid,
    /// What lies on top of it and is not followed, oldest first.
    pub pending: Vec<Pending>,
}

/// Walks from `last`, which is accepted, along `chain`, oldest first, its first link being the child of `last`.
///
/// # Errors
/// Those of the judge.
pub fn accept<J: Judge>(last: Oid, chain: &[Link], judge: &mut J) -> Result<Accepted, J::Error> {
    let mut accepted = Accepted { last, pending: Vec::new() };
    for link in chain {
        let by = judge.by(&link.id, &accepted.last)?;
        match refusal(link, by, &accepted) {
            None => accepted = Accepted { last: link.id.clone(), pending: Vec::new() },
            Some(why) => accepted.pending.push(Pending { id: link.id.clone(), why }),
        }
    }
    Ok(accepted)
}

/// Returns why a commit is not followed, if so.
fn refusal(link: &Link, by: By, so_far: &Accepted) -> Option<String> {
    let approves = link.approves.iter().any(|id| id == so_far.last.as_str());
    match (by, so_far.pending.is_empty()) {
        (By::Nobody(why), _) => Some(why),
        (By::Signer, true) => None,
        (By::Signer, false) if approves => None,
        (By::Signer, false) => {
            Some(format!("it lies on commits that nobody approved since {}", so_far.last.short()))
        }
        (By::Recovery, true) if link.changes_only_trust() => None,
        (By::Recovery, true) => Some("the recovery signer may change only `trust`".to_owned()),
        (By::Recovery, false) => Some("the recovery signer cannot approve other commits".to_owned()),
    }
}

#[cfg(test)]
mod tests;
