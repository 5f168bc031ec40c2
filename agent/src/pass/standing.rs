//! Where a machine stands before a pass changes anything, and how that is said to people.

use crate::converge::Done;
use crate::fetch::FetchError;
use crate::identity::{Identity, IdentityError};
use crate::listener::Place;
use crate::load::{LoadError, Wanted};
use crate::paths::Paths;
use crate::repo::{Chain, Repo, RepoError, SEEN};
use jiff::civil::Date;
use knarr_node::Id;
use knarr_node::causes::chain;
use knarr_node::name::Oid;
use knarr_node::report::{Gate, Outcome, Trouble};
use knarr_node::trust::Pending;

/// Returns the machine's place among the others as the last accepted commit says, if it can be loaded.
pub fn place(paths: &Paths, today: Date) -> Option<Place> {
    let identity = Identity::read(paths).ok()?;
    Place::at(&identity.floor, &identity, paths, today)
}

/// Where the machine stands before anything is changed.
pub(super) struct Standing {
    pub(super) identity: Identity,
    pub(super) seen: Option<Oid>,
    pub(super) outcome: Outcome,
    pub(super) unfetched: Option<String>,
    pub(super) wanted: Option<Wanted>,
}

impl Standing {
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.outcome = worse(self.outcome.clone(), outcome);
    }

    /// Notes that nothing could be fetched, which is no trouble of this machine while other nodes answer.
    pub(super) fn miss(&mut self, error: &FetchError, others_answer: bool) {
        let why = format!("{} ({})", chain(error), error.help());
        self.unfetched = Some(why.clone());
        if !others_answer {
            self.add(Outcome::Retry { why });
        }
    }

    /// Notes as fetched what other nodes gave, where that goes beyond what the remotes gave.
    pub(super) fn see(&mut self, repo: &Repo) -> Result<(), RepoError> {
        let floor = self.identity.floor.clone();
        let behind = match &self.seen {
            Some(seen) => *seen != floor && repo.chain(&floor, seen)? == Chain::Behind,
            None => repo.has(&floor),
        };
        if behind {
            repo.note(SEEN, &floor)?;
            self.seen = Some(floor);
        }
        Ok(())
    }

    pub(super) fn wait_for(&mut self, pending: &[Pending]) {
        if let Some(first) = pending.first() {
            let why = format!("{}: {}", first.id.short(), first.why);
            self.add(Outcome::Waiting(vec![Gate::Signature { commits: pending.len(), why }]));
        }
    }

    /// Returns the machine's place among the others, if what was loaded lists it.
    pub(super) fn place(&self) -> Option<Place> {
        Place::of(&self.identity, self.wanted.as_ref()?)
    }

    /// Makes the floor durable before anything is done, so that there is no way back behind it.
    pub(super) fn keep(&self, paths: &Paths) -> Result<(), IdentityError> {
        if Identity::read(paths)? == self.identity { Ok(()) } else { self.identity.write(paths) }
    }
}

/// Returns the outcome that people must know of first; what is waited for adds up.
pub(super) fn worse(one: Outcome, other: Outcome) -> Outcome {
    if let (Outcome::Waiting(some), Outcome::Waiting(more)) = (&one, &other) {
        return Outcome::Waiting([&some[..], more].concat());
    }
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Converged => 0,
        Outcome::Waiting(_) => 1,
        Outcome::Retry { .. } => 2,
        Outcome::Stalled { .. } => 3,
        Outcome::Lost(_) => 4,
        Outcome::Undone { .. } => 5,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

pub(super) fn stray(off: &Chain, tip: &Oid, floor: &Oid) -> Outcome {
    let (tip, floor) = (tip.short(), floor.short());
    let why = match off {
        Chain::Behind => format!("the branch was set back to {tip}, behind {floor}, which is accepted here"),
        Chain::Rewritten | Chain::Follows(_) => {
            format!("the history was rewritten: {tip} does not follow {floor}, which is accepted here")
        }
    };
    Outcome::Stalled { why, way_out: "knarr mend".to_owned() }
}

pub(super) fn refusal(error: &LoadError, identity: &Identity) -> Outcome {
    if matches!(error, LoadError::Unknown) && identity.applied.is_none() {
        return Outcome::Waiting(vec![Gate::Known]);
    }
    match error.way_out(identity.node.as_str()) {
        Some(way_out) => Outcome::Stalled { why: chain(error), way_out },
        None => Outcome::Retry { why: chain(error) },
    }
}

/// Says in one line what is tried again.
pub(super) fn troubled(done: &Done) -> Option<Outcome> {
    let line = |(id, trouble): (&Id, &Trouble)| match trouble {
        Trouble::Needs(needed) => Some(format!("{id} is left alone, because {needed} failed")),
        Trouble::Unknown(why) => Some(format!("{id} cannot be seen: {why}")),
        Trouble::Failed(why) => Some(format!("{id} failed: {why}")),
        Trouble::Differs => Some(format!("{id} was made, but is different")),
        Trouble::Held | Trouble::Strangers(_) => None,
    };
    // What only follows from another one comes last.
    let (follows, own): (Vec<_>, Vec<_>) =
        done.troubles.iter().partition(|(_, trouble)| matches!(trouble, Trouble::Needs(_)));
    let mut lines = own.into_iter().chain(follows).filter_map(line);
    let (first, more) = (lines.next()?, lines.count());
    let why = if more == 0 { first } else { format!("{first}; and {more} more") };
    Some(Outcome::Retry { why })
}

/// Says what lies where nothing else should: only a person knows whether it may go.
pub(super) fn stray_names(done: &Done) -> Option<Outcome> {
    let paths = done.troubles.iter().flat_map(|(id, trouble)| match (id, trouble) {
        (Id::Dir(folder), Trouble::Strangers(names)) => {
            names.iter().map(|name| format!("{folder}/{name}")).collect()
        }
        (_, _) => Vec::new(),
    });
    let paths: Vec<String> = paths.collect();
    let way_out = format!("mv {} /root/", paths.join(" "));
    let why = format!("{} counts too, and is not from the repository", paths.join(", "));
    (!paths.is_empty()).then_some(Outcome::Stalled { why, way_out })
}

/// Says what comes before a unit.
pub(super) fn waiting(done: &Done) -> Option<Outcome> {
    (!done.waits.is_empty()).then(|| Outcome::Waiting(done.waits.clone()))
}
