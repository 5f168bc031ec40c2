use super::*;
use crate::probe::{Firewall, parse};
use crate::spec::{Role, Spec};
use knarr_node::net::MeshIp;

const DEBIAN: &str = include_str!("../../tests/probes/debian.txt");
const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKDGaF2NJLi6iqh1F0lJiSM1CJSEJyDEnCLqTR0vrtXJ";

fn cluster() -> ClusterName {
    "harbor".parse().unwrap()
}

pub(super) fn candidate(name: &str) -> Candidate {
    let probe = parse(DEBIAN.as_bytes()).unwrap();
    Candidate { name: name.parse().unwrap(), target: "me@203.0.113.7".parse().unwrap(), probe }
}

/// The same machine after a reinstallation, or another one: nothing of it is known.
fn other(name: &str) -> Candidate {
    let mut candidate = candidate(name);
    candidate.probe.machine = Some("b".repeat(64).parse().unwrap());
    candidate.probe.host_keys.clear();
    candidate
}

fn born() -> Born {
    let machine = candidate("edge").probe.machine.unwrap().to_string();
    Born { machine, age: "age1x".to_owned(), wireguard: "7Jk=".to_owned(), ssh: HOST_KEY.to_owned() }
}

fn nodes(names: &[&str]) -> BTreeMap<String, Node> {
    let file = |name: &&str| {
        let place = Place::At("203.0.113.7".parse().unwrap());
        let part = Part { role: Role::Agent, place, relay: None, mesh: None, open: [].into() };
        ((*name).to_owned(), node(&candidate(name), &part, &born()))
    };
    names.iter().map(file).collect()
}

#[test]
fn a_good_machine_may_join_and_join_again() {
    assert_eq!(refusals(&cluster(), &BTreeMap::new(), &[candidate("edge")]), []);
    let mut again = candidate("edge");
    again.probe.enrolled = Some(Enrolled::As(cluster(), "edge".parse().unwrap()));
    assert_eq!(refusals(&cluster(), &nodes(&["edge"]), &[again]), []);
}

#[test]
fn finds_each_single_fault() {
    type Break = fn(&mut Candidate);
    let port = |number: u16| number.try_into().unwrap();
    let cases: [(Break, Refusal); 10] = [
        (|c| c.probe.arch = Err("armv7l".to_owned()), Refusal::Arch("armv7l".to_owned())),
        (|c| c.probe.systemd = false, Refusal::NoSystemd),
        (|c| c.probe.root = Root::No, Refusal::NoRoot { user: Some("me".to_owned()) }),
        (|c| c.probe.machine = None, Refusal::NoMachineId),
        (|c| c.probe.apt = false, Refusal::Missing(["nft", "wg"].map(str::to_owned).into())),
        (|c| c.target.port = Some(2200), Refusal::OtherPort { typed: port(2200), found: port(22) }),
        (|c| c.probe.firewalls = [Firewall::Ufw].into(), Refusal::Firewall(Firewall::Ufw)),
        (|c| c.probe.enrolled = Some(Enrolled::Unreadable), Refusal::Unreadable),
        (
            |c| c.probe.enrolled = Some(Enrolled::As("quay".parse().unwrap(), "edge".parse().unwrap())),
            Refusal::Elsewhere { cluster: "quay".parse().unwrap(), name: "edge".parse().unwrap() },
        ),
        (
            |c| c.probe.enrolled = Some(Enrolled::As("harbor".parse().unwrap(), "old".parse().unwrap())),
            Refusal::Elsewhere { cluster: cluster(), name: "old".parse().unwrap() },
        ),
    ];
    for (break_it, refusal) in cases {
        let mut broken = candidate("edge");
        break_it(&mut broken);
        assert!(!refusal.help().is_empty());
        assert_eq!(refusals(&cluster(), &BTreeMap::new(), &[broken]), [("edge".parse().unwrap(), refusal)]);
    }
}

