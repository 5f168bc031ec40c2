//! All other machines, as a pass asks them whether this one is still reachable. It decides nothing.

mod operator;
mod unit;
mod warning;

pub use operator::note;
pub use unit::{Standing, stand};
pub use warning::{Warning, forget_warnings, warned};

use crate::fetch::{Bounds, fetch};
use crate::guard::{BootTime, Contacts, Outside, Situation, Terms};
use crate::identity::Identity;
use crate::load::Wanted;
use crate::paths::Paths;
use knarr_node::Change;
use knarr_node::firewall::Ssh;
use knarr_node::name::{AbsPath, Oid};
use knarr_node::state::Git;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// How long a stage may stay unproven, unless /etc/knarr/guard-seconds says otherwise.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a git remote may take to answer.
const GIT: Duration = Duration::from_secs(10);

/// What is known of everybody else, from what is wanted here.
#[derive(Clone, Debug)]
pub struct Surroundings {
    commit: Oid,
    git: Vec<Git>,
    ssh: Option<Ssh>,
    paths: Paths,
    bounds: Bounds,
}

impl Surroundings {
    /// Returns what the wanted State says, or what was pinned at enrolment when nothing is wanted.
    pub fn of(identity: &Identity, wanted: Option<&Wanted>, paths: &Paths, bounds: Bounds) -> Self {
        let said = wanted.map(|wanted| wanted.git.clone());
        Self {
            commit: wanted.map_or(&identity.floor, |wanted| &wanted.commit).clone(),
            git: said.into_iter().chain([identity.git.clone()]).collect(),
            ssh: wanted.and_then(|wanted| wanted.ssh.clone()),
            paths: paths.clone(),
            bounds,
        }
    }
}

/// The real network.
pub struct Network {
    around: Surroundings,
    program: AbsPath,
    /// What a person notes before this does not count.
    since: BootTime,
}

impl Network {
    /// Makes it for one pass; `program` is knarrd itself. Nobody is asked yet.
    pub fn new(around: Surroundings, program: AbsPath) -> Self {
        Self { around, program, since: BootTime::default() }
    }

    fn git(&self, patience: Duration) -> bool {
        let mut bounds = self.around.bounds;
        bounds.child.time = patience.min(GIT);
        fetch(&self.around.git.iter().collect::<Vec<_>>(), &self.around.paths, &bounds).is_ok()
    }
}

impl Outside for Network {
    fn situation(&self) -> Situation {
        let patience = patience(&self.around.paths);
        let held = warning::of(&self.around.paths, &self.around.commit);
        Situation { nodes: Vec::new(), ssh: self.around.ssh.clone(), held, patience }
    }

    fn clock(&self) -> BootTime {
        now()
    }

    fn arm(&mut self, deadline: BootTime) -> Result<(), String> {
        unit::arm(&self.around.paths, &self.program, deadline)
    }

    fn disarm(&mut self) {
        unit::disarm();
    }

    fn before(&mut self, _: &Terms) -> Contacts {
        let operator = operator::was_here(&self.around.paths, now());
        Contacts { git: self.git(GIT), operator, ..Contacts::default() }
    }

    fn renew(&mut self, _: &[Change]) {
        self.since = now();
    }

    fn after(&mut self, _: &Terms, before: &Contacts, until: BootTime) -> Contacts {
        let git = before.git && self.git(until.since(now()));
        let operator = operator::came(&self.around.paths, self.since);
        Contacts { git, operator, ..Contacts::default() }
    }

    fn pause(&mut self) {
        std::thread::sleep(PAUSE);
    }

    fn warn(&mut self, _: &Oid) {}
}

/// Returns the time since the boot.
pub fn now() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    BootTime::after_boot(Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec)))
}

/// Reads how long a stage may stay unproven: a number of seconds that tests and slow links set.
fn patience(paths: &Paths) -> Duration {
    let said = std::fs::read_to_string(paths.absolute("/etc/knarr/guard-seconds"));
    let seconds = said.ok().and_then(|text| text.trim().parse().ok());
    seconds.filter(|seconds| (5..=600).contains(seconds)).map_or(PATIENCE, Duration::from_secs)
}
