//! One table a function: each row is one mutation of a good day.

use super::*;
use knarr_node::firewall::Ssh;
use knarr_node::item::{NftTable, WgDevice, WgPeer};
use knarr_node::net::WgKey;
use knarr_node::{Change, Have, Item};

fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}
fn nodes(names: &[&str]) -> BTreeSet<NodeName> {
    names.iter().map(|name| node(name)).collect()
}
/// Three nodes that are known and a person; all answer.
fn terms() -> Terms {
    Terms { known: ["edge", "worker"].map(node).to_vec(), changed: nodes(&[]), closes_ssh: false }
}
fn all() -> Contacts {
    let both = nodes(&["edge", "worker"]);
    Contacts { mesh: both.clone(), ssh: both, aware: nodes(&[]), git: true, ..Contacts::default() }
}
fn nobody() -> Contacts {
    Contacts::default()
}
fn alone() -> Terms {
    Terms::default()
}

#[test]
fn a_stage_begins_only_when_somebody_could_witness_it() {
    let git = Contacts { git: true, ..nobody() };
    let person = Contacts { operator: true, ..nobody() };
    let stranger = Contacts { mesh: nodes(&["other"]), ..nobody() };
    let closing = Terms { closes_ssh: true, ..alone() };
    let cases = [
        ("witnesses answer", terms(), all(), Ok(())),
        ("one witness answers", terms(), Contacts { mesh: nodes(&["worker"]), ..nobody() }, Ok(())),
        ("nobody of those who could answers", terms(), git.clone(), Err(Gate::Witness)),
        ("only one answers who leaves the mesh", terms(), stranger, Err(Gate::Witness)),
        ("nobody but a person", terms(), person.clone(), Ok(())),
        ("a lone machine", alone(), git.clone(), Ok(())),
        ("a lone machine without git", alone(), nobody(), Ok(())),
        ("a lone machine that shuts people out", closing.clone(), git, Err(Gate::Operator)),
        ("a lone machine that shuts people out, and one is there", closing, person, Ok(())),
        ("a witness is enough to shut people out", Terms { closes_ssh: true, ..terms() }, all(), Ok(())),
    ];
    for (name, terms, before, expected) in cases {
        assert_eq!(may_begin(&terms, &before), expected, "{name}");
    }
}

fn gaps(list: &[Gap]) -> BTreeSet<Gap> {
    list.iter().cloned().collect()
}

#[test]
fn only_what_answered_before_must_answer_after_and_one_must_be_new_and_from_outside() {
    let without = |name: &str| {
        let mut some = all();
        some.mesh.remove(&node(name));
        some.ssh.remove(&node(name));
        some
    };
    let no_ssh = Contacts { ssh: nodes(&[]), ..all() };
    let edge_only = Contacts { mesh: nodes(&["edge"]), ssh: nodes(&["edge"]), ..nobody() };
    let changed = |names: &[&str]| Terms { changed: nodes(names), ..terms() };
    let aware = Contacts { aware: nodes(&["edge"]), ..all() };
    let person = |git| Contacts { git, operator: true, ..nobody() };
    let git = Contacts { git: true, ..nobody() };
    let leaves = Terms { known: vec![node("edge")], ..terms() };
    let cases = [
        ("all answer", terms(), all(), all(), gaps(&[])),
        ("git is down, witnesses answer", terms(), all(), Contacts { git: false, ..all() }, gaps(&[])),
        ("one falls silent", terms(), all(), without("worker"), gaps(&[Gap::Mesh(node("worker"))])),
        (
            "who was silent before may be silent after",
            terms(),
            edge_only.clone(),
            edge_only.clone(),
            gaps(&[]),
        ),
        ("who leaves the mesh may fall silent", leaves, all(), edge_only.clone(), gaps(&[])),
        (
            "nobody reaches sshd",
            terms(),
            all(),
            no_ssh.clone(),
            gaps(&[Gap::Ssh(node("edge")), Gap::Ssh(node("worker"))]),
        ),
        ("sshd was not reached before either", terms(), no_ssh.clone(), no_ssh, gaps(&[])),
        (
            "who reaches sshd now did not before",
            terms(),
            Contacts { ssh: nodes(&["edge"]), ..all() },
            Contacts { ssh: nodes(&["worker"]), ..all() },
            gaps(&[Gap::Ssh(node("edge"))]),
        ),
        ("a changed pair says nothing yet", changed(&["edge", "worker"]), all(), all(), gaps(&[Gap::Flow])),
        ("a changed pair that has the commit", changed(&["edge", "worker"]), all(), aware, gaps(&[])),
        ("one pair did not change", changed(&["edge"]), all(), all(), gaps(&[])),
        (
            "a person is a new flow",
            changed(&["edge", "worker"]),
            all(),
            Contacts { operator: true, ..all() },
            gaps(&[]),
        ),
        ("alone with git", alone(), git.clone(), git.clone(), gaps(&[])),
        ("alone without git", alone(), git.clone(), nobody(), gaps(&[Gap::Git])),
        ("alone, git was down before", alone(), nobody(), nobody(), gaps(&[])),
        ("alone, the person does not come again", alone(), person(true), git, gaps(&[Gap::Operator])),
        ("alone, the person comes again", alone(), person(true), person(true), gaps(&[])),
        ("only a person, git was down", terms(), person(false), person(false), gaps(&[])),
        ("only a person, who does not come", terms(), person(false), nobody(), gaps(&[Gap::Operator])),
    ];
    for (name, terms, before, now, expected) in cases {
        assert_eq!(prove(&terms, &before, &now).err().unwrap_or_default(), expected, "{name}");
    }
}