#[test]
fn all_faults_of_all_machines_are_found_at_once() {
    let mut broken = candidate("edge");
    (broken.probe.systemd, broken.probe.root) = (false, Root::No);
    let found = refusals(&cluster(), &BTreeMap::new(), &[broken, candidate("worker")]);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["edge", "edge", "worker"]);
    assert_eq!(found[2].1, Refusal::Cloned { other: "edge".to_owned() });
}

#[test]
fn a_copied_disk_is_refused_by_machine_id_and_by_host_key() {
    let cloned = Refusal::Cloned { other: "edge".to_owned() };
    let mut same_id = other("worker");
    same_id.probe.machine = candidate("edge").probe.machine;
    let mut same_key = other("worker");
    same_key.probe.host_keys = [HOST_KEY.to_owned()].into();
    for copy in [same_id, same_key] {
        let found = refusals(&cluster(), &nodes(&["edge"]), &[copy]);
        assert_eq!(found, [("worker".parse().unwrap(), cloned.clone())]);
    }
}

#[test]
fn a_name_belongs_to_one_machine() {
    let name: NodeName = "edge".parse().unwrap();
    let mut files = nodes(&["edge"]);
    let found = refusals(&cluster(), &files, &[other("edge")]);
    assert_eq!(found, [(name.clone(), Refusal::Taken(name.clone()))]);
    files.get_mut("edge").unwrap().removed = true;
    let found = refusals(&cluster(), &files, &[other("edge")]);
    assert_eq!(found, [(name.clone(), Refusal::Removed(name))]);
}

#[test]
fn machines_are_public_behind_nat_or_all_in_one_private_network() {
    let at = |ip: &str| Place::At(ip.parse().unwrap());
    let cases: [(&[&str], &[&str], &[Place]); 5] = [
        (&[], &["203.0.113.7", "192.168.1.20"], &[at("203.0.113.7"), Place::Nat]),
        (&[], &["192.168.1.20", "192.168.1.21"], &[at("192.168.1.20"), at("192.168.1.21")]),
        (&["edge"], &["192.168.1.20"], &[Place::Nat]),
        (&[], &["127.0.0.1"], &[Place::Nat]),
        (&[], &["2001:db8::7", "10.0.0.5"], &[at("2001:db8::7"), Place::Nat]),
    ];
    for (known, dialled, expected) in cases {
        let probe = |ip: &&str| Probe { dialled: ip.parse().ok(), ..candidate("x").probe };
        let probes: Vec<Probe> = dialled.iter().map(probe).collect();
        assert_eq!(places(&nodes(known), &probes.iter().collect::<Vec<_>>()), expected, "{dialled:?}");
    }
}

#[test]
fn the_first_machine_that_others_reach_serves_and_relays() {
    let at = Place::At("203.0.113.7".parse().unwrap());
    let names: Vec<NodeName> = ["attic", "edge", "worker"].map(|name| name.parse().unwrap()).into();
    let names: Vec<&NodeName> = names.iter().collect();
    let becoming = |spec: &Spec, places: &[Place]| -> Vec<String> {
        let parts = parts(spec, "10.210.0.0/16".parse().unwrap(), &names, places, &Wishes::default());
        parts.iter().map(|part| format!("{:?} {}", part.role, part.relay.as_deref().unwrap_or("-"))).collect()
    };
    let mut spec = Spec::default();
    assert_eq!(becoming(&spec, &[Place::Nat, at, at]), ["Agent edge", "Server -", "Agent -"]);
    assert_eq!(becoming(&spec, &[Place::Nat, Place::Nat, Place::Nat]), ["Server -", "Agent -", "Agent -"]);
    spec.nodes = nodes(&["barn", "yard"]);
    spec.nodes.get_mut("yard").unwrap().roles = vec![Role::Server.into()];
    assert_eq!(becoming(&spec, &[Place::Nat, at, at]), ["Agent yard", "Agent -", "Agent -"]);
    spec.nodes.get_mut("yard").unwrap().removed = true;
    assert_eq!(becoming(&spec, &[Place::Nat, at, at]), ["Agent edge", "Server -", "Agent -"]);
}

