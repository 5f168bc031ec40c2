//! Small edits of a machine's file, or of cluster.yaml, that keep what people wrote around them. Pure.
//!
//! An edit counts only when the file then reads as wanted; else the whole file is written anew.

mod person;

pub use person::without_person;

use crate::emit::{Line, yaml};
use crate::spec::{At, Cluster, Founded, K3s, Keys, Node, parse};
use knarr_node::name::RepoPath;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;

/// Returns the file with other keys; none when only writing it anew helps.
pub fn with_keys(path: &RepoPath, text: &str, node: &Node, keys: &Keys) -> Option<String> {
    let pair = |old: &At<String>, new: &At<String>| Some((old.span.clone()?, scalar(&new.value)?));
    let edits = vec![
        pair(&node.keys.machine, &keys.machine)?,
        pair(&node.keys.age, &keys.age)?,
        pair(&node.keys.wireguard, &keys.wireguard)?,
        pair(&node.keys.ssh, &keys.ssh)?,
    ];
    reads_as(path, spliced(text, edits)?, &Node { keys: keys.clone(), ..node.clone() }).ok()
}

/// Returns the file with `removed: true`; none when only writing it anew helps.
pub fn with_removed(path: &RepoPath, text: &str, node: &Node) -> Option<String> {
    let edited = format!("{}\nremoved: true\n", text.trim_end_matches('\n'));
    reads_as(path, edited, &Node { removed: true, ..node.clone() }).ok()
}

/// Returns the file of a machine at another place: `address` and `ssh` as in `new`, which stand there without quotes, as
/// people write them; none when only writing it anew helps.
pub fn with_place(path: &RepoPath, text: &str, old: &Node, new: &Node) -> Option<String> {
    let (mut edits, mut lines) = (Vec::new(), Vec::new());
    for (key, old, new) in [("address", &old.address, &new.address), ("ssh", &old.ssh, &new.ssh)] {
        match (old, new) {
            (old, new) if old == new => {}
            (Some(old), Some(new)) => edits.push((old.span.clone()?, new.value.clone())),
            (None, Some(new)) => lines.push(format!("{key}: {}\n", new.value)),
            (_, None) => return None,
        }
    }
    let edited = spliced(text, edits)?;
    let end = if lines.is_empty() || edited.ends_with('\n') { "" } else { "\n" };
    reads_as(path, format!("{edited}{end}{}", lines.concat()), new).ok()
}

/// Returns the file of a machine that was described, with what its enrolment adds; none when only writing it anew helps.
pub fn with_enrolment(path: &RepoPath, text: &str, described: &Node, new: &Node) -> Option<String> {
    let [had, has] = [described, new].map(|node| serde_json::to_value(node).ok()?.as_object().cloned());
    let (had, mut added) = (had?, has?);
    added.retain(|key, _| !had.contains_key(key));
    let lines = yaml::to_string(&added, Line::Fits).ok()?;
    let text = text.trim_end_matches('\n');
    reads_as(path, format!("{text}{}{lines}", if text.is_empty() { "" } else { "\n" }), new).ok()
}

/// Returns the text with other bytes at some places.
fn spliced(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut edited = text.to_owned();
    for (span, new) in edits {
        edited.get(span.clone())?;
        edited.replace_range(span, &new);
    }
    Some(edited)
}

/// Returns cluster.yaml with a version of K3s; the whole of it where only writing it anew helps.
pub fn with_k3s(
    path: &RepoPath,
    text: &str,
    cluster: &Cluster,
    version: &str,
) -> Result<String, Box<Cluster>> {
    let config = cluster.k3s.as_ref().map(|k3s| k3s.config.clone()).unwrap_or_default();
    let wanted = Cluster { k3s: Some(K3s { version: version.into(), config }), ..cluster.clone() };
    let edited = match cluster.k3s.as_ref().map(|k3s| k3s.version.span.clone()) {
        Some(Some(span)) if text.get(span.clone()).is_some() => {
            let mut edited = text.to_owned();
            edited.replace_range(span, version);
            edited
        }
        Some(_) | None => with_line(text, "network:", &format!("k3s: {{version: {version}}}\n")),
    };
    reads_as(path, edited, &wanted)
}

