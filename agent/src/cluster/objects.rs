//! Makes the objects of manifests as they are wanted, by server-side apply, and deletes those that left the repository.

use super::api::{Api, ApiError, Run};
use super::documents::{Document, KNARR, same, wipe};
use super::fill;
use super::inventory::{Inventory, is_ours};
use super::key::{Key, Rank};
use super::{Part, Scene, Trouble};
use knarr_node::name::Oid;
use knarr_node::state::Keep;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// So long new kinds are waited for.
const ESTABLISHED: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The objects' part of one pass.
pub(super) struct Objects<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) api: &'a Api,
    /// What the cluster holds of us: written before an object is made, so that none is ever forgotten.
    pub(super) inventory: Inventory,
    /// The objects that the commit wants, as far as they could be told.
    pub(super) wanted: BTreeMap<Key, Option<Keep>>,
    /// Whether all of them could be told: else what seems to have left may only be unknown.
    pub(super) complete: bool,
    /// Until when new kinds may still come.
    pub(super) fresh: Option<Instant>,
    pub(super) troubles: Vec<Trouble>,
}

impl Objects<'_> {
    /// Makes the objects of one manifest, and of `documents` those that come with them.
    pub(super) async fn make(&mut self, part: &Part) -> Result<(), ApiError> {
        let split = part.documents.partition_point(|document| document.key.rank() < Rank::Rest);
        let (first, rest) = part.documents.split_at(split);
        self.make_some(part, first).await?;
        self.wait_for_kinds(first).await?;
        self.make_some(part, rest).await
    }

    async fn make_some(&mut self, part: &Part, documents: &[Document]) -> Result<(), ApiError> {
        let mut placed = Vec::new();
        for document in documents {
            match self.place(&document.key, &part.name).await {
                Ok(key) => placed.push((key, document)),
                Err(error) => self.complain(&part.name, error)?,
            }
        }
        let listed = placed.iter().map(|(key, _)| (key.clone(), part.back));
        self.wanted.extend(listed);
        let list = self.inventory.with(&self.wanted);
        list.write(self.api, &self.inventory).await?;
        self.inventory = list;
        for (key, document) in placed {
            if let Err(error) = self.one(&key, &document.object).await {
                let secret = part.secret || key.kind == "Secret";
                self.complain(&part.name, if secret { error.veiled() } else { error })?;
            }
        }
        Ok(())
    }

    /// Finds the namespace of an object that names none: it is the one that is called as the manifest.
    async fn place(&mut self, key: &Key, otherwise: &str) -> Result<Key, ApiError> {
        loop {
            match self.api.placed(key, otherwise).await {
                Err(ApiError::NoKind(..)) if self.fresh.is_some_and(|until| Instant::now() < until) => {
                    sleep(LOOK_AGAIN).await;
                }
                Err(error @ ApiError::NoKind(..)) => {
                    self.complete = false;
                    return Err(error);
                }
                placed => return placed,
            }
        }
    }

    /// Makes one object so, unless it already is.
    async fn one(&mut self, key: &Key, object: &Value) -> Result<(), ApiError> {
        let mut live = self.api.get(key).await?;
        let filled = self.filled(object, live.as_ref());
        let object = filled.as_ref().unwrap_or(object);
        let done = match &live {
            Some(live) => {
                let mut dry = self.api.apply(key, object, Run::Dry).await?;
                let same = same(live, &dry, KNARR);
                wipe(&mut dry);
                same
            }
            None => false,
        };
        live.iter_mut().for_each(wipe);
        if done {
            return Ok(());
        }
        let mut applied = self.api.apply(key, object, Run::Real).await?;
        wipe(&mut applied);
        tracing::info!("{} {key}", if live.is_some() { "changed" } else { "made" });
        if key.rank() == Rank::Definition {
            self.fresh = Some(Instant::now() + ESTABLISHED);
        }
        Ok(())
    }

    /// Returns an Application of this repository with the commit that it follows: the one it has, while its folder
    /// is the same there, else the last one that touched the folder.
    fn filled(&mut self, object: &Value, live: Option<&Value>) -> Option<Value> {
        let path = fill::path_to_fill(object, &fill::address(&self.scene.place.cluster))?;
        let tip = self.scene.commit;
        let commit = match self.scene.repo.touched(tip, path, live.and_then(fill::followed).as_ref()) {
            Ok(commit) => commit,
            Err(error) => {
                self.troubles.push(Trouble::Failed(format!("`{path}`: {error}")));
                tip.clone()
            }
        };
        let mut filled = object.clone();
        fill::follow(&mut filled, &commit);
        Some(filled)
    }

    /// Waits until the API serves the kinds that were defined just now; a bounded time.
    async fn wait_for_kinds(&mut self, documents: &[Document]) -> Result<(), ApiError> {
        for Document { key, .. } in documents.iter().filter(|it| it.key.rank() == Rank::Definition) {
            while let Some(until) = self.fresh {
                let live = self.api.get(key).await?;
                if live.is_none_or(|live| is_established(&live)) {
                    break;
                }
                if Instant::now() > until {
                    self.troubles.push(Trouble::Failed(format!("{key} is not served yet")));
                    break;
                }
                sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    /// Deletes what was ours and is wanted no more, and keeps in the list what the commit wants.
    pub(super) async fn leave(&mut self) -> Result<(), ApiError> {
        if !self.complete {
            return Ok(());
        }
        let gone = |key: &&Key| !self.wanted.contains_key(*key);
        let mut gone: Vec<Key> = self.inventory.objects.keys().filter(gone).cloned().collect();
        gone.sort_by_key(|key| std::cmp::Reverse(key.rank()));
        for key in gone {
            match self.delete(&key).await {
                Ok(()) => drop(self.inventory.objects.remove(&key)),
                Err(error) => self.complain(&key.name, error)?,
            }
        }
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<(), ApiError> {
        if self.inventory.objects.get(key) == Some(&Some(Keep::Keep)) {
            return Ok(());
        }
        let live = match self.api.get(key).await {
            // Its kind is gone, and all objects of that kind with it.
            Err(ApiError::NoKind(..)) => None,
            live => live?,
        };
        let Some(mut live) = live.filter(is_ours) else { return Ok(()) };
        let deleted = self.api.delete(key, &live).await;
        wipe(&mut live);
        deleted?;
        tracing::info!("deleted {key}");
        Ok(())
    }

    /// Goes on with the rest after a no; when nobody answers, all the rest is unknown.
    fn complain(&mut self, part: &str, error: ApiError) -> Result<(), ApiError> {
        if matches!(error, ApiError::Silent(_) | ApiError::Config(..)) {
            return Err(error);
        }
        self.troubles.push(Trouble::Failed(format!("objects `{part}`: {error}")));
        Ok(())
    }
}

/// Source: Kubernetes, CustomResourceDefinition v1, condition `Established`.
fn is_established(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|it| it["type"] == "Established" && it["status"] == "True"))
}

/// Says why an older commit must wait: this one was followed already.
pub(super) fn newer(scene: &Scene<'_>, followed: Option<&Oid>) -> Option<String> {
    let followed = followed.filter(|followed| **followed != *scene.commit)?;
    let is_older = || scene.repo.is_ancestor(followed, scene.commit).unwrap_or(false);
    // What no remote has either was never on the branch.
    let foreign = || scene.fetched && !scene.repo.has(followed);
    let wait = !is_older() && !foreign();
    wait.then(|| format!("the cluster is at {}, which is not accepted here yet", followed.short()))
}