#[test]
fn what_is_wished_for_stands_in_the_file() {
    let wishes = Wishes {
        servers: ["worker".parse().unwrap()].into(),
        open: by_node(&["worker:80,udp/53".parse().unwrap()]),
    };
    let names: Vec<NodeName> = ["edge", "worker"].map(|name| name.parse().unwrap()).into();
    let at = Place::At("203.0.113.7".parse().unwrap());
    let mesh = "10.210.0.0/16".parse().unwrap();
    let parts = parts(&Spec::default(), mesh, &[&names[0], &names[1]], &[at, at], &wishes);
    assert_eq!(parts.iter().map(|part| part.role).collect::<Vec<_>>(), [Role::Agent, Role::Server]);
    let mut worker = candidate("worker");
    worker.probe.sshd = "2222".parse().ok();
    let file = node(&worker, &parts[1], &born());
    assert_eq!(file.open.iter().map(|port| port.0.as_str()).collect::<Vec<_>>(), ["80", "udp/53"]);
    assert_eq!(file.ssh.unwrap().as_str(), "me@203.0.113.7:2222");
    assert_eq!(wishes.stranger(&[&names[0]].into()), Some(&names[1]));
}

#[test]
fn machines_that_join_at_once_get_different_addresses() {
    let names: Vec<NodeName> = (0..40).map(|n| format!("node-{n}").parse().unwrap()).collect();
    let names: Vec<&NodeName> = names.iter().collect();
    let parts = parts(
        &Spec::default(),
        "10.210.0.0/24".parse().unwrap(),
        &names,
        &[Place::Nat; 40],
        &Wishes::default(),
    );
    let mesh: BTreeSet<MeshIp> = parts.iter().filter_map(|part| part.mesh).collect();
    assert_eq!(mesh.len(), 40);
}

#[test]
fn an_answer_of_another_machine_is_noticed() {
    let probe = candidate("edge").probe;
    assert!(is_same(&probe, &born()));
    assert!(is_same(&probe, &Born { ssh: format!("{HOST_KEY} root@edge"), ..born() }));
    assert!(!is_same(&probe, &Born { machine: "b".repeat(64), ..born() }));
    assert!(!is_same(&probe, &Born { ssh: "ssh-ed25519 AAAA".to_owned(), ..born() }));
}

#[test]
fn missing_programs_are_packages_once() {
    let mut probe = candidate("edge").probe;
    probe.missing = ["ssh", "ssh-keygen", "wg", "wireguard-go", "rm -rf /"].map(str::to_owned).into();
    assert_eq!(packages(&probe), ["openssh-client", "wireguard-tools", "wireguard-go"].into());
}

/// A Spec in which machines are described.
fn described(files: &[(&str, Node)]) -> Spec {
    let described = files.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect();
    Spec { described, ..Spec::default() }
}