/// Returns cluster.yaml with another first place of the commits; the whole of it where only writing it anew helps.
pub fn with_remotes(
    path: &RepoPath,
    text: &str,
    cluster: &Cluster,
    url: &str,
) -> Result<String, Box<Cluster>> {
    let mut wanted = cluster.clone();
    let span = wanted.git.remotes.first().and_then(|first| first.span.clone());
    if wanted.git.remotes.is_empty() {
        wanted.git.remotes.push(url.into());
    } else {
        wanted.git.remotes[0] = url.into();
    }
    match (span.filter(|span| text.get(span.clone()).is_some()), scalar(url)) {
        (Some(span), Some(scalar)) => {
            let mut edited = text.to_owned();
            edited.replace_range(span, &scalar);
            reads_as(path, edited, &wanted)
        }
        (_, _) => Err(Box::new(wanted)),
    }
}

/// Returns cluster.yaml with the record that it was founded; the whole of it where only writing it anew helps.
pub fn with_founded(
    path: &RepoPath,
    text: &str,
    cluster: &Cluster,
    founded: &Founded,
) -> Result<String, Box<Cluster>> {
    let mut wanted = cluster.clone();
    wanted.birth.founded = Some(founded.clone().into());
    let block = yaml::to_string(&[("founded", founded)].into_iter().collect::<BTreeMap<_, _>>(), Line::Fits);
    let block = indented(&block.unwrap_or_default());
    let birth = |line: &&str| line.starts_with("birth:");
    let edited = match text.lines().find(birth) {
        Some(line) if line.trim_end() == "birth:" => {
            text.replacen(line, &format!("{line}\n{}", block.trim_end()), 1)
        }
        Some(line) => {
            let choices: String = birth_lines(cluster);
            text.replacen(line, &format!("birth:\n{choices}{}", block.trim_end()), 1)
        }
        None => format!("{}\nbirth:\n{block}", text.trim_end()),
    };
    reads_as(path, edited, &wanted)
}

