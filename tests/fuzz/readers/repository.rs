//! Files of a repository: each in its place among those of tests/cases/base, read by the whole compiler.

use super::{said, same, top};
use knarr::disk::{Inputs, Repo, spec_text};
use knarr::edit::{with_keys, with_remotes, with_removed};
use knarr::emit::{Known, Line, Near, Output, Tree, diff, outputs, yaml};
use knarr::finding::{self, Findings};
use knarr::lower::lower;
use knarr::plan::{World, between};
use knarr::render::{Compiled, prove};
use knarr::spec::{App, Cluster, Keys, Lock, Node, Peer, Person, parse, parse_objects};
use knarr_node::mesh::{Directory, Listing};
use knarr_node::name::RepoPath;
use knarr_node::outputs::{self as list, Outputs};
use knarr_node::state::{ClusterState, NodeState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::OnceLock;

/// A repository without a mistake, and what it is rendered to.
pub(super) struct Fine {
    pub(super) inputs: Inputs,
    tree: Tree,
    rendered: BTreeMap<RepoPath, Vec<u8>>,
    pub(super) directory: Directory,
}

/// What stands for encrypted bytes.
const SEALED: &[u8] = b"sealed";

pub(super) fn fine() -> &'static Fine {
    static FINE: OnceLock<Fine> = OnceLock::new();
    FINE.get_or_init(|| {
        let inputs = Repo::at(top().join("tests/cases/base")).inputs().expect("the cases have a base");
        let model = prove(inputs.clone()).model.expect("the base has no mistake");
        let tree = lower(&model).tree;
        let rendered = texts(&tree);
        Fine { inputs, tree, rendered, directory: model.directory }
    })
}

/// Returns what is rendered, with a list of outputs; what would be sealed is a word.
fn texts(tree: &Tree) -> BTreeMap<RepoPath, Vec<u8>> {
    let text = |output: &Output| match output {
        Output::Text(text) => text.clone().into_bytes(),
        Output::Sealed(_) => SEALED.to_vec(),
    };
    let mut texts: BTreeMap<_, _> = tree.0.iter().map(|(path, it)| (path.clone(), text(it))).collect();
    let sealed = |(path, it): (&RepoPath, &Output)| match it {
        Output::Text(_) => None,
        Output::Sealed(_) => Some((path.clone(), SEALED.to_vec())),
    };
    let sealed = tree.0.iter().filter_map(sealed).collect();
    let list = outputs(tree, &BTreeMap::new(), &sealed);
    texts.insert(path(list::PATH), list.into_bytes());
    texts
}

fn path(text: &str) -> RepoPath {
    text.parse().expect("it is a path")
}

/// Puts bytes in the place of a file that people write, and compiles the repository: what is wrong is said with its place, and
/// what comes of it can be read by machines.
fn compiled(at: &RepoPath, bytes: &[u8]) {
    let mut inputs = fine().inputs.clone();
    inputs.files.insert(at.clone(), bytes.to_vec());
    let Compiled { inputs, findings, model, .. } = prove(inputs);
    all_said(&findings, &inputs);
    assert_eq!(model.is_none(), findings.refuse(), "a model is what has no mistake");
    let Some(model) = model else { return };
    let rendered = texts(&lower(&model).tree);
    for (path, bytes) in &rendered {
        match path.as_str() {
            "rendered/mesh.yaml" => again::<Listing>(bytes),
            "rendered/cluster.yaml" => again::<ClusterState>(bytes),
            list::PATH => again::<Outputs>(bytes),
            path if path.starts_with("rendered/nodes/") && bytes != SEALED => again::<NodeState>(bytes),
            _ => {}
        }
    }
    assert!(World::of_files(rendered).is_ok(), "a plan reads what was rendered");
}

