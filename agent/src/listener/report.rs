//! Signed reports: each node tells the keepers how its passes end; they keep the newest of each node.
//!
//! A report counts by its signature, not by who brings it, so whoever reads it anywhere can check it.

use super::caller::{ByNode, Refused, refused};
use super::client::Method;
use super::handshakes::{tunnels, wake};
use super::signed::{SignedError, is_signed, sign};
use super::{Listener, Place};
use crate::identity::write_private;
use crate::paths::Paths;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use knarr_node::causes::chain;
use knarr_node::name::NodeName;
use knarr_node::report::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};
use tokio::task::{JoinSet, spawn_blocking};

/// What the signature is for.
const NAMESPACE: &str = "knarr-report";
/// An unchanged report is told again after this, so that others know that the node lives.
const FRESH: Duration = Duration::from_mins(1);
/// So long a keeper is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a node says of itself, and its signature under exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// A [`Report`] in JSON.
    pub report: String,
    /// The signature of its machine's SSH host key, as `ssh-keygen -Y sign -n knarr-report` writes it.
    pub signature: String,
}

impl Signed {
    /// Returns what the node said, if it was `node` indeed.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn by(&self, node: &NodeName, place: &Place, paths: &Paths) -> Result<Option<Report>, SignedError> {
        let Ok(report) = serde_json::from_str::<Report>(&self.report) else { return Ok(None) };
        let said = (self.report.as_str(), self.signature.as_str());
        let good = report.node == *node && is_signed(paths, &place.nodes, node, NAMESPACE, said)?;
        Ok(good.then_some(report))
    }
}

/// A signed report as it lies in `/var/lib/knarr/reports/<node>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// When it came here, in seconds since 1970 by the clock of this machine.
    pub heard: u64,
    /// What came.
    pub signed: Signed,
}

impl Heard {
    /// Returns what the node said; it was checked when it came.
    pub fn report(&self) -> Option<Report> {
        serde_json::from_str(&self.signed.report).ok()
    }
}

/// Returns the newest report of each node that was ever heard, also of this one.
pub fn all(paths: &Paths) -> BTreeMap<NodeName, Heard> {
    let one = |node: NodeName| {
        let bytes = fs::read(file(paths, &node)).ok()?;
        Some((node, serde_json::from_slice(&bytes).ok()?))
    };
    names(paths).into_iter().filter_map(one).collect()
}

/// Lists who was heard.
fn names(paths: &Paths) -> Vec<NodeName> {
    let Ok(files) = fs::read_dir(paths.kept(FOLDER)) else { return Vec::new() };
    let name = |file: fs::DirEntry| file.file_name().to_str()?.strip_suffix(".json")?.parse().ok();
    files.flatten().filter_map(name).collect()
}

const FOLDER: &str = "reports";

fn file(paths: &Paths, node: &NodeName) -> PathBuf {
    paths.kept(FOLDER).join(format!("{node}.json"))
}

/// Keeps what a node said, unless something newer is here already.
fn keep(paths: &Paths, node: &NodeName, signed: Signed, at: u64) -> io::Result<bool> {
    let (path, heard) = (file(paths, node), now());
    let kept: Option<Heard> = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let last = kept.and_then(|kept| kept.report()).map_or(0, |report| report.at);
    // What says that it is from the future was said by a clock that was wrong then.
    if at < last && last <= heard {
        return Ok(false);
    }
    fs::create_dir_all(paths.kept(FOLDER))?;
    write_private(&path, &serde_json::to_vec(&Heard { heard, signed })?)?;
    Ok(true)
}

/// Forgets the reports of machines that are no longer in the cluster.
pub(super) fn forget(paths: &Paths, place: &Place) {
    for node in names(paths).into_iter().filter(|node| !place.directory.nodes.contains_key(node)) {
        if let Err(error) = fs::remove_file(file(paths, &node)) {
            tracing::warn!(%error, "the report of `{node}` stays");
        }
    }
}

/// `GET /v1/report`: what this node says of itself.
pub(super) async fn own(
    State(listener): State<Arc<Listener>>,
    ByNode(_): ByNode,
) -> Result<Json<Signed>, Refused> {
    let (paths, place) = (listener.paths.clone(), listener.place());
    let found = spawn_blocking(move || Some(all(&paths).remove(&place?.node)?.signed)).await;
    let none = || refused(StatusCode::NOT_FOUND, "no pass has ended yet");
    found.ok().flatten().map(Json).ok_or_else(none)
}