#[test]
fn what_comes_back_without_the_stage_was_lost_by_it() {
    let (mesh, ssh) = (gaps(&[Gap::Mesh(node("edge"))]), gaps(&[Gap::Ssh(node("edge"))]));
    let both = gaps(&[Gap::Mesh(node("edge")), Gap::Ssh(node("edge"))]);
    let changed = Terms { changed: nodes(&["edge"]), ..terms() };
    let aware = Contacts { aware: nodes(&["edge"]), ..all() };
    let worker_only = Contacts { mesh: nodes(&["worker"]), ssh: nodes(&["worker"]), ..nobody() };
    let person = Contacts { operator: true, ..nobody() };
    let cases = [
        ("the mesh is back", terms(), mesh.clone(), all(), true),
        ("sshd is back", terms(), ssh, all(), true),
        ("another one is back", terms(), mesh.clone(), worker_only, false),
        ("nobody is back", terms(), both, nobody(), false),
        ("an old pair is back, but its end has no commit", changed.clone(), mesh.clone(), all(), false),
        ("an old pair is back, and its end had the commit", changed, mesh, aware, true),
        ("git is back", alone(), gaps(&[Gap::Git]), all(), true),
        ("git stays away", alone(), gaps(&[Gap::Git]), nobody(), false),
        ("the person is back", alone(), gaps(&[Gap::Operator]), person, true),
        ("nobody had the commit", terms(), gaps(&[Gap::Flow]), all(), false),
    ];
    for (name, terms, gaps, again, lost) in cases {
        assert_eq!(matches!(judge(&terms, &gaps, &again), Verdict::Lost(_)), lost, "{name}");
    }
}

fn peer(name: &str, key: u8, endpoint: &str) -> WgPeer {
    WgPeer {
        device: "knarr0".parse().unwrap(),
        name: name.parse().unwrap(),
        key: WgKey::from([key; 32]),
        endpoint: Some(endpoint.parse().unwrap()),
        allowed: BTreeSet::new(),
        keepalive: None,
    }
}
fn device(port: u16) -> Item {
    let (name, key) = ("knarr0".parse().unwrap(), "/key".parse().unwrap());
    Item::Device(WgDevice { name, port: port.try_into().unwrap(), mtu: 1420.try_into().unwrap(), key })
}
fn table(text: &str) -> Item {
    Item::Table(NftTable { name: "knarr".parse().unwrap(), text: text.to_owned() })
}

