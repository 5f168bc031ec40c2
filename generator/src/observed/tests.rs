use super::*;
use crate::git::Side;
use serde_json::json;

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";
const LOST: &str = "3333333333333333333333333333333333333333";

/// A render of two machines with this message of the day.
fn world(motd: &str) -> World {
    let mesh = "format: 1\ndomain: harbor.example\nnetwork: 10.210.0.0/16\npods: 10.42.0.0/16\nservices: 10.43.0.0/16\nport: 51821\nmtu: 1380\nnodes:\n  edge: {ip: 10.210.0.1, key: \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\", role: server, at: [\"203.0.113.7:51821\"]}\n  worker: {ip: 10.210.0.2, key: \"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\", at: [\"198.51.100.4:51821\"]}\npeers: {}\n";
    let state = |node: &str| {
        format!(
            "knarr: {{format: 1, version: 1.0.0}}\nnode: {node}\ngit: {{remotes: [], branch: main}}\n\
             mesh: {{device: knarr0}}\nfirewall: {{ssh: mesh}}\nitems:\n- file: {{path: /etc/motd, text: {motd}}}\n"
        )
    };
    let files = [
        ("rendered/mesh.yaml", mesh.to_owned()),
        ("rendered/nodes/edge.yaml", state("edge")),
        ("rendered/nodes/worker.yaml", state("worker")),
    ];
    let files: Side = files.map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).into();
    World::of_files(files).unwrap()
}

fn render(commit: &Oid) -> Result<World, String> {
    match commit.as_str() {
        OLD => Ok(world("old")),
        NEW => Ok(world("new")),
        _ => Err(format!("its commit {} is not here: git fetch", commit.short())),
    }
}

/// A report as a machine sends it, at second 1000.
fn report(node: &str, applied: Option<&str>) -> serde_json::Value {
    json!({"node": node, "version": "1", "at": 1000, "seen": NEW, "accepted": NEW, "applied": applied, "outcome": "converged", "items": {}})
}

fn observed(reports: &[serde_json::Value], silent: &[&str], now: u64) -> Observed {
    let reports = reports.iter().map(|report| serde_json::from_value::<Report>(report.clone()).unwrap());
    let heard = Heard {
        reports: reports.map(|report| (report.node.clone(), report)).collect(),
        silent: silent.iter().map(|node| (node.parse().unwrap(), "no route".to_owned())).collect(),
        ..Heard::default()
    };
    let nodes = ["edge", "worker"].map(|node| node.parse().unwrap());
    observe(&heard, &nodes, &world("new"), render, now)
}

fn lines(observed: &Observed) -> Vec<String> {
    let rows = observed.plan.nodes.iter();
    rows.flat_map(|row| row.lines.iter().map(|line| format!("{}: {}", row.node, line.change))).collect()
}

#[test]
fn each_machine_goes_on_from_its_own_commit() {
    let seen = observed(&[report("edge", Some(NEW)), report("worker", Some(OLD))], &[], 1012);
    assert_eq!(lines(&seen), ["worker: change path /etc/motd"]);
    assert_eq!(seen.nodes[0].state, "converged, 12 s ago");
    assert!(!seen.is_empty() && seen.untold() == 0);
    let done = observed(&[report("edge", Some(NEW)), report("worker", Some(NEW))], &[], 1012);
    assert!(done.is_empty() && done.plan.notes.is_empty(), "{done:?}");
}

#[test]
fn a_machine_that_applied_nothing_yet_is_new() {
    let seen = observed(&[report("edge", Some(NEW)), report("worker", None)], &[], 1012);
    let row = &seen.plan.nodes[0];
    assert_eq!((row.node.as_str(), row.fate), ("worker", crate::plan::Fate::New));
}

#[test]
fn what_is_not_as_it_should_be_is_told_with_its_reason() {
    let mut edge = report("edge", Some(NEW));
    edge["items"] = json!({
        "path /etc/motd": "differs", "unit hello.service": {"failed": "it exits"}, "unit k3s.service": "held",
        "table knarr": {"unknown": "nft does not answer"}, "dir /etc/x": {"strangers": ["a", "b"]}
    });
    edge["quarantined"] =
        json!([{"digest": format!("sha256:{}", "1".repeat(64)), "commit": OLD, "why": "lost worker"}]);
    let seen = observed(&[edge, report("worker", Some(NEW))], &[], 1012);
    let told: Vec<String> =
        seen.nodes[0].differs.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
    assert_eq!(
        told,
        [
            "path /etc/motd: shows something else after its change",
            "dir /etc/x: these lie there too: a, b",
            "unit hello.service: its change failed: it exits",
            "unit k3s.service: is not tried for now",
            "table knarr: cannot be seen: nft does not answer",
        ]
    );
    assert_eq!(seen.nodes[0].quarantined[0].why, "lost worker");
    assert!(!seen.is_empty() && seen.plan.is_empty());
}

#[test]
fn of_whom_nobody_heard_nothing_is_said() {
    let seen = observed(&[report("edge", Some(OLD))], &["worker"], 1012);
    assert_eq!(lines(&seen), ["edge: change path /etc/motd"]);
    let worker = &seen.nodes[1];
    assert_eq!((worker.state.as_str(), worker.age, seen.untold()), ("not heard of: no route", None, 1));
    let lost = observed(&[report("edge", Some(NEW)), report("worker", Some(LOST))], &[], 1012);
    assert_eq!(lost.nodes[1].untold.as_deref(), Some("its commit 3333333 is not here: git fetch"));
    assert!(lost.plan.is_empty());
}

#[test]
fn news_of_yesterday_say_so_and_why_there_are_no_newer_ones() {
    let seen = observed(&[report("edge", Some(OLD)), report("worker", Some(NEW))], &["edge"], 2800);
    assert_eq!(seen.nodes[0].state, "converged, 30 min ago; not heard of since: no route");
    assert_eq!(seen.nodes[1].state, "converged, 30 min ago");
    assert_eq!(lines(&seen), ["edge: change path /etc/motd"]);
}

#[test]
fn what_a_machine_mended_by_itself_is_told_and_is_no_change_to_come() {
    let mut edge = report("edge", Some(NEW));
    edge["drift"] = json!({"at": 900, "items": ["path /etc/motd"]});
    let seen = observed(&[edge, report("worker", Some(NEW))], &[], 1012);
    let mended = seen.nodes[0].mended.as_ref().unwrap();
    assert_eq!((mended.at, mended.items[0].to_string()), (900, "path /etc/motd".to_owned()));
    assert!(seen.is_empty() && seen.nodes[1].mended.is_none());
}
