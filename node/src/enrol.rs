//! What passes between `knarr node add` and `knarrd enroll`: JSON on standard input, and the answer on standard output.

use crate::name::{ClusterName, NodeName, Oid};
use crate::state::Git;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that never shows itself: Debug prints dots.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a machine is told once, by a person who could log in to it. It pins whom the machine will believe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The cluster that it joins.
    pub cluster: ClusterName,
    /// The name that it gets.
    pub node: NodeName,
    /// Where it finds the commits.
    pub git: Git,
    /// Host keys of the remotes, as known_hosts has them.
    pub known_hosts: String,
    /// The private SSH key that reads the repository; empty where a remote needs none.
    pub deploy_key: Hidden,
    /// Who may sign commits, as allowed_signers of ssh-keygen(1) has it.
    pub signers: String,
    /// Nothing older than this commit is ever followed.
    pub floor: Oid,
}

/// The public halves of what was born on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Born {
    /// SHA-256 of /etc/machine-id in hexadecimal digits: a cloned disk is refused.
    pub machine: String,
    /// The age recipient, `age1…`.
    pub age: String,
    /// The WireGuard public key, base64.
    pub wireguard: String,
    /// The SSH host key, type and base64.
    pub ssh: String,
}
