//! The cluster's half of a pass, after the machine's own.

use super::{Ground, PassError};
use crate::cluster::{self, Scene};
use crate::host::Secrets;
use crate::listener::Place;
use crate::load::Wanted;
use crate::repo::Repo;
use knarr_node::causes::chain;
use knarr_node::item::Artifact;
use knarr_node::report::ClusterReport;
use knarr_node::{Change, Item, Seen};
use std::path::PathBuf;

impl Ground {
    /// Makes Kubernetes' objects so, where this machine is the server that does.
    pub(super) fn cluster(
        &self,
        place: &Place,
        wanted: &Wanted,
        fetched: bool,
    ) -> Result<Option<ClusterReport>, PassError> {
        let repo = &Repo::open(&self.paths.kept("repo.git"))?;
        let store = &|artifact: &Artifact| self.store(artifact);
        let now = self.time();
        let Some(state) = &wanted.cluster else { return Ok(None) };
        let (paths, commit, secrets) = (&self.paths, &wanted.commit, &wanted.secrets);
        Ok(cluster::converge(&Scene { paths, repo, place, commit, state, secrets, fetched, now, store }))
    }

    /// Puts an artifact into the store, unless it is there.
    fn store(&self, artifact: &Artifact) -> Result<PathBuf, String> {
        let mut host = (self.open)(Secrets::new()).map_err(|fault| chain(&fault))?;
        let item = Item::Artifact(artifact.clone());
        let there = host.see(&item.id(), Some(&item));
        if there != Seen::Is(item.clone()) {
            host.act(&Change::to(None, item)).map_err(|error| chain(&error))?;
        }
        Ok(self.paths.kept("store").join(artifact.sha256.as_str()))
    }
}
