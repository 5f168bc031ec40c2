//! `knarr status`.

use super::{Done, open};
use crate::accept::{commit, is_ancestor};
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::{Row as Finding, rows};
use crate::follow;
use crate::git::Git;
use crate::heard::{By, Heard, STALE, asked, hear};
use crate::render::compile;
use crate::seal::held::strange;
use crate::ui::{Ui, counted};
use knarr_node::name::{ClusterName, NodeName, Oid, PeerName};
use knarr_node::report::{ClusterReport, Outcome, Report, Tunnel};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Show how all machines stand, and what is still open
///
/// On a machine of the cluster knarrd there is asked, else the first machine that answers by ssh, servers first: it
/// tells what all have reported over the mesh. Who was not heard of lately is asked itself.
/// Exit code 0: all machines have converged, and Kubernetes' objects and apps; 3: one has not, or nobody has heard of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  knarr status\n  knarr status --output json | jq '.nodes[].state'")]
pub(super) struct Args {}

/// How things stand, for programs.
#[derive(Debug, Serialize)]
struct Status {
    /// Who said so.
    by: By,
    nodes: Vec<Row>,
    /// How Kubernetes' objects stand, as the server says that sees to them.
    cluster: Option<ClusterReport>,
    /// What the clone has that machines do not, and what is open, one sentence each.
    open: Vec<String>,
    findings: Vec<Finding>,
}

/// How one machine stands, for programs.
#[derive(Debug, Serialize)]
struct Row {
    node: NodeName,
    commit: Option<Oid>,
    converged: bool,
    /// How many of its tunnels to other machines are up, and how many it has; none when it has no mesh yet.
    mesh: Option<(usize, usize)>,
    state: String,
    /// Seconds since it said so.
    age: Option<u64>,
    way_out: Option<String>,
}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let mut compiled = compile(&repo)?;
    let cluster = compiled.spec.cluster.as_ref().and_then(|cluster| cluster.name.parse::<ClusterName>().ok());
    let cluster = cluster.ok_or_else(|| CliError::user("cluster.yaml cannot be read").help("knarr check"))?;
    let asked = asked(&compiled.spec);
    let progress = ui.progress("asking the machines");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let heard = hear(&cluster, &asked, now)?;
    drop(progress);
    let is_node = |name: &PeerName| asked.iter().any(|asked| PeerName::from(&asked.node) == *name);
    let nodes: Vec<Row> = asked.iter().map(|asked| row(&asked.node, &heard, is_node, now)).collect();
    let cluster = heard.cluster().cloned();
    if let Some(report) = &cluster {
        strange(report, &compiled.inputs, &mut compiled.findings);
    }
    let open = ahead(&repo, &heard)?.into_iter().chain(roamed(&heard, is_node)).collect();
    let status =
        Status { cluster, open, findings: rows(&compiled.findings, &compiled.inputs), by: heard.by, nodes };
    show(&status, ui);
    judge(&status.nodes, status.cluster.as_ref())
}

fn row(node: &NodeName, heard: &Heard, is_node: impl Fn(&PeerName) -> bool, now: u64) -> Row {
    let silent = heard.silent.get(node).cloned().unwrap_or_default();
    match heard.reports.get(node) {
        None => Row {
            node: node.clone(),
            commit: None,
            converged: false,
            mesh: None,
            state: format!("not heard of: {silent}"),
            age: None,
            way_out: None,
        },
        Some(report) => said(report, is_node, now.saturating_sub(report.at)),
    }
}

/// Returns how a machine stands by its report; `is_node` tells machines from devices, which come and go.
fn said(report: &Report, is_node: impl Fn(&PeerName) -> bool, age: u64) -> Row {
    let tunnels: Vec<&Tunnel> =
        report.mesh.iter().filter(|(name, _)| is_node(name)).map(|(_, tunnel)| tunnel).collect();
    let up = tunnels.iter().filter(|tunnel| tunnel.is_up()).count();
    let news = if age < STALE { String::new() } else { format!(", {} min ago", age / 60) };
    Row {
        node: report.node.clone(),
        commit: report.applied.clone(),
        converged: report.outcome == Outcome::Converged && age < STALE,
        mesh: (!tunnels.is_empty()).then_some((up, tunnels.len())),
        state: format!("{}{news}", report.line()),
        age: Some(age),
        way_out: report.outcome.way_out(),
    }
}

/// Says what this clone has that machines do not, and the other way round.
fn ahead(repo: &Repo, heard: &Heard) -> Result<Vec<String>, CliError> {
    let git = Git::at(repo.root());
    let Some(tip) = commit(&git, "HEAD")? else {
        return Ok(vec!["nothing is committed here yet".to_owned()]);
    };
    let mut open = Vec::new();
    if git.is_dirty()? {
        open.push("there are changes here that are not committed: knarr ship".to_owned());
    }
    let accepted: std::collections::BTreeSet<&Oid> =
        heard.reports.values().map(|report| &report.accepted).collect();
    for id in accepted.into_iter().filter(|id| **id != tip) {
        if commit(&git, id.as_str())?.is_none() {
            open.push(format!("machines have {}, which is not here: git pull", id.short()));
        } else if is_ancestor(&git, id, &tip)? {
            let count = git.run(&["rev-list", "--count", "--first-parent", &format!("{id}..{tip}")])?;
            let count = counted(count.parse().unwrap_or_default(), "commit");
            open.push(format!("here is {count} more than {}, which machines have: knarr ship", id.short()));
        } else if !is_ancestor(&git, &tip, id)? {
            open.push(format!("machines have {}, which the history here has lost: knarr mend", id.short()));
        }
    }
    Ok(open)
}