/// `GET /v1/reports`: the newest of each node that this one heard of.
pub(super) async fn known(
    State(listener): State<Arc<Listener>>,
    ByNode(_): ByNode,
) -> Json<BTreeMap<NodeName, Heard>> {
    let paths = listener.paths.clone();
    Json(spawn_blocking(move || all(&paths)).await.unwrap_or_default())
}

/// `POST /v1/report`: a node tells its own.
pub(super) async fn hear(
    State(listener): State<Arc<Listener>>,
    ByNode(from): ByNode,
    Json(signed): Json<Signed>,
) -> Result<StatusCode, Refused> {
    // One at a time: each check is a process, and of two reports the newer must stay.
    let _turn = listener.checking.lock().await;
    let Some(place) = listener.place() else { return Err(refused(StatusCode::FORBIDDEN, "not now")) };
    let paths = listener.paths.clone();
    let kept = spawn_blocking(move || {
        let Some(report) = signed.by(&from, &place, &paths).map_err(|error| chain(&error))? else {
            return Ok(None);
        };
        keep(&paths, &from, signed, report.at).map(Some).map_err(|error| error.to_string())
    });
    match kept.await.unwrap_or_else(|panic| Err(panic.to_string())) {
        Ok(Some(_)) => Ok(StatusCode::NO_CONTENT),
        Ok(None) => Err(refused(StatusCode::FORBIDDEN, "this is not signed by your SSH host key")),
        Err(why) => Err(refused(StatusCode::INTERNAL_SERVER_ERROR, why)),
    }
}

/// Signs this node's reports and tells them, for ever: when one says something new, and once a minute.
pub(super) async fn tell(listener: Arc<Listener>) {
    let mut reports = listener.report.subscribe();
    let mut last: Option<(Report, Instant)> = None;
    loop {
        let report = reports.borrow_and_update().clone();
        let due = |report: &Report| match &last {
            Some((said, when)) => *said != undated(report) || when.elapsed() >= FRESH,
            None => true,
        };
        if let (Some(report), Some(place)) = (report.filter(due), listener.place()) {
            last = tell_one(&listener, &place, &report).await.then(|| (undated(&report), Instant::now()));
        }
        if reports.changed().await.is_err() {
            return;
        }
    }
}

/// Returns the report without what is another one every time.
fn undated(report: &Report) -> Report {
    Report { at: 0, ..report.clone() }
}

/// Returns whether all keepers heard it.
async fn tell_one(listener: &Listener, place: &Arc<Place>, report: &Report) -> bool {
    let (paths, here, report) = (listener.paths.clone(), place.clone(), report.clone());
    let signed = spawn_blocking(move || signed(&paths, &here, report)).await;
    let signed = match signed.unwrap_or_else(|panic| Err(panic.to_string())) {
        Ok(signed) => Arc::new(signed),
        Err(why) => {
            tracing::warn!("other nodes do not hear how this one is: {why}");
            return false;
        }
    };
    let mut calls = JoinSet::new();
    for (name, to) in place.keepers() {
        let (client, name, signed) = (place.client(), name.clone(), signed.clone());
        calls.spawn(async move {
            let answer = client.send(to, Method::POST, "/v1/report", Some(&*signed), PATIENCE).await;
            answer
                .inspect_err(|error| tracing::debug!("`{name}` did not hear the report: {}", chain(error)))
                .is_ok()
        });
    }
    calls.join_all().await.into_iter().all(|heard| heard)
}

fn signed(paths: &Paths, place: &Place, report: Report) -> Result<Signed, String> {
    let mesh = tunnels(place, now());
    wake(place, &mesh);
    let report = Report { mesh, ..report };
    let text = serde_json::to_string(&report).expect("a report is plain data");
    let signature =
        sign(paths, NAMESPACE, &text).map_err(|error| format!("{} ({})", chain(&error), error.help()))?;
    let signed = Signed { report: text, signature };
    keep(paths, &place.node, signed.clone(), report.at).map_err(|error| error.to_string())?;
    Ok(signed)
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
