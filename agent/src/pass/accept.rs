//! Finds out what is wanted: fetches, asks the other machines, accepts what counts, and loads it.

use super::others::{Given, Others};
use super::standing::{Standing, refusal, stray, worse};
use super::{Ground, PassError};
use crate::fetch::{FetchError, Fetched, fetch, keep_hosts};
use crate::identity::Identity;
use crate::load::{LoadError, Site, load};
use crate::repo::{ACCEPTED, APPLIED, Chain, Repo, SEEN};
use crate::signature::Signatures;
use knarr_node::name::Oid;
use knarr_node::report::{Gate, Outcome};
use knarr_node::state::Git;
use knarr_node::trust::{SIGNERS, accept};

impl Ground {
    /// Finds out what is wanted. The floor rises in memory only.
    pub(super) fn stand(&self) -> Result<Standing, PassError> {
        let mut standing = self.stand_here()?;
        let words = self.listener.words.wanted();
        let fetched = self.fetch(&standing);
        let repo = Repo::open(&self.paths.kept("repo.git"))?;
        let given = match standing.place() {
            Some(place) => {
                let others = Others { place: &place, repo: &repo, paths: &self.paths, bounds: &self.bounds };
                others.give(&words, &fetched)?
            }
            None => Given::default(),
        };
        self.listener.words.looked(&words, |commit| repo.has(commit));
        for tip in &given.tips {
            self.believe(&repo, &mut standing, tip)?;
        }
        self.judge(standing, fetched, given.answered)
    }

    /// Accepts what another node accepted, as far as it counts here too. What else that node has is not followed.
    fn believe(&self, repo: &Repo, standing: &mut Standing, tip: &Oid) -> Result<(), PassError> {
        let floor = standing.identity.floor.clone();
        let Chain::Follows(chain) = repo.chain(&floor, tip)? else { return Ok(()) };
        let last =
            accept(floor.clone(), &chain, &mut Signatures::new(repo, &self.paths, &standing.identity))?.last;
        if last != floor {
            self.rise(repo, standing, last)?;
        }
        Ok(())
    }

    pub(super) fn judge(
        &self,
        mut standing: Standing,
        fetched: Result<Fetched, FetchError>,
        others_answer: bool,
    ) -> Result<Standing, PassError> {
        match fetched {
            Err(error) => {
                standing.miss(&error, others_answer);
                let repo = Repo::open(&self.paths.kept("repo.git"))?;
                standing.see(&repo)?;
            }
            Ok(Fetched::Nothing) => standing.add(Outcome::Waiting(vec![Gate::Known])),
            Ok(Fetched::Branch) => self.follow(&Repo::open(&self.paths.kept("repo.git"))?, &mut standing)?,
        }
        if standing.identity.held.as_ref() == Some(&standing.identity.floor) {
            standing.add(Outcome::Undone { commit: standing.identity.floor.clone() });
            standing.wanted = None;
        }
        Ok(standing)
    }

    /// Says what the last accepted commit wants, or the last one that could be loaded.
    pub(super) fn stand_here(&self) -> Result<Standing, PassError> {
        let identity = Identity::read(&self.paths)?;
        let repo = Repo::open(&self.paths.kept("repo.git"))?;
        let seen = repo.noted(SEEN)?;
        let mut standing =
            Standing { identity, seen, outcome: Outcome::Converged, unfetched: None, wanted: None };
        if repo.has(&standing.identity.floor) {
            self.load(&repo, &mut standing)?;
        }
        Ok(standing)
    }

    fn fetch(&self, standing: &Standing) -> Result<Fetched, FetchError> {
        let pinned = &standing.identity.git;
        let said = standing.wanted.as_ref().map(|wanted| &wanted.git);
        let all: Vec<&Git> = said.into_iter().chain([pinned]).collect();
        self.listener.origin.is(&all);
        fetch(&all, &self.paths, &self.bounds)
    }

    /// Accepts what was fetched as far as it counts, and loads it.
    fn follow(&self, repo: &Repo, standing: &mut Standing) -> Result<(), PassError> {
        let Some(tip) = repo.noted(SEEN)? else { return Ok(()) };
        standing.seen = Some(tip.clone());
        let floor = standing.identity.floor.clone();
        match repo.chain(&floor, &tip)? {
            Chain::Follows(chain) => {
                let mut judge = Signatures::new(repo, &self.paths, &standing.identity);
                let accepted = accept(floor.clone(), &chain, &mut judge)?;
                if accepted.last != floor || standing.wanted.is_none() {
                    self.rise(repo, standing, accepted.last)?;
                }
                standing.wait_for(&accepted.pending);
            }
            off @ (Chain::Behind | Chain::Rewritten) => standing.add(stray(&off, &tip, &floor)),
        }
        Ok(())
    }

    /// Raises the floor, and loads what the new one says.
    fn rise(&self, repo: &Repo, standing: &mut Standing, last: Oid) -> Result<(), PassError> {
        let identity = &mut standing.identity;
        if last != identity.floor {
            let signers = repo.file(&last, SIGNERS)?.unwrap_or_default();
            identity.signers = String::from_utf8_lossy(&signers).into_owned();
            tracing::info!("{}: accepted", last.short());
            identity.floor = last;
        }
        repo.note(ACCEPTED, &identity.floor)?;
        standing.outcome = Outcome::Converged;
        self.load(repo, standing)
    }

    /// Loads the last accepted commit; when that cannot be, the machine is kept as the last good one says.
    fn load(&self, repo: &Repo, standing: &mut Standing) -> Result<(), PassError> {
        let identity = &mut standing.identity;
        let site = Site { repo, paths: &self.paths, today: self.today() };
        standing.wanted = match load(&site, &identity.floor, identity) {
            Ok(wanted) => {
                repo.note(APPLIED, &wanted.commit)?;
                keep_hosts(repo, &wanted.commit, &self.paths);
                identity.applied = Some(wanted.commit.clone());
                standing.outcome = worse(standing.outcome.clone(), wanted.own.outcome());
                Some(wanted)
            }
            Err(LoadError::Repo(error)) => return Err(error.into()),
            Err(error) => {
                standing.outcome = refusal(&error, identity);
                let keeps = !matches!(error, LoadError::Removed(_));
                let good = identity.applied.clone().filter(|good| keeps && repo.has(good));
                let newer = error.newer(&self.paths);
                good.and_then(|good| load(&site, &good, identity).ok()).map(|good| match newer {
                    Some(own) => good.with_own(own),
                    None => good,
                })
            }
        };
        Ok(())
    }
}
