//! How all machines are, as this one has heard: its own last report, and those that others signed.

use super::age;
use crate::identity::Identity;
use crate::listener::Place;
use crate::listener::client::{Client, Method};
use crate::listener::report::{self, Heard};
use crate::paths::Paths;
use jiff::civil::Date;
use knarr_node::name::{NodeName, PeerName};
use knarr_node::report::{ClusterReport, Report, Tunnel};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// So long one server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many servers are asked, one after the other.
const MOST: usize = 3;

/// What is known of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it said last.
    pub report: Report,
    /// When that was heard, in seconds since 1970 by the clock of who heard it.
    pub heard: u64,
}

/// The machines of the cluster, and what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct All {
    /// All that the last applied commit lists.
    pub nodes: Vec<NodeName>,
    /// Those that were heard of.
    pub known: BTreeMap<NodeName, Known>,
}

/// Collects what is known here; who is not told everybody's reports asks a server for them.
pub fn all(paths: &Paths, identity: &Identity) -> All {
    // Only nodes are asked, and their time never ends.
    let place = identity.applied.as_ref().and_then(|it| Place::at(it, identity, paths, Date::MIN));
    let mut heard = report::all(paths);
    if let Some(place) = place.as_ref().filter(|place| !place.keeps()) {
        for (node, told) in told(place, paths) {
            let newer = |kept: &Heard| kept.report().is_none_or(|kept| told.report.at > kept.at);
            if heard.get(&node).is_none_or(newer) {
                heard.insert(node, told.heard);
            }
        }
    }
    let known = heard
        .into_iter()
        .filter_map(|(node, heard)| Some((node, Known { report: heard.report()?, heard: heard.heard })));
    let mut known: BTreeMap<NodeName, Known> = known.collect();
    if let Ok(Some(own)) = super::read(paths) {
        let mesh = known.remove(&own.node).map(|known| known.report.mesh).unwrap_or_default();
        known.insert(own.node.clone(), Known { heard: own.at, report: Report { mesh, ..own } });
    }
    let nodes = place.map_or_else(Vec::new, |place| place.directory.nodes.keys().cloned().collect());
    All { nodes, known }
}

/// A report that a server told, checked.
struct Told {
    report: Report,
    heard: Heard,
}

/// Asks servers until one tells.
fn told(place: &Place, paths: &Paths) -> BTreeMap<NodeName, Told> {
    let client: Client = place.client();
    let ask = |to| {
        let answer = client.ask(to, Method::GET, "/v1/reports", None::<&()>, PATIENCE).ok()?;
        serde_json::from_slice::<BTreeMap<NodeName, Heard>>(&answer).ok()
    };
    let reports = place.keepers().take(MOST).find_map(|(_, to)| ask(to)).unwrap_or_default();
    let checked = |(node, heard): (NodeName, Heard)| {
        let report = heard.signed.by(&node, place, paths).ok()??;
        Some((node, Told { report, heard }))
    };
    reports.into_iter().filter_map(checked).collect()
}

/// Returns it as a table for people; `now` is in seconds since 1970.
pub fn text(all: &All, now: u64) -> String {
    let mut rows = vec![["NODE", "COMMIT", "MESH", "STATE"].map(str::to_owned)];
    rows.extend(all.known.iter().map(|(node, known)| row(all, node, known, now)));
    let silent = all.nodes.iter().filter(|node| !all.known.contains_key(*node));
    rows.extend(silent.map(|node| [node.as_str(), "-", "-", "not heard of yet"].map(str::to_owned)));
    rows[1..].sort();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [node, commit, mesh] = [0, 1, 2].map(width);
    let mut text = String::new();
    for [a, b, c, d] in &rows {
        writeln!(text, "{a:node$}  {b:commit$}  {c:mesh$}  {d}").expect("a String takes all");
    }
    if let Some(cluster) = cluster(all) {
        text.extend(cluster.lines().map(|line| line + "\n"));
    }
    text
}

