//! What other programs say on an operator's machine: lists of machines, probes, kubeconfigs; and Knarr's records of them.

use super::repository::fine;
use super::{said, same};
use knarr::finding::Findings;
use knarr::import::{
    Change, Format, Machine, Mapping, Record, Sources, difference, machines, read, sources_text,
};
use knarr::spec::{Node, Spec, parse};
use knarr::tame::tame;
use knarr::template::{Texts, record};
use knarr_node::name::RepoPath;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A list of machines, by what it looks like and as each format.
pub(super) fn import(bytes: &[u8]) {
    let formats = [Format::Terraform, Format::Openstack, Format::Hcloud, Format::Csv, Format::WgMeshconf];
    let formats = formats.into_iter().map(Some);
    for format in [None].into_iter().chain(formats) {
        match read(bytes, format) {
            Ok((_, records)) => imported(&records),
            Err(error) => {
                said(&tame(&error.to_string()));
                said(&tame(&error.help()));
            }
        }
    }
}

/// Who imports the same list again finds nothing new in it.
fn imported(records: &[Record]) {
    assert!(!records.is_empty(), "a list without machines is refused");
    let listed = match machines(records, &Mapping::guess(records)) {
        Ok(listed) => listed,
        Err(error) => {
            said(&tame(&error.to_string()));
            said(&tame(&error.help()));
            return;
        }
    };
    assert_eq!(listed.len(), records.len(), "each record is one machine");
    let mut spec = base().clone();
    let known: BTreeSet<String> = listed.iter().map(|machine| machine.name.to_string()).collect();
    for change in difference(&spec, &listed, &known).changes {
        match change {
            Change::New(machine) => {
                spec.described.insert(machine.name.to_string(), node(&machine));
            }
            Change::Moved(name, _, new) => {
                let nodes =
                    if spec.nodes.contains_key(&name) { &mut spec.nodes } else { &mut spec.described };
                nodes.insert(name, *new);
            }
        }
    }
    let left = difference(&spec, &listed, &known);
    assert!(left.changes.is_empty() && left.vanished.is_empty(), "the second import changes {left:?}");
}

fn base() -> &'static Spec {
    static BASE: OnceLock<Spec> = OnceLock::new();
    BASE.get_or_init(|| Spec::of(&fine().inputs, &mut Findings::default()))
}

/// Returns a machine as its file reads.
fn node(machine: &Machine) -> Node {
    let at: RepoPath = format!("nodes/{}.yaml", machine.name).parse().expect("a name has no slash");
    let text = knarr::disk::spec_text(&at, "node", &machine.node()).expect("a machine can be written");
    let read = parse(&at, text.as_bytes()).expect("what was written can be read");
    assert_eq!(machine.node(), read, "what is read is what was written");
    read
}

/// `.knarr/import.yaml`.
pub(super) fn sources(bytes: &[u8]) {
    let at: RepoPath = knarr::import::SOURCES.parse().expect("it is a path");
    match parse::<Sources>(&at, bytes) {
        Ok(sources) => {
            let text = sources_text(&sources).expect("what was read can be written");
            same(&sources, parse(&at, text.as_bytes()));
        }
        Err(finding) => {
            said(&tame(&finding.fault.message()));
            said(&tame(&finding.fault.help()));
        }
    }
}

/// `.knarr/template.yaml`.
pub(super) fn template(bytes: &[u8]) {
    let Ok(texts) = serde_saphyr::from_slice::<Texts>(bytes) else { return };
    same(&texts, serde_saphyr::from_slice(record(&texts).as_bytes()));
}

/// What a machine says before it is believed.
pub(super) fn probe(bytes: &[u8]) {
    match knarr::probe::parse(bytes) {
        Ok(probe) => {
            probe
                .missing
                .iter()
                .chain([&probe.os])
                .chain(&probe.knarrd)
                .for_each(|text| assert!(!text.chars().any(char::is_control)));
        }
        Err(error) => {
            said(&tame(&error.to_string()));
            said(&tame(error.help()));
        }
    }
}

/// A kubeconfig that has other clusters: they stay.
pub(super) fn kubeconfig(bytes: &[u8]) {
    const NEW: &str = "{apiVersion: v1, kind: Config, current-context: harbor, \
        clusters: [{name: harbor, cluster: {certificate-authority-data: AA==}}], \
        contexts: [{name: harbor, context: {cluster: harbor, user: harbor}}], users: [{name: harbor, user: {}}]}";
    let Ok(there) = std::str::from_utf8(bytes) else { return };
    match knarr::kubeconfig::merged(there, NEW) {
        Ok(all) => {
            assert_eq!(all["current-context"], "harbor");
            let text = serde_json::to_string(&all).expect("it is JSON as well");
            same(&all, knarr::kubeconfig::merged(&text, NEW));
        }
        Err(error) => {
            said(&tame(&error.to_string()));
            said(&tame(error.help()));
        }
    }
}
