//! What a server says of Kubernetes' objects after a pass. It is apart from the machine's own outcome: a machine never
//! waits for the cluster, which may wait for that machine.

use crate::name::{NodeName, Oid};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the cluster's half of a pass ended on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// Who makes the objects so now, as the server that says this knows; none while the API does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<NodeName>,
    /// The accepted commit that it was done for.
    pub commit: Oid,
    /// How it ended.
    pub how: ClusterOutcome,
}

/// How the objects stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterOutcome {
    /// They are as the commit says.
    Converged,
    /// Another server sees to them.
    Elsewhere,
    /// Something else must happen first, which is no fault.
    Waiting {
        /// What, in one line.
        why: String,
    },
    /// It is tried again by itself.
    Retry {
        /// What failed, in one line.
        why: String,
    },
}

impl fmt::Display for ClusterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |f: &mut fmt::Formatter<'_>| match &self.by {
            Some(node) => write!(f, " by {node}"),
            None => Ok(()),
        };
        match &self.how {
            ClusterOutcome::Converged => {
                write!(f, "converged at {}", self.commit.short())?;
                by(f)
            }
            ClusterOutcome::Elsewhere => {
                f.write_str("seen to")?;
                by(f)
            }
            ClusterOutcome::Waiting { why } => write!(f, "waiting: {why}"),
            ClusterOutcome::Retry { why } => write!(f, "retry: {why}"),
        }
    }
}