/// Compares two States as a pass does.
fn between(have: &[Item], want: &[Item], ssh: Option<Ssh>, proven: Option<&Ssh>) -> Terms {
    let situation =
        Situation { nodes: ["worker", "edge", "attic"].map(node).to_vec(), ssh, ..Situation::default() };
    let have = Have::of(have);
    let changes: Vec<Change> = knarr_node::plan(want, &have).changes().cloned().collect();
    Terms::of(&changes, want, &have, &situation, proven)
}

#[test]
fn who_can_judge_follows_from_both_states() {
    let [edge, worker] = [peer("edge", 1, "192.0.2.1:1"), peer("worker", 2, "192.0.2.2:1")].map(Item::Peer);
    let (other_key, moved) =
        (Item::Peer(peer("edge", 3, "192.0.2.1:1")), Item::Peer(peer("edge", 1, "192.0.2.9:1")));
    let more = Item::Peer(WgPeer { keepalive: Some(25), ..peer("edge", 1, "192.0.2.1:1") });
    let laptop = Item::Peer(peer("laptop", 7, "192.0.2.7:1"));
    let (dev, port) = (device(1), device(2));
    let pair = |a: &Item, b: &Item| vec![a.clone(), b.clone()];
    let cases = [
        ("nothing changes", pair(&edge, &worker), pair(&edge, &worker), vec!["worker", "edge"], vec![]),
        ("one is new", pair(&dev, &worker), pair(&edge, &worker), vec!["worker"], vec![]),
        ("one leaves", pair(&edge, &worker), pair(&dev, &worker), vec!["worker"], vec![]),
        (
            "one has another key",
            pair(&edge, &worker),
            pair(&other_key, &worker),
            vec!["worker", "edge"],
            vec!["edge"],
        ),
        (
            "one is elsewhere",
            pair(&edge, &worker),
            pair(&moved, &worker),
            vec!["worker", "edge"],
            vec!["edge"],
        ),
        ("more lies behind one", pair(&edge, &worker), pair(&more, &worker), vec!["worker", "edge"], vec![]),
        ("our own port", pair(&dev, &worker), pair(&port, &worker), vec!["worker"], vec!["worker"]),
        ("a laptop is no node", pair(&laptop, &worker), pair(&laptop, &worker), vec!["worker"], vec![]),
    ];
    for (name, have, want, known, changed) in cases {
        let terms = between(&have, &want, None, None);
        let known: Vec<NodeName> = known.into_iter().map(node).collect();
        assert_eq!((terms.known, terms.changed), (known, nodes(&changed)), "{name}");
    }
}

#[test]
fn the_ssh_port_closes_when_a_new_table_shuts_out_whom_the_last_proven_one_let_in() {
    let from = Ssh::From(["192.0.2.0/24".parse().unwrap()].into());
    let cases = [
        ("no firewall", "a", None, None, false),
        ("open to all", "b", Some(Ssh::Anywhere), None, false),
        ("closed for the first time", "b", Some(Ssh::Mesh), None, true),
        ("closed to most", "b", Some(from.clone()), Some(&Ssh::Anywhere), true),
        ("closed already", "b", Some(from.clone()), Some(&from), false),
        ("the table stays", "a", Some(Ssh::Mesh), None, false),
    ];
    for (name, text, ssh, proven, closes) in cases {
        let terms = between(&[table("a")], &[table(text)], ssh, proven);
        assert_eq!(terms.closes_ssh, closes, "{name}");
    }
}

#[test]
fn who_was_asked_to_log_in_and_did_not_is_not_asked_about_the_same_change_again() {
    let before = Contacts { git: true, operator: true, asked: true, ..nobody() };
    let came = Contacts { git: true, operator: true, ..nobody() };
    assert!(prove(&alone(), &before, &came).is_ok());
    let gaps = prove(&alone(), &before, &Contacts { git: true, ..nobody() }).unwrap_err();
    assert_eq!(gaps, [Gap::Login].into());
    assert!(matches!(judge(&alone(), &gaps, &nobody()), Verdict::Lost(why) if why.contains("logged in")));
}