/// Proves that what is wrong is said to each kind of reader, and that each place lies within its file.
fn all_said(findings: &Findings, inputs: &Inputs) {
    for finding in findings.iter() {
        let [message, help] = [finding.fault.message(), finding.fault.help()];
        assert!(!message.is_empty() && !help.is_empty(), "{finding:?} says why, and what to type");
        let Some((start, end)) = finding.place.span else { continue };
        let text = inputs.text(finding.place.path.as_str()).expect("only a text has places");
        assert!(text.get(start..end).is_some(), "{finding:?} is outside of its file");
    }
    let (text, rows) = (finding::text(findings, inputs, false), finding::rows(findings, inputs));
    assert_eq!(text.trim().is_empty(), rows.is_empty(), "people and programs are told");
    assert_eq!(rows.len(), findings.iter().count());
    if !rows.is_empty() {
        said(&text);
    }
    let _ = finding::gitlab(&rows);
    for row in &rows {
        let line = finding::github(row);
        assert!(!line.contains(['\n', '\r']), "an annotation is one line: {line:?}");
    }
}

/// Proves that machines can read what was rendered, and that it says the same when it is written again.
fn again<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let read = |bytes: &[u8]| serde_saphyr::from_slice::<T>(bytes).expect("what is rendered can be read");
    let first = read(bytes);
    let text = yaml::to_string(&first, Line::Fits).expect("what was read can be written");
    let json = |value: &T| serde_json::to_string(value).expect("it is JSON as well");
    assert_eq!(json(&first), json(&read(text.as_bytes())), "what is written is what was read");
}

/// Reads a file as its type, and proves that Knarr writes what it reads.
fn written<T>(at: &RepoPath, bytes: &[u8]) -> Option<T>
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let read: T = parse(at, bytes).ok()?;
    let text = spec_text(at, "any", &read).expect("what was read can be written");
    same(&read, parse(at, text.as_bytes()));
    Some(read)
}

pub(super) fn cluster(bytes: &[u8]) {
    let at = path("cluster.yaml");
    compiled(&at, bytes);
    let Some(cluster) = written::<Cluster>(&at, bytes) else { return };
    let text = std::str::from_utf8(bytes).expect("it was read");
    for url in ["git@git.example:me/harbor.git", "/srv/ha: rbor"] {
        let Ok(edited) = with_remotes(&at, text, &cluster, url) else { continue };
        let edited: Cluster = parse(&at, edited.as_bytes()).expect("an edited file can be read");
        assert_eq!(edited.git.remotes[0].value, url);
    }
}

pub(super) fn lock(bytes: &[u8]) {
    let at = path("knarr.lock");
    compiled(&at, bytes);
    written::<Lock>(&at, bytes);
}

pub(super) fn node(bytes: &[u8]) {
    let at = path("nodes/edge.yaml");
    compiled(&at, bytes);
    let Some(node) = written::<Node>(&at, bytes) else { return };
    let text = std::str::from_utf8(bytes).expect("it was read");
    let read = |text: String| parse::<Node>(&at, text.as_bytes()).expect("an edited file can be read");
    let [machine, age, wireguard, ssh] = ["12e4", "age1new", "new=", "ssh-ed25519 BBBB"].map(Into::into);
    let keys = Keys { machine, age, wireguard, ssh };
    if let Some(edited) = with_keys(&at, text, &node, &keys) {
        assert_eq!(read(edited).keys, keys);
    }
    if let Some(edited) = with_removed(&at, text, &node) {
        assert!(read(edited).removed);
    }
}

pub(super) fn peer(bytes: &[u8]) {
    let at = path("peers/x1.yaml");
    compiled(&at, bytes);
    written::<Peer>(&at, bytes);
}

pub(super) fn person(bytes: &[u8]) {
    let at = path("people/me.yaml");
    compiled(&at, bytes);
    written::<Person>(&at, bytes);
}

pub(super) fn app(bytes: &[u8]) {
    let at = path("apps/shop.yaml");
    compiled(&at, bytes);
    written::<App>(&at, bytes);
}

pub(super) fn manifest(bytes: &[u8]) {
    objects("apps/shop/deployment.yaml", bytes);
}

