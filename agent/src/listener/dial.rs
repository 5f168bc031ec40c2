//! Witnesses: a node asks another to dial it back, by flows that did not exist before.

use super::caller::{ByNode, Refused, refused};
use super::client::Method;
use super::{Listener, Place};
use crate::contact::{Warning, hear_of, warned};
use crate::repo::{Chain, Repo};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use knarr_node::mesh::MeshNode;
use knarr_node::name::Oid;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// So long a flow may take to come up: two packets may be lost on the way.
pub(crate) const FLOW: Duration = Duration::from_secs(4);
/// More than two packets of the largest MTU, each way.
const FULL: usize = 20_000;

/// `POST /v1/dial`: dial me back, and say who you are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// The commit that the caller applies.
    pub commit: Oid,
    /// How its sshd is dialled.
    pub ssh: Way,
}

/// A way to a node's sshd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The address that people use.
    Public,
    /// The mesh.
    Mesh,
}

/// What the witness found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialled {
    /// Full packets went over the mesh, both ways.
    pub mesh: bool,
    /// sshd answered.
    pub ssh: bool,
    /// The witness has accepted the commit too.
    pub aware: bool,
}

/// `POST /v1/undone`: this commit cut me off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undone {
    /// The commit.
    pub commit: Oid,
}

/// Dials the caller back. Only the caller's own addresses are dialled, whatever it says.
pub(super) async fn dial(
    State(listener): State<Arc<Listener>>,
    ByNode(from): ByNode,
    Json(asked): Json<Dial>,
) -> Result<Json<Dialled>, Refused> {
    let place = listener.place().ok_or_else(nowhere)?;
    let node = place.directory.nodes.get(&from).ok_or_else(nowhere)?;
    if let Err(error) = hear_of(&listener.paths, &from, &asked.commit) {
        tracing::debug!(%error, "what `{from}` applies is not kept in mind");
    }
    let (mesh, ssh, aware) = tokio::join!(
        echoes(&place, node),
        timeout(FLOW, banner(node, asked.ssh)),
        is_aware(&listener, &place, asked.commit)
    );
    Ok(Json(Dialled { mesh, ssh: ssh.unwrap_or(false), aware }))
}

fn nowhere() -> Refused {
    refused(StatusCode::SERVICE_UNAVAILABLE, "this machine does not know where it stands")
}

/// Sends back what it got: the other half of [`echoes`].
pub(super) async fn echo(_: ByNode, body: String) -> String {
    body
}

/// Whether full packets go to a node and come back.
async fn echoes(place: &Place, node: &MeshNode) -> bool {
    let text = "x".repeat(FULL);
    let answer = place.client().send(node.ip, Method::POST, "/v1/echo", Some(&text), FLOW).await;
    answer.is_ok_and(|body| body.len() >= FULL)
}

/// Whether sshd says its name.
async fn banner(node: &MeshNode, way: Way) -> bool {
    let dialled = match (way, &node.ssh) {
        (Way::Public, Some(ssh)) => TcpStream::connect((ssh.host(), ssh.port().number())).await,
        (Way::Public | Way::Mesh, _) => TcpStream::connect((node.ip.addr(), node.ssh_port().number())).await,
    };
    let Ok(mut stream) = dialled else { return false };
    let mut said = [0; 4];
    // Source: RFC 4253, section 4.2.
    stream.read_exact(&mut said).await.is_ok() && said == *b"SSH-"
}

async fn is_aware(listener: &Listener, place: &Place, commit: Oid) -> bool {
    let (path, accepted) = (listener.paths.kept("repo.git"), place.accepted.clone());
    let follows = move || {
        let chain = Repo::open(&path).and_then(|repo| repo.chain(&commit, &accepted));
        matches!(chain, Ok(Chain::Follows(_)))
    };
    tokio::task::spawn_blocking(follows).await.unwrap_or(false)
}

/// Keeps in mind that a commit cut a node off.
pub(super) async fn undone(
    State(listener): State<Arc<Listener>>,
    ByNode(node): ByNode,
    Json(Undone { commit }): Json<Undone>,
) -> Result<StatusCode, Refused> {
    tracing::warn!("`{node}` was cut off by commit {}, and took it back", commit.short());
    let kept = tokio::task::spawn_blocking(move || warned(&listener.paths, &Warning { commit, node })).await;
    match kept {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(_)) | Err(_) => Err(refused(StatusCode::INTERNAL_SERVER_ERROR, "the disk does not take it")),
    }
}
