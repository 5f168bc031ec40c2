//! What a device may dial.

use crate::name::{BadName, NodeName};
use crate::net::Port;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One thing that a device may dial; what no entry says is closed to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reach {
    /// The Kubernetes API, on the servers.
    Api,
    /// SSH on every node.
    Ssh,
    /// Pods and Services, entered at the device's `via`: all that a pod may dial.
    Pods,
    /// Every port of every node.
    Nodes,
    /// One TCP port of one node, e.g. `worker:5432`.
    Port(NodeName, Port),
}

impl TryFrom<String> for Reach {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        let port = |text: &str| {
            let (node, port) = text.split_once(':')?;
            Some(Self::Port(node.parse().ok()?, port.parse().ok()?))
        };
        let found = match text.as_str() {
            "api" => Some(Self::Api),
            "ssh" => Some(Self::Ssh),
            "pods" => Some(Self::Pods),
            "nodes" => Some(Self::Nodes),
            other => port(other),
        };
        let rule = "api, ssh, pods, nodes, or a node and a port such as worker:5432";
        found.ok_or(BadName { what: "something to reach", text, rule })
    }
}

impl FromStr for Reach {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::try_from(text.to_owned())
    }
}

impl From<Reach> for String {
    fn from(reach: Reach) -> String {
        reach.to_string()
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => f.write_str("api"),
            Self::Ssh => f.write_str("ssh"),
            Self::Pods => f.write_str("pods"),
            Self::Nodes => f.write_str("nodes"),
            Self::Port(node, port) => write!(f, "{node}:{port}"),
        }
    }
}
