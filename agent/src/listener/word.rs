//! Words of newer commits: who accepted one tells the others, and who lacks it does a pass at once.

use super::caller::{ByNode, Refused, refused};
use super::client::Method;
use super::{Listener, Place};
use crate::repo::Repo;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use knarr_node::name::{NodeName, Oid};
use knarr_node::net::MeshIp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// So long a node is waited for that is told.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who spoke of a commit that was nowhere to be had is not heard for so long.
const DEAF: Duration = Duration::from_mins(1);
/// So many commits are kept in mind until the next pass.
const MOST: usize = 16;
/// Up to so many others are told each by each; above, everybody tells some and those tell others.
const ALL: usize = 16;

/// `POST /v1/word`: a commit was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The commit.
    pub commit: Oid,
}

/// What was heard and not yet looked for.
#[derive(Debug, Default)]
pub struct Words {
    heard: Mutex<Heard>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    wanted: BTreeMap<Oid, NodeName>,
    deaf: BTreeMap<NodeName, Instant>,
}

impl Words {
    /// Waits until there is something to look for.
    pub async fn come(&self) {
        loop {
            self.came.notified().await;
            if !self.lock().wanted.is_empty() {
                return;
            }
        }
    }

    /// Returns the commits to look for, each with a node that has it.
    pub fn wanted(&self) -> BTreeMap<Oid, NodeName> {
        self.lock().wanted.clone()
    }

    /// Ends the search for these commits. Who named one that was not found is not heard for a while.
    pub fn looked(&self, found: &BTreeMap<Oid, NodeName>, has: impl Fn(&Oid) -> bool) {
        let mut heard = self.lock();
        for (commit, from) in found {
            heard.wanted.remove(commit);
            if !has(commit) {
                tracing::warn!("`{from}` spoke of commit {}, which is nowhere to be had", commit.short());
                heard.deaf.insert(from.clone(), Instant::now());
            }
        }
    }

    /// Takes a word, unless its speaker is not heard now or too much is wanted already.
    pub(crate) fn take(&self, from: NodeName, commit: Oid) -> bool {
        let mut heard = self.lock();
        heard.deaf.retain(|_, since| since.elapsed() < DEAF);
        if heard.deaf.contains_key(&from) || heard.wanted.len() >= MOST {
            return false;
        }
        heard.wanted.insert(commit, from);
        self.came.notify_one();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /v1/word`: what this node accepted last.
pub(super) async fn say(
    State(listener): State<Arc<Listener>>,
    ByNode(_): ByNode,
) -> Result<Json<Word>, Refused> {
    let place = listener.place().ok_or_else(|| refused(StatusCode::FORBIDDEN, "not now"))?;
    Ok(Json(Word { commit: place.accepted.clone() }))
}

/// Asks others which commit they accepted last; who does not answer is left out. It blocks.
pub fn ask(place: &Place) -> Vec<(NodeName, Oid)> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut calls = JoinSet::new();
    for (name, to) in listeners(place) {
        let client = place.client();
        let call = async move {
            let answer = client.send(to, Method::GET, "/v1/word", None::<&()>, PATIENCE).await.ok()?;
            Some((name, serde_json::from_slice::<Word>(&answer).ok()?.commit))
        };
        calls.spawn_on(call, runtime.handle());
    }
    runtime.block_on(calls.join_all()).into_iter().flatten().collect()
}

/// Hears of a commit: 202 when a pass looks for it, 204 when it is here already.
pub(super) async fn hear(
    State(listener): State<Arc<Listener>>,
    ByNode(from): ByNode,
    Json(word): Json<Word>,
) -> Result<StatusCode, Refused> {
    let commit = word.commit.clone();
    let path = listener.paths.kept("repo.git");
    let here = tokio::task::spawn_blocking(move || Repo::open(&path).is_ok_and(|repo| repo.has(&commit)));
    if here.await.unwrap_or(false) {
        return Ok(StatusCode::NO_CONTENT);
    }
    if listener.words.take(from, word.commit) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(refused(StatusCode::TOO_MANY_REQUESTS, "too many words of commits that are nowhere to be had"))
}

/// Tells others of each accepted commit once. Who cannot be told asks by itself later.
pub(super) async fn spread(mut places: watch::Receiver<Option<Arc<Place>>>) {
    let mut told = None;
    loop {
        let place = places.borrow_and_update().clone();
        if let Some(place) = place.filter(|place| told.as_ref() != Some(&place.accepted)) {
            told = Some(place.accepted.clone());
            tell(&place);
        }
        if places.changed().await.is_err() {
            return;
        }
    }
}

fn tell(place: &Place) {
    let (client, word) = (place.client(), Word { commit: place.accepted.clone() });
    for (name, to) in listeners(place) {
        let word = word.clone();
        tokio::spawn(async move {
            if let Err(error) = client.send(to, Method::POST, "/v1/word", Some(&word), PATIENCE).await {
                tracing::debug!(%error, "`{name}` was not told of commit {}", word.commit.short());
            }
        });
    }
}

/// Returns whom this node tells: all, or in a large cluster the nodes 1, 2, 4, 8 … places further in the circle of
/// names, by which a word reaches everybody in as many steps as that list is long.
pub(super) fn listeners(place: &Place) -> Vec<(NodeName, MeshIp)> {
    let others: Vec<(NodeName, MeshIp)> = place.others().map(|(name, ip)| (name.clone(), ip)).collect();
    let me = others.partition_point(|(name, _)| *name < place.node);
    let steps = (0..usize::BITS).map(|power| 1_usize << power).take_while(|step| *step <= others.len());
    if others.len() <= ALL {
        return others;
    }
    steps.map(|step| others[(me + step - 1) % others.len()].clone()).collect()
}
