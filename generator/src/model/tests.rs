//! What a repository means. What is wrong with one, tests/cases/invalid says: a folder for each mistake.

use crate::disk::{Inputs, Repo};
use crate::finding::{self, Findings};
use crate::model::Model;
use crate::spec::Spec;
use knarr_node::name::RepoPath;

mod apps;
mod k3s;
mod network;

fn example() -> Inputs {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/three-machines");
    Repo::at(root).inputs().unwrap()
}

fn check(inputs: &Inputs) -> (Findings, Option<Model>) {
    let mut findings = Findings::default();
    let spec = Spec::of(inputs, &mut findings);
    let model = Model::of(&spec, inputs, &mut findings);
    (findings, model)
}

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

/// A mistake: in this file, this text becomes that one.
struct Slip(&'static str, &'static str, &'static str);

impl Slip {
    fn make(&self, inputs: &mut Inputs) {
        let Self(file, from, to) = self;
        let text = inputs.text(file).unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from:?}");
        let text = if from.is_empty() { (*to).to_owned() } else { text.replacen(from, to, 1) };
        inputs.files.insert(path(file), text.into_bytes());
    }
}

#[test]
fn the_example_has_no_finding() {
    let (findings, model) = check(&example());
    assert_eq!(finding::text(&findings, &example(), false), "\n");
    assert_eq!(model.unwrap().nodes.len(), 3);
}

/// Returns the whole line of a file that has `key`, without its line feed.
fn line_of(file: &str, key: &str) -> &'static str {
    let inputs = example();
    let line = inputs.text(file).unwrap().lines().find(|line| line.contains(key)).unwrap().to_owned();
    line.leak()
}

#[test]
fn a_file_that_was_not_read_for_its_size_is_said() {
    let mut inputs = example();
    inputs.large.push((path("host/big"), 2 << 20));
    let codes: Vec<&str> = check(&inputs).0.iter().map(|finding| finding.fault.code()).collect();
    assert_eq!(codes, ["KN0112"]);
}

#[test]
fn a_node_wins_over_the_cluster_for_the_same_file() {
    let (_, model) = check(&example());
    let states = crate::lower::states(&model.unwrap());
    let motd = |node: &str| {
        let state = &states[node];
        let text = serde_json::to_string(&state.items).unwrap();
        text.contains("This is edge.")
    };
    assert!(motd("edge") && !motd("worker"));
}

#[test]
fn all_that_machines_read_is_written_in_one_format() {
    let mut model = check(&example()).1.unwrap();
    model.envelope.format = 7;
    let tree = crate::lower::lower(&model).tree;
    let text = |path: &str| match tree.0.get(&self::path(path)) {
        Some(crate::emit::Output::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let read = ["mesh.yaml", "cluster.yaml", "nodes/attic.yaml", "nodes/edge.yaml", "nodes/worker.yaml"];
    for path in read.map(|path| format!("rendered/{path}")) {
        let text = text(&path);
        assert!(text.contains("format: 7") && !text.contains("format: 1"), "{path}: {text}");
    }
}

#[test]
fn codes_are_told_apart() {
    let source = include_str!("../finding/fault.rs");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("KN0"))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    let once: std::collections::BTreeSet<&str> = codes.iter().copied().collect();
    assert!(codes.len() > 35 && once.len() == codes.len());
}
