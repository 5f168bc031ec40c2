//! The table in a real kernel: what the internet, nodes, pods, devices and containers can dial, and what they cannot.
//!
//! `edge` is the machine with the table. Everyone else has none, so every silence is edge's doing. Mesh devices are plain
//! cables here: the table trusts WireGuard's source filter, which `mesh/tests.rs` proves.
#![expect(clippy::disallowed_types, reason = "this test starts nft and opens sockets; the bans are for src/")]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its machines has failed")]

mod namespaces;
mod world;

use knarr_node::item::NftTable;
use namespaces::Answer;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;
use world::World;

/// Who dials what.
type Dial = (&'static str, &'static str);

/// Reads the lines of dials.txt with this sign.
fn dials(sign: &str) -> Vec<Dial> {
    let lines = include_str!("dials.txt").lines().map(|line| line.split('#').next().unwrap_or_default());
    let dials = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let (who, found) = (words.next()?, words.next()?);
        (found == sign).then(|| words.map(move |to| (who, to)))
    });
    dials.flatten().collect()
}

/// Checks that each machine reaches what it may and meets silence elsewhere; all dials at once.
fn judge(world: &World, open: &[Dial], silent: &[Dial]) {
    let dial =
        |(from, to): Dial, millis| world.at(from).dial(to.parse().unwrap(), Duration::from_millis(millis));
    let lines = open.iter().map(|line| (*line, 10_000, Answer::Open));
    let lines = lines.chain(silent.iter().map(|line| (*line, 800, Answer::Silent)));
    thread::scope(|scope| {
        let start = |(line, millis, wanted)| (line, wanted, scope.spawn(move || dial(line, millis)));
        let dialling: Vec<_> = lines.map(start).collect();
        let ended =
            dialling.into_iter().map(|(line, wanted, answer)| (line, answer.join().unwrap() == wanted));
        let wrong: Vec<Dial> = ended.filter(|(_, right)| !right).map(|(line, _)| line).collect();
        assert_eq!(wrong, [], "these dials ended otherwise");
    });
}

#[test]
#[ignore = "needs root, nft and network namespaces"]
fn everyone_dials_what_is_theirs_and_nothing_else() {
    let world = World::new();
    let (open, silent) = (dials("+"), dials("-"));
    judge(&world, &[open.clone(), silent.clone()].concat(), &[]);
    world.load("{ssh: anywhere, open: [80, 443]}");
    world.at("edge").ip("neigh flush all");
    world.at("outside").ip("neigh flush all");
    judge(&world, &open, &silent);
}

#[test]
#[ignore = "needs root, nft and network namespaces"]
fn a_new_table_replaces_the_old_one_and_living_flows_go_on() {
    let world = World::new();
    world.load("{ssh: anywhere, open: [80]}");
    let once = world.at("edge").run(&["nft", "list", "ruleset"], "");
    let mut dialled = world.at("outside").within(|| TcpStream::connect("203.0.113.7:80").unwrap());
    world.load("{ssh: anywhere, open: [80]}");
    assert_eq!(world.at("edge").run(&["nft", "list", "ruleset"], ""), once);
    world.load("{ssh: mesh, open: [30080, 9000]}");
    judge(
        &world,
        &[("outside", "203.0.113.7:30080"), ("outside", "203.0.113.50:9000"), ("worker", "10.210.0.1:22")],
        &[("outside", "203.0.113.7:22"), ("outside", "203.0.113.7:80"), ("outside", "203.0.113.7:443")],
    );
    let (mut taken, _) = world.listeners[1].accept().unwrap();
    taken.write_all(b"still here").unwrap();
    let mut heard = [0; 10];
    dialled.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"still here");
    world.at("edge").run(&["nft", "-f", "-"], &NftTable::gone(&"knarr".parse().unwrap()));
    assert!(!world.at("edge").run(&["nft", "list", "tables"], "").contains("knarr"));
}

#[test]
#[ignore = "needs root, nft and network namespaces"]
fn ssh_is_for_the_networks_that_are_named() {
    let world = World::new();
    let (v4, v6) = (("outside", "203.0.113.7:22"), ("outside", "[2001:db8::7]:22"));
    for (ssh, open, silent) in [
        ("[203.0.113.0/24, 203.0.113.9/32, 198.51.100.0/24]", vec![v4], vec![v6]),
        ("[\"2001:db8::/64\", 198.51.100.0/24]", vec![v6], vec![v4]),
        ("[0.0.0.0/0, \"::/0\"]", vec![v4, v6], vec![]),
    ] {
        world.load(&format!("{{ssh: {ssh}}}"));
        judge(&world, &open, &silent);
    }
}

/// A fragment has no port; the table sees packets whole. VXLAN, which trusts its sender, comes from nodes alone.
#[test]
#[ignore = "needs root, nft and network namespaces"]
fn datagrams_pass_whole_or_not_at_all() {
    let world = World::new();
    world.load("{ssh: mesh, open: [udp/53]}");
    let sockets: BTreeMap<u16, UdpSocket> =
        [53, 5353, 8472, 51821].map(|port| (port, world.at("edge").socket(("0.0.0.0", port)))).into();
    let large = [7; 4000];
    for (from, ip, port, arrives) in [
        ("outside", "203.0.113.7", 8472, false),
        ("x3", "10.210.0.1", 8472, false),
        ("worker", "10.210.0.1", 8472, true),
        ("outside", "203.0.113.7", 51821, true),
        ("outside", "203.0.113.7", 53, true),
        ("outside", "203.0.113.7", 5353, false),
    ] {
        let (here, patience) = (&sockets[&port], if arrives { 10_000 } else { 500 });
        here.set_read_timeout(Some(Duration::from_millis(patience))).unwrap();
        world.at(from).socket(("0.0.0.0", 0)).send_to(&large, (ip, port)).unwrap();
        let mut room = [0; 5000];
        assert_eq!(
            here.recv(&mut room).is_ok_and(|length| length == large.len()),
            arrives,
            "{from} to {port}"
        );
    }
}