/// Returns the choices of a birth that stood on one line, each on a line of its own.
fn birth_lines(cluster: &Cluster) -> String {
    let text = yaml::to_string(&cluster.birth, Line::Fits).unwrap_or_default();
    indented(&text)
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// Puts a line before the one that begins so, else at the end.
fn with_line(text: &str, before: &str, line: &str) -> String {
    let found = text.lines().find(|there| there.starts_with(before));
    match found {
        Some(there) => text.replacen(&format!("{there}\n"), &format!("{line}{there}\n"), 1),
        None => format!("{}\n{line}", text.trim_end()),
    }
}

/// Returns the text when it reads as wanted, else what is wanted.
fn reads_as<T: DeserializeOwned + PartialEq + Clone>(
    path: &RepoPath,
    text: String,
    wanted: &T,
) -> Result<String, Box<T>> {
    match parse::<T>(path, text.as_bytes()) {
        Ok(read) if read == *wanted => Ok(text),
        Ok(_) | Err(_) => Err(Box::new(wanted.clone())),
    }
}

fn scalar(value: &str) -> Option<String> {
    yaml::to_string(&value, Line::Fits).ok().map(|text| text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# our oldest machine
address: 203.0.113.7   # static
keys:
  machine: \"0011\"
  age: age1old # made in May
  wireguard: 'old='
  ssh: ssh-ed25519 AAAA
";

    fn read(text: &str) -> (RepoPath, Node) {
        let path: RepoPath = "nodes/edge.yaml".parse().unwrap();
        let node = parse(&path, text.as_bytes()).unwrap();
        (path, node)
    }

    #[test]
    fn new_keys_leave_comments_where_they_are() {
        let (path, node) = read(FILE);
        let [machine, age, wireguard, ssh] = ["12e4", "age1new", "new=", "ssh-ed25519 BBBB"].map(At::from);
        let keys = Keys { machine, age, wireguard, ssh };
        let edited = with_keys(&path, FILE, &node, &keys).unwrap();
        assert_eq!(read(&edited).1.keys, keys);
        let kept = |line: &str| edited.contains(line);
        assert!(
            kept("# our oldest machine\n") && kept("# static") && kept("age: age1new # made in May"),
            "{edited}"
        );
    }

    #[test]
    fn a_removed_machine_is_one_line_more() {
        let (path, node) = read(FILE);
        assert_eq!(with_removed(&path, FILE, &node), Some(format!("{FILE}removed: true\n")));
        let flow = "{keys: {machine: a, age: b, wireguard: c, ssh: d}}\n";
        let (path, node) = read(flow);
        assert_eq!(with_removed(&path, flow, &node), None);
    }

    #[test]
    fn an_enrolment_adds_to_what_was_described() {
        let text = "# rack 7\naddress: 203.0.113.7 # floating\nroles: [agent]\n";
        let (path, described) = read(text);
        let [machine, age, wireguard, ssh] = ["12e4", "age1new", "new=", "ssh-ed25519 BBBB"].map(At::from);
        let keys = Keys { machine, age, wireguard, ssh };
        let new = Node { keys, mesh: Some("10.210.0.7".into()), ..described.clone() };
        let edited = with_enrolment(&path, text, &described, &new).unwrap();
        assert!(edited.starts_with(text), "{edited}");
        assert_eq!(read(&edited).1, new);
        assert_eq!(with_enrolment(&path, "{roles: [agent]}", &read("{roles: [agent]}").1, &new), None);
    }

    #[test]
    fn another_place_is_all_that_changes() {
        let text = "address: '203.0.113.7'  # static\nlabels: {a: b}\nssh: me@203.0.113.7:2222\n";
        let (path, old) = read(text);
        let new =
            Node { address: Some("2a01::1".into()), ssh: Some("me@[2a01::1]:2222".into()), ..old.clone() };
        let edited = with_place(&path, text, &old, &new).unwrap();
        assert_eq!(edited, text.replace("'203.0.113.7'", "2a01::1").replace("203.0.113.7", "[2a01::1]"));
        let (path, old) = read("nat: false # no\n");
        let new = Node { address: Some("2a01::1".into()), ..old.clone() };
        let edited = with_place(&path, "nat: false # no\n", &old, &new);
        assert_eq!(edited.as_deref(), Some("nat: false # no\naddress: 2a01::1\n"));
    }

    const CLUSTER: &str = "\
# our cluster
format: 1
name: harbor
git: {remotes: []}
network: {mesh: 10.210.0.0/16} # the mesh
trust: {signers: [me]}
";

    fn cluster(text: &str) -> (RepoPath, Cluster) {
        let path: RepoPath = "cluster.yaml".parse().unwrap();
        let cluster = parse(&path, text.as_bytes()).unwrap();
        (path, cluster)
    }

    #[test]
    fn a_version_comes_and_changes_on_its_own_line() {
        let (path, old) = cluster(CLUSTER);
        let with = with_k3s(&path, CLUSTER, &old, "v1.36.2+k3s1").unwrap();
        let line = "k3s: {version: v1.36.2+k3s1}\n";
        assert_eq!(with, CLUSTER.replace("network:", &format!("{line}network:")));
        let (path, old) = cluster(&with);
        assert_eq!(with_k3s(&path, &with, &old, "v1.37.0+k3s1").unwrap(), with.replace("36.2", "37.0"));
    }

    #[test]
    fn the_record_of_the_founding_keeps_all_else_however_the_birth_was_written() {
        let founded =
            Founded { server: "edge".into(), ca: "sha256:00".into(), mtu: 1380, ..Founded::default() };
        for birth in ["", "birth: {mtu: 1400}\n", "birth:\n  mtu: 1400 # measured\n", "birth: {}\n"] {
            let text = format!("{CLUSTER}{birth}host: {{}} # nothing\n");
            let (path, old) = cluster(&text);
            let edited = with_founded(&path, &text, &old, &founded).unwrap();
            let read = cluster(&edited).1;
            assert_eq!(read.birth.founded.unwrap().value, founded, "{edited}");
            assert_eq!(read.birth.mtu, old.birth.mtu, "{edited}");
            assert!(edited.contains("# the mesh") && edited.contains("# nothing"), "{edited}");
            assert!(!birth.contains("measured") || edited.contains("# measured"), "{edited}");
        }
    }
}