/// Returns what the server says that sees to the cluster's objects, or that tries to.
fn cluster(all: &All) -> Option<&ClusterReport> {
    let there = all.known.values().filter_map(|known| Some((known.heard, known.report.cluster.as_ref()?)));
    ClusterReport::acting(there)
}

/// Devices sleep without harm: of tunnels, only those to nodes count.
fn row(all: &All, node: &NodeName, Known { report, heard }: &Known, now: u64) -> [String; 4] {
    let commit = report.applied.as_ref().map_or("-", |commit| commit.short()).to_owned();
    let is_node = |peer: &PeerName| all.nodes.iter().any(|node| node.as_str() == peer.as_str());
    let tunnels: Vec<&Tunnel> =
        report.mesh.iter().filter(|(peer, _)| is_node(peer)).map(|(_, tunnel)| tunnel).collect();
    let answered = tunnels.iter().filter(|tunnel| tunnel.is_up()).count();
    let mesh = if tunnels.is_empty() { "-".to_owned() } else { format!("{answered}/{}", tunnels.len()) };
    let state = format!("{}, said {} ago", report.line(), age(now.saturating_sub(*heard)));
    [node.to_string(), commit, mesh, state]
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_node::name::Digest;
    use knarr_node::report::{AppOutcome, AppReport, ClusterOutcome, Outcome, Quarantine};

    #[test]
    fn the_table_has_a_line_for_each_machine_and_says_how_old_it_is() {
        let report = |node: &str, mesh: &[(&str, Option<u64>)]| Report {
            node: node.parse().unwrap(),
            version: "1.0.0".into(),
            at: 7,
            seen: None,
            accepted: "1".repeat(40).parse().unwrap(),
            applied: Some("1".repeat(40).parse().unwrap()),
            outcome: Outcome::Converged,
            unfetched: None,
            items: [].into(),
            mesh: mesh
                .iter()
                .map(|(peer, handshake)| {
                    (peer.parse().unwrap(), Tunnel { handshake: *handshake, roamed: None })
                })
                .collect(),
            quarantined: [].into(),
            snapshot: None,
            drift: None,
            cluster: None,
        };
        let tunnels = [("attic", Some(181)), ("worker", Some(180)), ("laptop", None)];
        let edge = Known { report: report("edge", &tunnels), heard: 1000 };
        let quarantine = Quarantine {
            digest: Digest::of_sha256(&[1; 32]),
            commit: "2".repeat(40).parse().unwrap(),
            why: "`attic` answers no more over the mesh".into(),
        };
        let quarantined = vec![quarantine];
        let worker = Known { report: Report { quarantined, ..report("worker", &[]) }, heard: 100 };
        let all = All {
            nodes: ["attic", "edge", "worker"].map(|name| name.parse().unwrap()).into(),
            known: [("edge", edge), ("worker", worker)]
                .map(|(name, known)| (name.parse().unwrap(), known))
                .into(),
        };
        let lines = [
            "NODE    COMMIT   MESH  STATE",
            "attic   -        -     not heard of yet",
            "edge    1111111  1/2   converged, said 40 s ago",
            "worker  1111111  -     converged, in quarantine: 2222222, said 15 min ago",
        ];
        assert_eq!(text(&all, 1040), lines.join("\n") + "\n");
        let mut all = all;
        let says = |how| {
            let commit = "1".repeat(40).parse().unwrap();
            let app = AppReport { how: AppOutcome::Healthy, said: "Synced, Healthy".into(), urls: vec![] };
            let apps = [("shop".to_owned(), app)].into();
            let strange_keys = [].into();
            Some(ClusterReport { by: Some("edge".parse().unwrap()), commit, how, apps, strange_keys })
        };
        for (node, how) in [("edge", ClusterOutcome::Converged), ("worker", ClusterOutcome::Elsewhere)] {
            all.known.get_mut(node).unwrap().report.cluster = says(how);
        }
        assert!(
            text(&all, 1040)
                .ends_with("\ncluster: converged at 1111111 by edge\napp shop: Synced, Healthy\n")
        );
    }
}
