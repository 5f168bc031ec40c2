//! After a push: every machine is asked to run a pass now, until it has converged or only a person can help.

use crate::machine::{Machine, MachineError, at_once};
use crate::model::Model;
use crate::ssh::{Ssh, SshError, Target};
use crate::ui::Ui;
use knarr_node::causes::chain;
use knarr_node::name::{NodeName, Oid};
use knarr_node::report::{Outcome, Report};
use serde::Serialize;
use std::time::{Duration, Instant};

/// The longest pause before a machine is asked again.
const PAUSE: Duration = Duration::from_secs(8);

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
}

/// How a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It holds what the commit says.
    Converged,
    /// Only a person helps.
    Stuck,
    /// It goes on trying.
    Trying,
    /// It was not reached from here; it follows by itself.
    NotAsked,
}

/// Returns how a machine stands after a report, when `head` was pushed.
fn stand(report: &Report, head: &Oid) -> End {
    let knows = report.seen.as_ref() == Some(head);
    match &report.outcome {
        Outcome::Converged if report.applied.as_ref() == Some(head) => End::Converged,
        Outcome::Waiting(_) | Outcome::Stalled { .. } | Outcome::Undone { .. } if knows => End::Stuck,
        Outcome::Converged
        | Outcome::Waiting(_)
        | Outcome::Stalled { .. }
        | Outcome::Undone { .. }
        | Outcome::Retry { .. } => End::Trying,
    }
}

impl Fate {
    fn of(node: &NodeName, report: &Report, head: &Oid) -> Self {
        Self {
            node: node.clone(),
            commit: report.applied.clone(),
            end: stand(report, head),
            state: report.outcome.to_string(),
            way_out: report.outcome.way_out(),
        }
    }

    fn silent(node: &NodeName, error: &MachineError) -> Self {
        let away = matches!(
            error,
            MachineError::Ssh(SshError::Dial(_) | SshError::Start(_) | SshError::Patience(_))
        );
        let end = if away { End::NotAsked } else { End::Trying };
        let state = chain(error);
        Self { node: node.clone(), commit: None, end, state, way_out: Some(error.help()) }
    }

    fn line(&self) -> [String; 3] {
        let commit = self.commit.as_ref().map_or("-", Oid::short).to_owned();
        let state = if self.end == End::NotAsked { "not asked: it follows by itself" } else { &self.state };
        [self.node.to_string(), commit, state.to_owned()]
    }
}

/// Returns the machines that people can reach.
pub fn reachable(model: &Model) -> Vec<(NodeName, Target)> {
    let nodes = model.nodes.iter().filter(|(_, node)| !node.removed);
    nodes.filter_map(|(name, node)| Some((name.clone(), node.ssh.as_ref()?.parse().ok()?))).collect()
}

/// Asks all machines at once until each has settled, or `patience` is over.
pub fn follow(
    nodes: &[(NodeName, Target)],
    head: &Oid,
    patience: Duration,
    ui: &Ui,
) -> Result<Vec<Fate>, SshError> {
    let ssh = Ssh::new()?;
    let end = Instant::now() + patience;
    let progress = ui.progress(format!("{} machines follow {}", nodes.len(), head.short()));
    let fates = at_once(nodes, |(node, target)| {
        let start = Instant::now();
        let fate = settle(node, &Machine { ssh: &ssh, target }, head, end);
        let seconds = start.elapsed().as_secs_f32();
        progress.step(format!("{node}: {} {seconds:.1} s", fate.state));
        fate
    });
    Ok(fates)
}

/// Asks one machine until it has settled, with growing pauses.
fn settle(node: &NodeName, machine: &Machine<'_>, head: &Oid, end: Instant) -> Fate {
    let mut pause = Duration::from_millis(500);
    loop {
        let fate = match machine.once() {
            Ok(report) => Fate::of(node, &report, head),
            Err(error) => Fate::silent(node, &error),
        };
        if fate.end != End::Trying || Instant::now() + pause >= end {
            return fate;
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;
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
            items: [].into(),
        }
    }

    #[test]
    fn a_machine_has_settled_when_it_knows_the_commit_and_nothing_more_happens_by_itself() {
        let waiting = || Outcome::Waiting(vec![Gate::Known]);
        let stalled = || Outcome::Stalled { why: "x".to_owned(), way_out: "y".to_owned() };
        let retry = || Outcome::Retry { why: "x".to_owned() };
        let cases = [
            (report(Outcome::Converged, "a", "a"), End::Converged),
            (report(Outcome::Converged, "b", "b"), End::Trying),
            (report(waiting(), "a", "b"), End::Stuck),
            (report(waiting(), "b", "b"), End::Trying),
            (report(stalled(), "a", "b"), End::Stuck),
            (report(stalled(), "b", "b"), End::Trying),
            (report(Outcome::Undone { commit: oid("a") }, "a", "b"), End::Stuck),
            (report(retry(), "a", "a"), End::Trying),
        ];
        for (report, end) in cases {
            assert_eq!(stand(&report, &oid("a")), end, "{report:?}");
        }
    }
}
