//! Asks other nodes for commits: when no remote answers, and when one of them spoke of a commit that no remote gave.
//!
//! What they give is judged as if a remote had given it, so they need no trust.

use crate::fetch::{Bounds, FetchError, Fetched, fetch_from_node};
use crate::listener::{Place, ask};
use crate::paths::Paths;
use crate::repo::{PEER, Repo, RepoError};
use knarr_node::causes::chain;
use knarr_node::name::{NodeName, Oid};
use std::collections::BTreeMap;

/// From so many nodes one pass fetches at most.
const MOST: usize = 3;

/// Other nodes, as one pass sees them.
pub(super) struct Others<'a> {
    pub(super) place: &'a Place,
    pub(super) repo: &'a Repo,
    pub(super) paths: &'a Paths,
    pub(super) bounds: &'a Bounds,
}

/// What others gave.
#[derive(Default)]
pub(super) struct Given {
    /// Their accepted commits that were not here.
    pub(super) tips: Vec<Oid>,
    /// Whether any was asked and answered.
    pub(super) answered: bool,
}

impl Others<'_> {
    /// Returns the commits of who `spoke`, and, when no remote `fetched`, of whoever has one that is not here.
    pub(super) fn give(
        &self,
        spoke: &BTreeMap<Oid, NodeName>,
        fetched: &Result<Fetched, FetchError>,
    ) -> Result<Given, RepoError> {
        let said = if fetched.is_err() { ask(self.place) } else { Vec::new() };
        let answered = !said.is_empty();
        let spoke = spoke.iter().map(|(commit, node)| (node.clone(), commit.clone()));
        let lacking = spoke.chain(said).filter(|(_, commit)| !self.repo.has(commit));
        let mut tips = Vec::new();
        for (node, commit) in lacking.collect::<Vec<_>>() {
            // One that was fetched for another node may have brought it.
            if tips.len() < MOST && !self.repo.has(&commit) {
                tips.extend(self.fetch(&node)?);
            }
        }
        Ok(Given { tips, answered })
    }

    /// Fetches what the node accepted.
    fn fetch(&self, node: &NodeName) -> Result<Option<Oid>, RepoError> {
        let Some(listed) = self.place.directory.nodes.get(node) else { return Ok(None) };
        let Place { cluster, branch, directory, .. } = self.place;
        let url = format!("http://{}:{}/git/{cluster}.git", listed.ip, directory.port);
        match fetch_from_node(&url, branch, self.paths, self.bounds) {
            Ok(Fetched::Branch) => self.repo.noted(PEER),
            Ok(Fetched::Nothing) => Ok(None),
            Err(error) => {
                tracing::warn!("`{node}` does not give its commits: {}", chain(&error));
                Ok(None)
            }
        }
    }
}