#[test]
fn what_was_described_counts_more_than_what_was_seen() {
    let floating: IpAddr = "198.51.100.31".parse().unwrap();
    let file = Node {
        roles: vec![Role::Agent.into()],
        address: Some(floating.to_string().into()),
        mesh: Some("10.210.0.7".into()),
        open: vec![crate::spec::OpenPort("tcp/443".to_owned()).into()],
        labels: [("a".into(), "b".into())].into(),
        ..Node::default()
    };
    let names: Vec<NodeName> = ["db", "hut"].map(|name| name.parse().unwrap()).into();
    let mesh = "10.210.0.0/16".parse().unwrap();
    let hut = Node { nat: true, relay: Some("barn".into()), ..Node::default() };
    let spec = described(&[("db", file.clone()), ("hut", hut)]);
    let seen = [Place::Nat, Place::At(floating)];
    let parts = parts(&spec, mesh, &[&names[0], &names[1]], &seen, &Wishes::default());
    let open = ["443".parse().unwrap()].into();
    let ip = |part: &Part| part.mesh.unwrap().to_string();
    assert_eq!((parts[0].role, parts[0].place, &parts[0].open), (Role::Agent, Place::At(floating), &open));
    assert_eq!((ip(&parts[0]).as_str(), &parts[0].relay), ("10.210.0.7", &None));
    assert_eq!(
        (parts[1].role, parts[1].place, parts[1].relay.as_deref()),
        (Role::Server, Place::Nat, Some("barn")),
        "who says nothing of roles founds"
    );
    let added = node(&candidate("db"), &parts[0], &born());
    let both = completed(&file, added.clone());
    assert_eq!((&both.roles, &both.labels, &both.open), (&file.roles, &file.labels, &file.open));
    assert_eq!((&both.keys, &both.mesh, &both.ssh), (&added.keys, &file.mesh, &added.ssh));
}

#[test]
fn a_described_server_founds_and_one_that_is_an_agent_never_does() {
    let at = Place::At("203.0.113.7".parse().unwrap());
    let names: Vec<NodeName> = ["attic", "edge", "worker"].map(|name| name.parse().unwrap()).into();
    let names: Vec<&NodeName> = names.iter().collect();
    let roles = |files: &[(&str, Role)]| -> Vec<Role> {
        let file = |role: Role| Node { roles: vec![role.into()], ..Node::default() };
        let files: Vec<(&str, Node)> = files.iter().map(|(name, role)| (*name, file(*role))).collect();
        let net = "10.210.0.0/16".parse().unwrap();
        let parts = parts(&described(&files), net, &names, &[Place::Nat, at, at], &Wishes::default());
        parts.iter().map(|part| part.role).collect()
    };
    let (server, agent) = (Role::Server, Role::Agent);
    assert_eq!(roles(&[("attic", server)]), [server, agent, agent]);
    assert_eq!(roles(&[("edge", agent)]), [agent, agent, server]);
    assert_eq!(roles(&[("attic", agent), ("edge", agent), ("worker", agent)]), [agent; 3]);
}

#[test]
fn what_contradicts_a_description_is_found_before_anything_is_done() {
    let file = Node {
        roles: vec![Role::Agent.into()],
        open: vec![crate::spec::OpenPort("80".to_owned()).into()],
        arch: Some(crate::spec::Arch::Arm64),
        relay: Some("barn".into()),
        removed: true,
        ..Node::default()
    };
    let name: NodeName = "edge".parse().unwrap();
    let found = |spec: &Spec, wishes: &Wishes| -> Vec<Refusal> {
        let all = contradictions(spec, &[candidate("edge")], wishes);
        all.into_iter().map(|(of, refusal)| (of == name).then_some(refusal).unwrap()).collect()
    };
    let open = |ports: &str| by_node(&[format!("edge:{ports}").parse().unwrap()]);
    let mut spec = described(&[("edge", file)]);
    let wishes = Wishes { servers: [name.clone()].into(), open: open("80,443") };
    let says = Refusal::SaysArch {
        name: name.clone(),
        says: crate::spec::Arch::Arm64,
        is: crate::spec::Arch::Amd64,
    };
    assert_eq!(
        found(&spec, &wishes),
        [
            Refusal::Removed(name.clone()),
            Refusal::SaysAgent(name.clone()),
            Refusal::SaysOpen(name.clone()),
            says,
            Refusal::RelayWaits("barn".to_owned()),
        ]
    );
    spec.described.insert("edge".to_owned(), Node::default());
    assert_eq!(found(&spec, &wishes), []);
    spec.nodes = nodes(&["barn"]);
    let behind = Node { nat: true, relay: Some("barn".into()), ..Node::default() };
    spec.described.insert("edge".to_owned(), behind);
    assert_eq!(found(&spec, &Wishes { open: open("80"), ..Wishes::default() }), []);
}
