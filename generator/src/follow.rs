//! After a push: every machine is asked to run a pass now, until it has converged or only a person can help.

mod cluster;
mod hand;

pub use cluster::{acting, follow_cluster, judge_cluster, show_cluster};
pub use hand::Hand;

use crate::machine::{Machine, MachineError, at_once};
use crate::model::Model;
use crate::ssh::{Ssh, SshError, Target};
use crate::ui::{Live, Ui};
use knarr_node::causes::chain;
use knarr_node::name::{ClusterName, NodeName, Oid};
use knarr_node::report::{ClusterReport, Outcome, Report};
use serde::Serialize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The longest pause before a machine is asked again.
const PAUSE: Duration = Duration::from_secs(8);

/// Between two logins that prove to a machine that people still get in.
const CONTACT: Duration = Duration::from_secs(3);

/// A machine that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Its name.
    pub node: NodeName,
    /// How people reach it.
    pub target: Target,
    /// Whether it is to leave the cluster.
    pub removed: bool,
    /// Whether this program runs on it.
    pub here: bool,
}

/// What became of a commit on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// The machine.
    pub node: NodeName,
    /// The commit that it has applied.
    pub commit: Option<Oid>,
    /// How it stands.
    pub end: End,
    /// What it says of itself, or why it was not asked.
    pub state: String,
    /// What to type, if a person can do something.
    pub way_out: Option<String>,
    /// How Kubernetes' objects and apps stand; only servers say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterReport>,
}

/// How a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It holds what the commit says.
    Converged,
    /// It was removed, and has read so.
    Left,
    /// Only a person helps.
    Stuck,
    /// It goes on trying.
    Trying,
    /// It was not reached from here; it follows by itself.
    NotAsked,
}

/// Returns how a machine stands after a report, when `head` was pushed.
fn stand(report: &Report, head: &Oid, removed: bool) -> End {
    let knows = report.seen.as_ref() == Some(head);
    match &report.outcome {
        Outcome::Stalled { .. } if knows && removed => End::Left,
        Outcome::Converged if report.applied.as_ref() == Some(head) => End::Converged,
        outcome if outcome.passes() => End::Trying,
        Outcome::Waiting(_) | Outcome::Stalled { .. } | Outcome::Undone { .. } | Outcome::Lost(_)
            if knows =>
        {
            End::Stuck
        }
        Outcome::Converged
        | Outcome::Waiting(_)
        | Outcome::Stalled { .. }
        | Outcome::Undone { .. }
        | Outcome::Lost(_)
        | Outcome::Retry { .. } => End::Trying,
    }
}

impl Fate {
    fn of(follower: &Follower, report: &Report, head: &Oid) -> Self {
        let node = follower.node.clone();
        let end = stand(report, head, follower.removed);
        let (state, way_out) = if end == End::Left {
            ("left the cluster".to_owned(), Some(format!("knarr node forget {node}")))
        } else {
            (report.outcome.to_string(), report.outcome.way_out())
        };
        let (commit, cluster) = (report.applied.clone(), report.cluster.clone());
        Self { node, commit, end, state, way_out, cluster }
    }

    fn silent(node: &NodeName, error: &MachineError) -> Self {
        let away = matches!(
            error,
            MachineError::Ssh(SshError::Dial(_) | SshError::Start(_) | SshError::Patience(_))
        );
        let end = if away { End::NotAsked } else { End::Trying };
        let state = chain(error);
        Self { node: node.clone(), commit: None, end, state, way_out: Some(error.help()), cluster: None }
    }

    fn line(&self) -> [String; 3] {
        let commit = self.commit.as_ref().map_or("-", Oid::short).to_owned();
        let state = if self.end == End::NotAsked { "not asked: it follows by itself" } else { &self.state };
        [self.node.to_string(), commit, state.to_owned()]
    }
}

/// Returns the machines that people can reach, those that are to leave too.
pub fn followers(model: &Model) -> Vec<Follower> {
    let nodes = model.nodes.iter();
    let own = own(&model.cluster.name);
    let reached = nodes.filter_map(|(name, node)| {
        let target = node.ssh.as_ref()?.parse().ok()?;
        Some(Follower { node: name.clone(), target, removed: node.removed, here: own.as_ref() == Some(name) })
    });
    reached.collect()
}

/// Returns the name that this machine has in a cluster, if it is one of it; only its root can tell.
fn own(cluster: &ClusterName) -> Option<NodeName> {
    #[derive(serde::Deserialize)]
    struct Named {
        cluster: ClusterName,
        node: NodeName,
    }
    let identity = std::fs::read("/var/lib/knarr/identity.json").ok()?;
    let named: Named = serde_json::from_slice(&identity).ok()?;
    (named.cluster == *cluster).then_some(named.node)
}

/// Asks all machines at once until each has settled, or `patience` is over.
pub fn follow(
    followers: &[Follower],
    head: &Oid,
    patience: Duration,
    ui: &Ui,
) -> Result<Vec<Fate>, SshError> {
    let (ssh, here) = (Ssh::new()?, Ssh::here()?);
    let end = Instant::now() + patience;
    let width = followers.iter().map(|follower| follower.node.as_str().len()).max().unwrap_or_default();
    let lines = ui.lines();
    let all: Vec<(&Follower, Live)> =
        followers.iter().map(|follower| (follower, lines.add(follower.node.as_str(), width))).collect();
    Ok(at_once(&all, |(follower, live)| {
        if follower.here {
            return settle(follower, &Machine { ssh: &here, target: &follower.target }, head, end, live);
        }
        let work = || settle(follower, &Machine { ssh: &ssh, target: &follower.target }, head, end, live);
        while_proving_contact(&follower.target, work)
            .unwrap_or_else(|error| Fate::silent(&follower.node, &error))
    }))
}