pub(super) fn sealed(bytes: &[u8]) {
    objects("sealed/mail/smtp.sealed.yaml", bytes);
}

/// Objects of Kubernetes are emitted anew: they are the same then.
fn objects(at: &str, bytes: &[u8]) {
    let at = path(at);
    compiled(&at, bytes);
    let Ok(objects) = parse_objects(&at, bytes) else { return };
    if !bytes.contains(&b'*') {
        assert_eq!(objects, whole(bytes), "what is not read from events has been read so");
    }
    for object in objects {
        let text = yaml::to_string(&object, Line::Fits).expect("what was read can be written");
        same(&vec![object], parse_objects(&at, text.as_bytes()));
    }
}

/// Returns what the reader of all YAML says of objects: see ADR 0024. What has an alias is its own, and may take it seconds.
fn whole(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(bytes).expect("it was read");
    let options =
        serde_saphyr::options! { emit_comments: false, strict_booleans: true, legacy_octal_numbers: true };
    serde_saphyr::from_multiple_with_options(text, options).expect("it was read")
}

pub(super) fn authority(bytes: &[u8]) {
    compiled(&path("secrets/server-ca.crt"), bytes);
}

pub(super) fn certificate(bytes: &[u8]) {
    compiled(&path("secrets/sealing.crt"), bytes);
}

pub(super) fn text(bytes: &[u8]) {
    compiled(&path("host/motd"), bytes);
}

pub(super) fn known_hosts(bytes: &[u8]) {
    compiled(&path(".knarr/known_hosts"), bytes);
}

pub(super) fn deploy_key(bytes: &[u8]) {
    compiled(&path(".knarr/deploy.pub"), bytes);
}

/// What a file is called, wherever it lies.
pub(super) fn name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(at) = text.parse::<RepoPath>() else { return };
    assert_eq!(at.to_string(), text);
    assert!(!text.split('/').any(|part| [".", "..", ""].contains(&part)), "{text:?} leads elsewhere");
    for at in [at.clone(), path("secrets/x.age"), path("nodes/x.yaml")] {
        let folder = at.as_str().split_once('/').map_or("apps", |(folder, _)| folder);
        let Ok(beside) = format!("{folder}/{text}").parse() else { continue };
        compiled(&beside, b"{}");
    }
    compiled(&at, b"");
}

/// The list of outputs, which says what a person edited.
pub(super) fn owned(bytes: &[u8]) {
    let lists: Vec<Outputs> = serde_saphyr::from_slice(bytes).into_iter().collect();
    for list in &lists {
        let text = yaml::to_string(list, Line::EachEntry).expect("what was read can be written");
        same(list, serde_saphyr::from_slice(text.as_bytes()));
    }
    let mut there = fine().rendered.clone();
    there.insert(path(list::PATH), bytes.to_vec());
    let mut findings = Findings::default();
    let near = Near::new(Box::new(Vec::new));
    let known = Known { here: lists, near, past: None, discard: &[] };
    let _ = diff(&fine().tree, &there, &known, &mut findings);
    all_said(&findings, &Inputs::default());
}

/// One file of a commit that somebody pushed, in each place where it can lie, as `knarr plan` compares it.
pub(super) fn plan(bytes: &[u8]) {
    static OLD: OnceLock<World> = OnceLock::new();
    let old = OLD.get_or_init(|| World::of_files(fine().rendered.clone()).expect("a render can be read"));
    for at in [
        "rendered/mesh.yaml",
        "rendered/nodes/edge.yaml",
        "rendered/cluster.yaml",
        "rendered/apps/shop/deployment.yaml",
        "rendered/access/signers",
        list::PATH,
    ] {
        let mut files = fine().rendered.clone();
        files.insert(path(at), bytes.to_vec());
        let Ok(new) = World::of_files(files) else { continue };
        let _ = (between(old, &new), between(&new, old));
        assert!(between(&new, &new).is_empty(), "{at}: a plan between equals is empty");
    }
}
