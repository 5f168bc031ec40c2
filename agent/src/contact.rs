//! All other machines, as a pass asks them whether this one is still reachable. It decides nothing.

mod flows;
mod heard;
mod login;
mod operator;
mod settled;
mod unit;
mod warning;
mod witness;

pub(crate) use heard::hear_of;
pub use operator::{at_hand, note};
pub use unit::{Standing, stand};
pub use warning::{Warning, forget_warnings, warned};

use crate::fetch::{Bounds, fetch};
use crate::guard::{BootTime, Contacts, Outside, Situation, Terms};
use crate::identity::Identity;
use crate::load::Wanted;
use crate::paths::Paths;
use knarr_node::Change;
use knarr_node::firewall::Ssh;
use knarr_node::name::{AbsPath, NodeName, Oid};
use knarr_node::state::Git;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use witness::{Mesh, Renewed};

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
    mesh: Option<Mesh>,
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
            mesh: wanted.and_then(|wanted| Mesh::of(&identity.node, wanted)),
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
    renewed: Renewed,
}

impl Network {
    /// Makes it for one pass; `program` is knarrd itself. Nobody is asked yet.
    pub fn new(around: Surroundings, program: AbsPath) -> Self {
        Self { around, program, since: BootTime::default(), renewed: Renewed::default() }
    }

    fn git(&self, patience: Duration) -> bool {
        let mut bounds = self.around.bounds;
        bounds.child.time = patience.min(GIT);
        fetch(&self.around.git.iter().collect::<Vec<_>>(), &self.around.paths, &bounds).is_ok()
    }
}

impl Outside for Network {
    fn situation(&self) -> Situation {
        let Surroundings { commit, ssh, mesh, paths, .. } = &self.around;
        Situation {
            nodes: mesh.as_ref().map(Mesh::witnesses).unwrap_or_default(),
            ssh: ssh.clone(),
            held: warning::of(paths, commit),
            patience: patience(paths),
        }
    }

    fn clock(&self) -> BootTime {
        now()
    }

    fn arm(&mut self, deadline: BootTime) -> Result<(), String> {
        unit::arm(&self.around.paths, &self.program, deadline)
    }

    fn disarm(&mut self) {
        unit::disarm();
        operator::settle(&self.around.paths);
    }

    fn before(&mut self, terms: &Terms) -> Contacts {
        let mesh = self.around.mesh.as_ref();
        let witnesses = mesh.map(|mesh| mesh.before(terms, &self.around)).unwrap_or_default();
        // The git remote counts only where no machine answers.
        let git = witnesses.mesh.is_empty() && self.git(GIT);
        let person = operator::present(&self.around.paths, now());
        Contacts { git, operator: person.is, asked: person.asked, ..witnesses }
    }

    fn renew(&mut self, changes: &[Change]) {
        self.since = now();
        self.renewed = Renewed::by(changes);
    }

    fn after(&mut self, terms: &Terms, before: &Contacts, until: BootTime) -> Contacts {
        let patience = until.since(now());
        let mesh = self.around.mesh.as_ref();
        let asked = mesh.map(|mesh| mesh.after(terms, before, &self.renewed, &self.around, patience));
        let git = before.git && self.git(patience);
        let operator = operator::came(&self.around.paths, self.since, before.asked);
        if before.asked && !operator && before.mesh.is_empty() {
            operator::ask(&self.around.paths, until);
        }
        Contacts { git, operator, ..asked.unwrap_or_default() }
    }

    fn pause(&mut self) {
        std::thread::sleep(PAUSE);
    }

    fn settled(&mut self, node: &NodeName, commit: &Oid) -> Result<(), String> {
        let Some(said) = self.around.mesh.as_ref().and_then(|mesh| mesh.report_of(node)) else {
            return Ok(());
        };
        settled::judge(&said?, commit, &self.around.paths)
    }

    fn warn(&mut self, commit: &Oid) {
        if let Some(mesh) = &self.around.mesh {
            mesh.warn(commit);
        }
    }
}

/// Returns the time since the boot.
pub fn now() -> BootTime {
    let time = clock_gettime(ClockId::Boottime);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    BootTime::after_boot(Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec)))
}

/// Reads how long a stage may stay unproven: a number of seconds that tests and slow links set.
pub(crate) fn patience(paths: &Paths) -> Duration {
    let said = std::fs::read_to_string(paths.absolute("/etc/knarr/guard-seconds"));
    let seconds = said.ok().and_then(|text| text.trim().parse().ok());
    seconds.filter(|seconds| (5..=600).contains(seconds)).map_or(PATIENCE, Duration::from_secs)
}
