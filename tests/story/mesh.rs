//! The mesh: every machine reaches each other one, also two behind NATs of their own, and changes are live.
//!
//! The judges are ping, wg and getent on the machines, curl on a machine and on the internet.

use std::collections::BTreeMap;

use super::Story;
use super::hands::{ALL, PATIENCE, all_pairs_ping, harbor, mesh_ip, on};
use crate::{Lab, wait_until};

/// Four machines in one mesh.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("node import: what Terraform lists is described, and shown", machines_are_described);
    story.step(
        "node add: killed before each child and each file, it goes on where it stopped",
        kills_are_healed,
    );
    story.step(
        "node add: a described machine joins by its name, behind another NAT, relayed by edge",
        shed_joins,
    );
    story.step("all pairs ping by name, attic and shed through the relay", every_pair_answers);
    story.step("wg: who dials whom, and who keeps its way open", wireguard_is_as_the_directory_says);
    story.step("20 peers come and go, 1,000 packets of others lose none", peers_come_and_go_unnoticed);
}

/// What machines say of each other.
pub(super) fn status(story: &mut Story<'_>) {
    story.step("knarr status from the laptop names every machine", one_machine_tells_of_all);
    story.step("knarr plan --observed: what each machine still would do", what_is_on_its_way_is_told);
    story.step("Prometheus reads metrics on the mesh, the internet does not", metrics_are_on_the_mesh_only);
}

/// What Terraform says of the lab, as `terraform output -json`: edge is there, shed and a spare one are new.
const OUTPUT: &str = r#"{"machines": {"sensitive": false, "type": ["list", "dynamic"], "value": [
  {"name": "edge", "public_ip": "203.0.113.7", "ssh_user": "root", "region": "north"},
  {"name": "shed.yard.example", "private_ip": "192.168.2.20", "ssh_user": "pi", "region": "yard"},
  {"name": "spare", "public_ip": "198.51.100.77", "ssh_user": "root", "region": "south"}
]}}"#;

/// A list becomes files; the cluster has no more machines than before.
fn machines_are_described(lab: &Lab) {
    let said = harbor(lab, &format!("printf %s '{OUTPUT}' | knarr node import - --yes"));
    assert!(said.ends_with("Next: knarr node add shed spare"), "{said}");
    harbor(lab, "knarr check && knarr render --check");
    let said = harbor(lab, "knarr node list");
    let waits = |line: &&str| line.contains("described, not enrolled");
    assert_eq!(said.lines().filter(waits).count(), 2, "{said}");
    harbor(lab, "knarr node forget spare && test ! -e nodes/spare.yaml");
}

