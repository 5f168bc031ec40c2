//! One pass: fetch, accept, load, make the machine so, report. It reads as the list in the design.

mod accept;
mod objects;
mod others;
mod standing;

pub use self::standing::place;
use self::standing::{Standing, stray_names, troubled, waiting, worse};
use crate::boot::{self, BootError};
use crate::contact::{self, Surroundings};
use crate::converge::{Done, Means, converge, may_undo, undo_last};
use crate::fetch::{Bounds, Fetched};
use crate::guard::Outside;
use crate::host::{Fault, Secrets};
use crate::identity::{Identity, IdentityError};
use crate::journal::{Cause, FileStorage, Journal, JournalError};
use crate::listener::Listener;
use crate::load::Wanted;
use crate::lock::Lock;
use crate::own::{self, Own};
use crate::paths::Paths;
use crate::repo::{Repo, RepoError};
use crate::signature::SignatureError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use knarr_node::causes::chain;
use knarr_node::host::look;
use knarr_node::name::Oid;
use knarr_node::plan::{Plan, plan, scope};
use knarr_node::report::{Drift, Outcome, Report};
use knarr_node::{Act, Change, Item};
use std::io;
use std::sync::Arc;

/// A pass that could not even be reported.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The machine does not know who it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The local copy of the repository fails.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// Signatures cannot be checked.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The journal fails.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The machine cannot be opened.
    #[error("cannot open this machine")]
    Host(#[source] Fault),
    /// The report cannot be written.
    #[error("cannot write the report")]
    Report(#[source] io::Error),
    /// Nothing was loaded yet.
    #[error("no commit was accepted and loaded yet: {0}")]
    Nothing(String),
    /// The undo fails.
    #[error(transparent)]
    Undo(#[from] crate::converge::UndoError),
}

impl PassError {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Identity(error) => error.help(),
            Self::Journal(error) => error.help().to_owned(),
            Self::Repo(_) => "rm -r /var/lib/knarr/repo.git: it is fetched anew".to_owned(),
            Self::Signature(_) => "apt install openssh-client, and look at `df -h /run`".to_owned(),
            Self::Host(_) | Self::Report(_) => {
                "run it as root, and look at `df -h /var/lib/knarr`".to_owned()
            }
            Self::Nothing(_) => "knarrd status".to_owned(),
            Self::Undo(error) => error.help(),
        }
    }
}

/// Opens the machine with its secrets.
pub type Open = dyn Fn(Secrets) -> Result<Box<dyn Act>, Fault>;

/// Looks at all other machines, from what is wanted here.
pub type LookAround = dyn Fn(Surroundings) -> Box<dyn Outside>;

/// What a pass needs.
pub struct Ground {
    /// Nobody else changes this machine.
    pub lock: Lock,
    /// Where knarrd's files lie.
    pub paths: Paths,
    /// How much a fetch may use.
    pub bounds: Bounds,
    /// Opens the machine with these secrets.
    pub open: Box<Open>,
    /// Looks at all other machines.
    pub look_around: Box<LookAround>,
    /// Is told where the machine stands, and hears of newer commits.
    pub listener: Arc<Listener>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

impl Ground {
    /// Does one pass and writes its report.
    pub fn pass(&self) -> Result<Report, PassError> {
        let standing = self.stand()?;
        let own = standing.wanted.as_ref().map(|wanted| wanted.own.clone());
        let report = self.follow_up(standing)?;
        self.try_own(own, &report);
        Ok(report)
    }

    /// Settles a trial of the knarrd that runs, which ended a pass, or begins one of the version that is wanted.
    fn try_own(&self, own: Option<Own>, report: &Report) {
        let fetched = report.unfetched.is_none();
        own::warn(own::finished(&self.paths, fetched).map_err(Into::into));
        if let Some(Own::Other(artifact)) = own
            && !report.items.contains_key(&Item::Artifact(artifact.clone()).id())
        {
            own::warn(own::try_out(&self.paths, &artifact, fetched));
        }
    }

    /// Makes the machine as the last accepted commit says, and asks nobody for a newer one. Nothing is done before
    /// the first commit was applied.
    pub fn keep(&self) -> Result<Option<Report>, PassError> {
        if Identity::read(&self.paths)?.applied.is_none() {
            return Ok(None);
        }
        self.follow_up(self.judge(self.stand_here()?, Ok(Fetched::Branch), false)?).map(Some)
    }

    fn follow_up(&self, mut standing: Standing) -> Result<Report, PassError> {
        standing.keep(&self.paths)?;
        self.stand_among_others(&standing)?;
        let (done, applied) = match &standing.wanted {
            Some(wanted) => (self.converge(&standing.identity, wanted)?, Some(wanted.commit.clone())),
            None => (Done::default(), standing.identity.applied.clone()),
        };
        let (place, wanted, fetched) =
            (standing.place(), standing.wanted.take(), standing.unfetched.is_none());
        // Others may wait for what this says of the machine, and must not wait for the cluster.
        let report = self.report(standing, done, applied)?;
        let cluster = match (&place, &wanted) {
            (Some(place), Some(wanted)) => self.cluster(place, wanted, fetched)?,
            (None, _) | (_, None) => None,
        };
        if report.cluster == cluster { Ok(report) } else { self.tell(Report { cluster, ..report }) }
    }

    /// Shows the accepted commit to the others.
    fn stand_among_others(&self, standing: &Standing) -> Result<(), PassError> {
        let place = standing.place();
        if let Some(place) = &place {
            Repo::open(&self.paths.kept("repo.git"))?.show(&place.branch, &place.accepted)?;
        }
        self.listener.stand(place);
        Ok(())
    }