/// Says which machines are reached elsewhere than the repository says: WireGuard hides that until both ends reboot.
fn roamed(heard: &Heard, is_node: impl Fn(&PeerName) -> bool) -> Vec<String> {
    let tunnels = heard.reports.values().flat_map(|report| {
        report.mesh.iter().filter_map(|(name, tunnel)| Some((&report.node, name, tunnel.roamed.as_ref()?)))
    });
    let line = |(from, name, at): (&NodeName, &PeerName, &String)| {
        format!("{from} reaches {name} at {at}, and nodes/{name}.yaml says another `address`")
    };
    tunnels.filter(|(_, name, _)| is_node(name)).map(line).collect()
}

fn show(status: &Status, ui: &Ui) {
    if ui.json() {
        ui.value(status);
        return;
    }
    if status.nodes.is_empty() {
        ui.say("no machines yet: knarr node add NAME=USER@HOST");
    } else {
        let line = |row: &Row| {
            let commit = row.commit.as_ref().map_or("-", Oid::short).to_owned();
            let mesh = row.mesh.map_or("-".to_owned(), |(up, all)| format!("{up}/{all}"));
            [row.node.to_string(), commit, mesh, row.state.clone()]
        };
        ui.table(["NODE", "COMMIT", "MESH", "STATE"], &status.nodes.iter().map(line).collect::<Vec<_>>());
        if let Some(cluster) = &status.cluster {
            follow::show_cluster(cluster, ui);
        }
        ui.say(match &status.by {
            By::Here => "said by knarrd here".to_owned(),
            By::Node(node) => format!("said by {node}"),
            By::Each => "said by each for itself: no machine answered for all".to_owned(),
        });
    }
    for (way_out, nodes) in ways_out(&status.nodes) {
        ui.say(format_args!("{}: type `{way_out}`", nodes.join(", ")));
    }
    for open in &status.open {
        ui.say(open);
    }
    show_findings(&status.findings, ui);
}

/// Shows findings without their excerpts.
pub(super) fn show_findings(findings: &[Finding], ui: &Ui) {
    for finding in findings {
        ui.say(format_args!("{} {} {}: {}", finding.severity, finding.code, finding.file, finding.message));
        ui.say(format_args!("     {}", finding.help));
    }
}

/// Returns each line to type with the machines that ask for it.
fn ways_out(rows: &[Row]) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(way_out) = &row.way_out {
            all.entry(way_out).or_default().push(row.node.as_str());
        }
    }
    all
}

fn judge(rows: &[Row], cluster: Option<&ClusterReport>) -> Result<Done, CliError> {
    let open = rows.iter().filter(|row| !row.converged).count();
    if open > 0 {
        return Err(CliError::environment(format!(
            "{open} of {} machines have not converged, or were not heard of",
            rows.len()
        ))
        .help("on a machine: knarrd status, and journalctl -u knarrd"));
    }
    cluster.map_or(Ok(()), follow::judge_cluster)?;
    Ok(Done::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_node::report::Gate;

    fn report(outcome: &Outcome, at: u64) -> Report {
        let id: Oid = "a".repeat(40).parse().expect("it is a commit id");
        serde_json::from_value(serde_json::json!({
            "node": "edge", "version": "1", "at": at, "seen": id, "accepted": id, "applied": id,
            "outcome": outcome, "items": {},
            "mesh": {"attic": {"handshake": 181}, "worker": {"handshake": 180, "roamed": "192.0.2.1:51821"}, "x1": {"handshake": null}},
        }))
        .expect("it is a report")
    }

    fn is_node(name: &PeerName) -> bool {
        name.as_str() != "x1"
    }

    #[test]
    fn old_news_do_not_count_as_converged_and_say_so() {
        let row = said(&report(&Outcome::Converged, 1000), is_node, 30);
        assert_eq!((row.converged, row.state.as_str()), (true, "converged"));
        let row = said(&report(&Outcome::Converged, 1000), is_node, 1800);
        assert_eq!((row.converged, row.state.as_str()), (false, "converged, 30 min ago"));
    }

    #[test]
    fn tunnels_to_machines_are_counted_and_those_that_lead_elsewhere_are_named() {
        let report = report(&Outcome::Converged, 0);
        assert_eq!(said(&report, is_node, 0).mesh, Some((1, 2)));
        let heard = Heard { reports: [(report.node.clone(), report)].into(), ..Heard::default() };
        let said = roamed(&heard, is_node);
        assert_eq!(
            said,
            ["edge reaches worker at 192.0.2.1:51821, and nodes/worker.yaml says another `address`"]
        );
    }

    #[test]
    fn what_stays_in_quarantine_is_named_and_no_fault() {
        let commit: Oid = "b".repeat(40).parse().expect("it is a commit id");
        let quarantine =
            serde_json::json!({"digest": format!("sha256:{}", "1".repeat(64)), "commit": commit, "why": ""});
        let quarantined = vec![serde_json::from_value(quarantine).expect("it is a quarantine")];
        let row = said(&Report { quarantined, ..report(&Outcome::Converged, 0) }, is_node, 0);
        assert_eq!((row.converged, row.state.as_str()), (true, "converged, in quarantine: bbbbbbb"));
    }

    #[test]
    fn each_line_to_type_is_said_once_for_all_machines_that_ask_for_it() {
        let waiting =
            Outcome::Waiting(vec![Gate::Signature { commits: 2, why: "it is not signed".to_owned() }]);
        let rows = [0, 1].map(|at| said(&report(&waiting, at), is_node, 0));
        assert_eq!(ways_out(&rows), [("knarr approve", vec!["edge", "edge"])].into());
        assert!(judge(&rows, None).is_err() && judge(&[], None).is_ok());
    }
}
