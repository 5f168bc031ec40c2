//! Small edits of a machine's file that keep what people wrote around them. Pure.
//!
//! An edit counts only when the file then reads as wanted; else the whole file is written anew.

use crate::emit::{Line, yaml};
use crate::spec::{At, Keys, Node, parse};
use knarr_node::name::RepoPath;

/// Returns the file with other keys; none when only writing it anew helps.
pub fn with_keys(path: &RepoPath, text: &str, node: &Node, keys: &Keys) -> Option<String> {
    let pair = |old: &At<String>, new: &At<String>| Some((old.span.clone()?, scalar(&new.value)?));
    let mut edits = vec![
        pair(&node.keys.machine, &keys.machine)?,
        pair(&node.keys.age, &keys.age)?,
        pair(&node.keys.wireguard, &keys.wireguard)?,
        pair(&node.keys.ssh, &keys.ssh)?,
    ];
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut edited = text.to_owned();
    for (span, new) in edits {
        edited.get(span.clone())?;
        edited.replace_range(span, &new);
    }
    reads_as(path, edited, &Node { keys: keys.clone(), ..node.clone() })
}

/// Returns the file with `removed: true`; none when only writing it anew helps.
pub fn with_removed(path: &RepoPath, text: &str, node: &Node) -> Option<String> {
    let edited = format!("{}\nremoved: true\n", text.trim_end_matches('\n'));
    reads_as(path, edited, &Node { removed: true, ..node.clone() })
}

fn reads_as(path: &RepoPath, text: String, node: &Node) -> Option<String> {
    let read: Node = parse(path, text.as_bytes()).ok()?;
    (read == *node).then_some(text)
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
}
