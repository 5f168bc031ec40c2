//! The guard's judgement: whether a change of the network left this machine reachable. Pure; it asks nobody itself.
//!
//! What passes when every inbound port is shut proves nothing: fetches, sshd through `lo`, sessions that live on. Proof
//! is a new flow from outside: a witness that dials back, or a person who dials in anew.

mod contacts;
mod outside;
mod terms;

pub use contacts::{BootTime, Contacts};
pub use outside::{Outside, Situation};
pub use terms::Terms;

pub use crate::converge::settle_armed;

use knarr_node::name::NodeName;
use knarr_node::report::Gate;
use std::collections::BTreeSet;
use std::fmt;

/// That this machine is reachable after a stage. A guarded stage ends well only with one, and only [`prove`] makes one.
#[derive(Debug)]
pub struct Contact(());

/// What answered before and does not now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// This node answers no more over the mesh.
    Mesh(NodeName),
    /// This node reaches sshd no more.
    Ssh(NodeName),
    /// The git remote answers no more.
    Git,
    /// The person who follows from outside dials in no more.
    Operator,
    /// The person at the machine was asked to log in anew, and nobody did.
    Login,
    /// All answer, but none of them by a flow that says something about this change.
    Flow,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mesh(node) => write!(f, "`{node}` answers no more over the mesh"),
            Self::Ssh(node) => write!(f, "`{node}` reaches sshd no more"),
            Self::Git => f.write_str("the git remote answers no more"),
            Self::Operator => f.write_str("who follows `knarr ship` dials in no more"),
            Self::Login => f.write_str("nobody logged in anew by SSH"),
            Self::Flow => f.write_str("no witness has the commit yet"),
        }
    }
}

/// Why a stage was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With the stage contact was lost, and without it it came back: it is not tried again.
    Lost(String),
    /// Nobody can tell; it is tried again later.
    Unclear(String),
}

/// Says whether a stage may begin, or what it waits for: somebody must be there who could prove contact after it.
pub fn may_begin(terms: &Terms, before: &Contacts) -> Result<(), Gate> {
    let witnesses = terms.known.iter().any(|node| before.mesh.contains(node));
    match terms.known.is_empty() {
        _ if before.operator => Ok(()),
        false if !witnesses => Err(Gate::Witness),
        true if terms.closes_ssh => Err(Gate::Operator),
        _ => Ok(()),
    }
}

/// Compares what answers with what answered before the stage.
///
/// Nodes that leave the mesh by it need not answer. The git remote counts only where no other machine does.
///
/// # Errors
/// All that is missing.
pub fn prove(terms: &Terms, before: &Contacts, now: &Contacts) -> Result<Contact, BTreeSet<Gap>> {
    let witnesses: Vec<&NodeName> = terms.known.iter().filter(|node| before.mesh.contains(*node)).collect();
    let gaps: BTreeSet<Gap> = if witnesses.is_empty() {
        let git = (before.git && !now.git).then_some(Gap::Git);
        let person = if before.asked { Gap::Login } else { Gap::Operator };
        let operator = (before.operator && !now.operator).then_some(person);
        git.into_iter().chain(operator).collect()
    } else {
        witnessed(terms, before, now, &witnesses)
    };
    if gaps.is_empty() { Ok(Contact(())) } else { Err(gaps) }
}

fn witnessed(terms: &Terms, before: &Contacts, now: &Contacts, witnesses: &[&NodeName]) -> BTreeSet<Gap> {
    let silent = witnesses.iter().filter(|node| !now.mesh.contains(**node)).map(|node| (*node).clone());
    let shut_out = |node: &&NodeName| before.ssh.contains(*node) && !now.ssh.contains(*node);
    // Who does not answer at all was not asked to dial sshd.
    let shut_out =
        witnesses.iter().copied().filter(|node| now.mesh.contains(*node)).filter(shut_out).cloned();
    let mut gaps: BTreeSet<Gap> = silent.map(Gap::Mesh).chain(shut_out.map(Gap::Ssh)).collect();
    let tells =
        |node: &&&NodeName| terms.can_tell(node, now) && (before.ssh.is_empty() || now.ssh.contains(**node));
    if gaps.is_empty() && !now.operator && !witnesses.iter().any(|node| tells(&node)) {
        gaps.insert(Gap::Flow);
    }
    gaps
}

/// Judges after the stage was taken back: what answers `again` was lost by the stage.
pub fn judge(terms: &Terms, gaps: &BTreeSet<Gap>, again: &Contacts) -> Verdict {
    let back = gaps.iter().find(|gap| match gap {
        Gap::Mesh(node) => again.mesh.contains(node) && terms.can_tell(node, again),
        Gap::Ssh(node) => again.ssh.contains(node),
        Gap::Git => again.git,
        Gap::Operator => again.operator,
        // Later nobody may be there who could be asked, and then it would stay without a proof.
        Gap::Login => true,
        Gap::Flow => false,
    });
    match (back, gaps.first()) {
        (Some(gap), _) => Verdict::Lost(gap.to_string()),
        (None, Some(gap)) => Verdict::Unclear(gap.to_string()),
        (None, None) => Verdict::Unclear("nobody knows".to_owned()),
    }
}

#[cfg(test)]
mod tests;