    /// Returns what a pass would change now. Nothing is changed, and the floor does not rise.
    pub fn plan(&self) -> Result<(Plan, Outcome), PassError> {
        let standing = self.stand()?;
        let Some(Wanted { items, secrets, .. }) = standing.wanted else {
            return Ok((Plan::default(), standing.outcome));
        };
        let journal = self.journal()?;
        let host = (self.open)(secrets).map_err(PassError::Host)?;
        Ok((plan(&items, &look(scope(&items, journal.owned()), &*host)), standing.outcome))
    }

    /// Takes back the last pass with changes, and holds until the next commit or `knarrd retry`.
    pub fn undo(&self) -> Result<Report, PassError> {
        may_undo(&self.journal()?)?;
        let mut standing = self.stand_here()?;
        standing.identity.held = Some(standing.identity.floor.clone());
        standing.identity.write(&self.paths)?;
        let mut outside = self.outside(&standing.identity, standing.wanted.as_ref());
        let secrets = standing.wanted.take().map(|wanted| wanted.secrets).unwrap_or_default();
        let mut host = (self.open)(secrets).map_err(PassError::Host)?;
        let mut journal = self.journal()?;
        let means = Means { host: &mut *host, outside: &mut *outside, journal: &mut journal };
        let (commit, done) = undo_last(means, self.now)?;
        if done.network.is_none() {
            warn(boot::follow(&self.paths, &done.changes));
        }
        standing.outcome = Outcome::Undone { commit };
        self.report(standing, done, None)
    }

    /// Gives up the hold of an undo, and lets changes of the network be tried that were taken back here or elsewhere.
    pub fn release(&self) -> Result<(), PassError> {
        self.journal()?.release()?;
        contact::forget_warnings(&self.paths).map_err(PassError::Report)?;
        own::forgive(&self.paths).map_err(PassError::Report)?;
        let identity = Identity { held: None, ..Identity::read(&self.paths)? };
        Ok(identity.write(&self.paths)?)
    }

    /// Returns the day in UTC; a clock beyond all time lets no device in whose time ends.
    fn today(&self) -> Date {
        self.time().to_zoned(TimeZone::UTC).date()
    }

    fn time(&self) -> Timestamp {
        let now = i64::try_from(self.now).ok().and_then(|secs| Timestamp::from_second(secs).ok());
        now.unwrap_or(Timestamp::MAX)
    }

    fn converge(&self, identity: &Identity, wanted: &Wanted) -> Result<Done, PassError> {
        let secrets = wanted.secrets.clone();
        let mut host = (self.open)(secrets).map_err(PassError::Host)?;
        let mut outside = self.outside(identity, Some(wanted));
        let cause = Cause { commit: wanted.commit.clone(), at: self.now };
        let mut journal = self.journal()?;
        let means = Means { host: &mut *host, outside: &mut *outside, journal: &mut journal };
        let done = converge(&wanted.items, means, &cause)?;
        if done.network.is_none() && !done.troubles.keys().any(boot::is_made) {
            warn(boot::remember(&self.paths, &wanted.items));
        }
        Ok(done)
    }

    fn outside(&self, identity: &Identity, wanted: Option<&Wanted>) -> Box<dyn Outside> {
        (self.look_around)(Surroundings::of(identity, wanted, &self.paths, self.bounds))
    }

    fn journal(&self) -> Result<Journal, JournalError> {
        Journal::open(Box::new(FileStorage::new(self.paths.kept("journal"))))
    }

    fn report(&self, standing: Standing, done: Done, applied: Option<Oid>) -> Result<Report, PassError> {
        for change in &done.changes {
            tracing::info!("{change}");
        }
        let own = [troubled(&done), stray_names(&done), waiting(&done)].into_iter().flatten();
        let outcome = done.network.into_iter().chain(own).fold(standing.outcome, worse);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (node, seen, accepted) = (standing.identity.node, standing.seen, standing.identity.floor);
        let (unfetched, items, snapshot) = (standing.unfetched, done.troubles, done.snapshot);
        let last = crate::status::read(&self.paths).ok().flatten();
        let last = last.as_ref();
        let report = Report {
            node,
            version,
            at: self.now,
            seen,
            accepted,
            outcome,
            unfetched,
            items,
            mesh: [].into(),
            quarantined: done.quarantined,
            snapshot,
            drift: drift(last, applied.as_ref(), &done.changes, self.now),
            cluster: last.and_then(|last| last.cluster.clone()),
            applied,
        };
        self.tell(report)
    }

    fn tell(&self, report: Report) -> Result<Report, PassError> {
        crate::status::write(&self.paths, &report).map_err(PassError::Report)?;
        self.listener.tell(report.clone());
        Ok(report)
    }
}

/// Returns what was mended last for the commit that is applied: by this pass, or by one before it.
fn drift(last: Option<&Report>, applied: Option<&Oid>, changes: &[Change], now: u64) -> Option<Drift> {
    let last = last.filter(|last| applied.is_some() && last.applied.as_ref() == applied)?;
    if changes.is_empty() || !last.is_whole() {
        return last.drift.clone();
    }
    let items = changes.iter().map(|change| change.id().clone()).take(Drift::MOST).collect();
    Some(Drift { at: now, items })
}

/// A pass is good also when the next boot does not know of it.
fn warn(remembered: Result<(), BootError>) {
    if let Err(error) = remembered {
        tracing::warn!("the next boot begins as an older pass was: {}", chain(&error));
    }
}

#[cfg(test)]
mod tests;
