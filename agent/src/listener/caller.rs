//! Who asks: told by the source address. WireGuard proves a node's; the firewall lets pods' in from their own node only.

use super::Place;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use knarr_node::name::NodeName;
use std::net::Ipv4Addr;

/// Who may ask anything at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A machine of the cluster, which may use every route.
    Node(NodeName),
    /// A pod, which may read the accepted commits and nothing else.
    Pod,
}

/// Why a route does not answer.
pub(super) type Refused = (StatusCode, String);

/// Names a refusal.
pub(super) fn refused(status: StatusCode, why: impl Into<String>) -> Refused {
    (status, format!("{}\n", why.into()))
}

impl Place {
    /// Returns who has the address, or none for a stranger.
    pub(super) fn caller(&self, from: Ipv4Addr) -> Option<Caller> {
        let node = self.directory.nodes.iter().find(|(_, node)| node.ip.addr() == from);
        let pod = || self.directory.pods.contains(&from).then_some(Caller::Pod);
        node.map(|(name, _)| Caller::Node(name.clone())).or_else(pod)
    }
}

/// The node that asks: with it in its arguments a route is closed to everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByNode(pub(super) NodeName);

impl<S: Sync> FromRequestParts<S> for ByNode {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Node(name)) => Ok(Self(name.clone())),
            Some(Caller::Pod) | None => Err(refused(StatusCode::FORBIDDEN, "this is for nodes only")),
        }
    }
}