/// Does something while the machine hears again and again, by new logins, that people still get in.
///
/// The guard of a machine that changes its network may wait for that. What the machine says to it does not matter.
///
/// # Errors
/// When the first login fails: then nothing was done.
fn while_proving_contact<T>(target: &Target, work: impl FnOnce() -> T) -> Result<T, MachineError> {
    let ssh = Ssh::dialling_anew()?;
    let machine = Machine { ssh: &ssh, target };
    machine.contact()?;
    let (done, ended): (_, Receiver<()>) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(CONTACT) == Err(RecvTimeoutError::Timeout) {
                // One that fails proves nothing; the next one may.
                let _ = machine.contact();
            }
        });
        let worked = work();
        drop(done);
        ssh.stop();
        Ok(worked)
    })
}

/// Asks one machine until it has settled, with growing pauses.
fn settle(follower: &Follower, machine: &Machine<'_>, head: &Oid, end: Instant, live: &Live) -> Fate {
    let mut pause = Duration::from_millis(500);
    let start = Instant::now();
    live.say("a pass runs");
    loop {
        let fate = match machine.once() {
            Ok(report) => Fate::of(follower, &report, head),
            Err(error) => Fate::silent(&follower.node, &error),
        };
        if fate.end != End::Trying || Instant::now() + pause >= end {
            live.say(&format!("{} {:.1} s", fate.state, start.elapsed().as_secs_f32()));
            return fate;
        }
        live.say(&fate.state);
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
    }
}

/// Shows how all machines stand, and what to type where one needs a person.
pub fn show(fates: &[Fate], ui: &Ui) {
    if ui.json() {
        ui.value(&fates);
        return;
    }
    ui.table(["NODE", "COMMIT", "STATE"], &fates.iter().map(Fate::line).collect::<Vec<_>>());
    for fate in fates.iter().filter(|fate| fate.end != End::Converged) {
        if fate.end == End::NotAsked {
            ui.say(format_args!("{}: {}", fate.node, fate.state));
        }
        if let Some(way_out) = &fate.way_out {
            ui.say(format_args!("{}: type `{way_out}`", fate.node));
        }
    }
    if let Some(report) = acting(fates) {
        show_cluster(report, ui);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_node::item;
    use knarr_node::report::Gate;

    fn oid(digit: &str) -> Oid {
        digit.repeat(40).parse().unwrap()
    }

    fn report(outcome: Outcome, seen: &str, applied: &str) -> Report {
        let node: NodeName = "edge".parse().unwrap();
        let (seen, applied) = (Some(oid(seen)), Some(oid(applied)));
        let accepted = oid("a");
        Report {
            node,
            version: "1".to_owned(),
            at: 0,
            seen,
            accepted,
            applied,
            outcome,
            unfetched: None,
            mesh: [].into(),
            items: [].into(),
            quarantined: vec![],
            snapshot: None,
            drift: None,
            cluster: None,
        }
    }

    #[test]
    fn a_machine_has_settled_when_it_knows_the_commit_and_nothing_more_happens_by_itself() {
        let waiting = || Outcome::Waiting(vec![Gate::Known]);
        let comes_first = || {
            let (unit, gate) =
                ("k3s-agent.service".parse().unwrap(), item::Gate::Settled("edge".parse().unwrap()));
            Outcome::Waiting(vec![Gate::Unit { unit, gate, why: "x".to_owned() }])
        };
        let stalled = || Outcome::Stalled { why: "x".to_owned(), way_out: "y".to_owned() };
        let retry = || Outcome::Retry { why: "x".to_owned() };
        let cases = [
            (report(Outcome::Converged, "a", "a"), End::Converged),
            (report(Outcome::Converged, "b", "b"), End::Trying),
            (report(waiting(), "a", "b"), End::Stuck),
            (report(comes_first(), "a", "a"), End::Trying),
            (report(waiting(), "b", "b"), End::Trying),
            (report(stalled(), "a", "b"), End::Stuck),
            (report(stalled(), "b", "b"), End::Trying),
            (report(Outcome::Undone { commit: oid("a") }, "a", "b"), End::Stuck),
            (report(retry(), "a", "a"), End::Trying),
        ];
        for (report, end) in cases {
            assert_eq!(stand(&report, &oid("a"), false), end, "{report:?}");
        }
    }

    #[test]
    fn a_removed_machine_has_left_when_it_says_that_it_stopped_at_the_commit() {
        let stalled = || Outcome::Stalled { why: "x".to_owned(), way_out: "y".to_owned() };
        let retry = || Outcome::Retry { why: "x".to_owned() };
        let cases = [
            (report(stalled(), "a", "b"), End::Left),
            (report(stalled(), "b", "b"), End::Trying),
            (report(Outcome::Converged, "b", "b"), End::Trying),
            (report(retry(), "a", "b"), End::Trying),
        ];
        for (report, end) in cases {
            assert_eq!(stand(&report, &oid("a"), true), end, "{report:?}");
        }
    }
}
