//! What a pass asks of everybody else. The network is one implementation, the tests have a simulated one.

use super::{BootTime, Contacts, Terms};
use knarr_node::Change;
use knarr_node::firewall::Ssh;
use knarr_node::name::{NodeName, Oid};
use std::time::Duration;

/// What is known before anybody is asked.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// The other nodes of the wanted directory, best witnesses first.
    pub nodes: Vec<NodeName>,
    /// Who may dial sshd, as the wanted State says; none without a firewall.
    pub ssh: Option<Ssh>,
    /// The node that took the same commit's changes of its network back.
    pub held: Option<NodeName>,
    /// How long a stage may stay unproven.
    pub patience: Duration,
}

/// All other machines, and the way to them.
pub trait Outside {
    /// Returns what is known of the wanted commit.
    fn situation(&self) -> Situation;
    /// Returns the time.
    fn clock(&self) -> BootTime;
    /// Has somebody else take the stage back after `deadline`, whatever becomes of this process.
    ///
    /// # Errors
    /// One line for people: without it no stage begins.
    fn arm(&mut self, deadline: BootTime) -> Result<(), String>;
    /// Says that the stage is settled.
    fn disarm(&mut self);
    /// Returns who answers before the stage.
    fn before(&mut self, terms: &Terms) -> Contacts;
    /// Ends the flows that would go on although `changes` closed their way: what answers from now on is new.
    fn renew(&mut self, changes: &[Change]);
    /// Returns who of `before` answers by new flows, at latest when `until` is over.
    fn after(&mut self, terms: &Terms, before: &Contacts, until: BootTime) -> Contacts;
    /// Waits a moment before all are asked again.
    fn pause(&mut self);
    /// Says whether a node has settled at the commit or a later one; one that does not answer is not waited for.
    ///
    /// # Errors
    /// One line for people: it has not.
    fn settled(&mut self, node: &NodeName, commit: &Oid) -> Result<(), String>;
    /// Tells the others that this machine was cut off by the commit.
    fn warn(&mut self, commit: &Oid);
}