/// Whatever was done on the machine and in the clone when `node add` died, typing it again completes it. Told by how it
/// ends: strace dies as its child did.
fn kills_are_healed(lab: &Lab) {
    let said = harbor(
        lab,
        "cp -r nodes /tmp/described
         for call in clone3 renameat; do
           cp /tmp/described/* nodes/
           for n in $(seq 99); do
             code=0
             strace -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$n knarr node add -y shed >/tmp/said || code=$?
             [ $code != 0 ] || break
             if [ $code != 137 ]; then cat /tmp/said; exit 1; fi
           done
           echo killed at $call $((n - 1)) times
           grep -q wireguard: nodes/shed.yaml
         done
         cp /tmp/described/* nodes/",
    );
    let times =
        said.lines().filter_map(|line| line.strip_prefix("killed at ")?.split(' ').nth(1)?.parse().ok());
    let times: Vec<u32> = times.collect();
    assert!(times.len() == 2 && times.iter().all(|times| (1..98).contains(times)), "{said}");
}

/// A fourth machine enrols, behind a NAT of its own: its file says where it is, and keeps what a person added;
/// `node add` proposes the relay.
fn shed_joins(lab: &Lab) {
    harbor(lab, "echo '# the one below the stairs' >> nodes/shed.yaml && knarr node add -y shed");
    harbor(
        lab,
        "grep -qx 'relay: edge' nodes/shed.yaml nodes/attic.yaml
         grep -qx '# the one below the stairs' nodes/shed.yaml && grep -q 'region: yard' nodes/shed.yaml
         grep -qx 'ssh: pi@192.168.2.20' nodes/shed.yaml && grep -qx 'nat: true' nodes/shed.yaml",
    );
    harbor(lab, "knarr ship -y -m 'shed joins'");
}

fn every_pair_answers(lab: &Lab) {
    all_pairs_ping(lab, &ALL);
    for node in ALL {
        let found = on(lab, "worker", &format!("getent hosts {node}.mesh.harbor.example | cut -d' ' -f1"));
        assert_eq!(found, mesh_ip(lab, node));
    }
}

/// What wg(8) shows of one peer.
#[derive(Debug)]
struct Peer {
    endpoint: String,
    allowed: Vec<String>,
    transferred: u64,
    keepalive: String,
}

/// Reads `wg show knarr0 dump` by public key.
fn peers(lab: &Lab, node: &str) -> BTreeMap<String, Peer> {
    let dump = on(lab, node, "wg show knarr0 dump");
    let peer = |line: &str| {
        let [key, _, endpoint, allowed, _, received, sent, keepalive] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("wg dumps eight columns for a peer");
        let bytes = |text: &str| text.parse::<u64>().expect("wg counts bytes");
        let allowed = allowed.split(',').map(str::to_owned).collect();
        let transferred = bytes(received) + bytes(sent);
        (
            key.to_owned(),
            Peer { endpoint: endpoint.to_owned(), allowed, transferred, keepalive: keepalive.to_owned() },
        )
    };
    dump.lines().skip(1).map(peer).collect()
}

fn key(lab: &Lab, node: &str) -> String {
    on(lab, node, "wg show knarr0 public-key")
}

/// Public machines are dialled where they are; who is behind NAT keeps its ways open, and has none to the other one.
fn wireguard_is_as_the_directory_says(lab: &Lab) {
    let [attic, edge, shed, worker] = ALL.map(|node| key(lab, node));
    let seen = peers(lab, "attic");
    assert!(!seen.contains_key(&shed), "no tunnel between two NATs: {seen:?}");
    assert_eq!(seen[&edge].endpoint, "203.0.113.7:51821");
    assert_eq!(seen[&edge].keepalive, "25");
    assert!(
        seen[&edge].allowed.contains(&format!("{}/32", mesh_ip(lab, "shed"))),
        "shed is behind edge: {seen:?}"
    );
    let seen = peers(lab, "worker");
    assert_eq!(seen[&edge].endpoint, "203.0.113.7:51821");
    assert_eq!(seen[&edge].keepalive, "off");
    assert!(seen[&attic].endpoint.starts_with("203.0.113.99:"), "attic dialled through its NAT: {seen:?}");
    assert_eq!(peers(lab, "edge")[&worker].allowed, [format!("{}/32", mesh_ip(lab, "worker"))]);
}

/// While 20 devices come and go at edge, the pair of worker and attic loses nothing and is never made anew.
fn peers_come_and_go_unnoticed(lab: &Lab) {
    let attic = key(lab, "attic");
    let before = peers(lab, "worker");
    let pings = lab.host("worker").spawn(
        "root",
        "rm -f /run/lock/enough; until [ -e /run/lock/enough ]; do ping -q -c 250 -i 0.01 attic.mesh.harbor.example; done",
    );
    pings.wait_says("250 received", PATIENCE);
    harbor(
        lab,
        "for n in $(seq 20); do knarr peer add extra-$n --via edge --reach ssh --key $(wg genkey | wg pubkey); done
         knarr ship -y -m '20 devices'",
    );
    assert_eq!(peers(lab, "edge").len(), 3 + 20);
    harbor(lab, "for n in $(seq 20); do knarr peer remove extra-$n; done; knarr ship -y -m 'no devices'");
    assert_eq!(peers(lab, "edge").len(), 3);
    wait_until("1,000 packets have gone", PATIENCE, || rounds(&pings.said()).len() >= 4);
    on(lab, "worker", "touch /run/lock/enough");
    let (_, said) = pings.finish(PATIENCE);
    assert!(rounds(&said).iter().all(|round| round.contains(" 250 received")), "{said}");
    let after = peers(lab, "worker");
    assert!(
        after[&attic].transferred >= before[&attic].transferred + 1000 * 84,
        "never made anew: {after:?}"
    );
    assert_eq!(after[&attic].endpoint, before[&attic].endpoint);
}

/// What ping says at the end of each round.
fn rounds(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.contains("packets transmitted")).collect()
}

/// The laptop asks one machine, which knows of all others by their signed reports.
fn one_machine_tells_of_all(lab: &Lab) {
    let head = harbor(lab, "git rev-parse --short=7 HEAD");
    let tells = |said: &str, node: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(node)).unwrap_or_default();
        let is_whole = |word: &str| word.split_once('/').is_some_and(|(up, all)| up == all);
        line.contains(&head) && line.contains("converged") && line.split_whitespace().any(is_whole)
    };
    let mut said = String::new();
    let tells_of_all = || {
        said = harbor(lab, "knarr status || true");
        ALL.iter().all(|node| tells(&said, node))
    };
    wait_until(
        &format!("knarr status says that all have converged on {head} and all tunnels are up"),
        PATIENCE,
        tells_of_all,
    );
}

/// A change that is not shipped yet is on its way to every machine, from the commit that each has.
fn what_is_on_its_way_is_told(lab: &Lab) {
    let said = harbor(
        lab,
        "echo 'not shipped yet' > host/motd && { knarr plan --observed || test $? = 2; } && git checkout -q host/motd",
    );
    assert_eq!(said.matches("change path /etc/motd").count(), ALL.len(), "{said}");
    let head = harbor(lab, "git rev-parse --short=7 HEAD");
    assert!(said.matches(head.trim()).count() >= ALL.len() && said.contains("said by"), "{said}");
}

/// The listener answers machines on its mesh address and nobody else.
fn metrics_are_on_the_mesh_only(lab: &Lab) {
    let edge = mesh_ip(lab, "edge");
    let said = on(lab, "worker", &format!("curl -sSf -m 60 http://{edge}:51821/metrics"));
    assert!(said.contains("# TYPE knarr_") && said.contains("knarr_outcome"), "{said}");
    for address in ["203.0.113.7", "198.51.100.4"] {
        assert!(!lab.internet().run(&format!("nc -z -w1 {address} 51821")).ok(), "{address} is open");
    }
}
