//! Who goes first, how many servers may fail meanwhile, and which secrets change.

use super::*;

/// A machine in the directory, and what its State has.
struct Machine {
    name: &'static str,
    role: &'static str,
    items: String,
}

/// A machine that runs K3s with these settings, after those machines.
fn k3s(name: &'static str, settings: &str, after: &[&str]) -> Machine {
    let (role, unit) =
        if name.starts_with("worker") { ("agent", "k3s-agent.service") } else { ("server", "k3s.service") };
    let waits: Vec<String> = after.iter().map(|node| format!("{{settled: {node}}}")).collect();
    let items = format!(
        "- file: {{path: /etc/rancher/k3s/config.yaml, text: \"{settings}\"}}\n\
         - unit: {{name: {unit}, text: \"[Install]\\n\", reads: [/etc/rancher/k3s/config.yaml], waits: [{}]}}\n",
        waits.join(", ")
    );
    Machine { name, role, items }
}

fn world(machines: &[Machine], cluster: &str) -> World {
    let line = |(n, machine): (usize, &Machine)| {
        let key = knarr_node::net::WgKey::from([u8::try_from(n).unwrap() + 1; 32]);
        format!(
            "  {}: {{ip: 10.210.0.{}, key: \"{key}\", role: {}, at: [\"203.0.113.{}:51821\"]}}\n",
            machine.name,
            n + 1,
            machine.role,
            n + 1
        )
    };
    let head = MESH_FILE.split("  edge:").next().unwrap();
    let mesh: String = machines.iter().enumerate().map(line).collect();
    let mut files = Side::from([(MESH.parse().unwrap(), format!("{head}{mesh}").into_bytes())]);
    files.insert("rendered/cluster.yaml".parse().unwrap(), cluster.as_bytes().to_vec());
    for machine in machines {
        let state = state(machine.name, "{ssh: mesh}") + &machine.items;
        files.insert(format!("rendered/nodes/{}.yaml", machine.name).parse().unwrap(), state.into_bytes());
    }
    World::of_files(files).unwrap()
}

const CLUSTER: &str = "knarr: {format: 1, version: 1.0.0}\nitems: []\n";

fn three(settings: &str) -> Vec<Machine> {
    vec![
        k3s("edge", settings, &[]),
        k3s("beta", settings, &["edge"]),
        k3s("alpha", settings, &["beta"]),
        k3s("worker", settings, &["edge", "beta", "alpha"]),
    ]
}

#[test]
fn machines_stand_in_the_order_of_their_turns() {
    let planned = between(&world(&three("a: 1"), CLUSTER), &world(&three("a: 2"), CLUSTER));
    let turns: Vec<(usize, &str)> = planned.nodes.iter().map(|row| (row.turn, row.node.as_str())).collect();
    assert_eq!(turns, [(1, "edge"), (2, "beta"), (3, "alpha"), (4, "worker")]);
    let terms: Vec<String> = planned.nodes.iter().map(|row| row.lines[1].terms()).collect();
    assert_eq!(
        terms,
        [
            "service restart",
            "service restart, after edge",
            "service restart, after beta",
            "service restart, after edge, beta, alpha"
        ]
    );
}

#[test]
fn who_waits_for_a_machine_that_does_nothing_goes_first() {
    let mut only = three("a: 1");
    only[2] = k3s("alpha", "a: 2", &["beta"]);
    let planned = between(&world(&three("a: 1"), CLUSTER), &world(&only, CLUSTER));
    let row = &planned.nodes[0];
    assert_eq!(
        (planned.nodes.len(), row.turn, row.lines[1].terms().as_str()),
        (1, 1, "service restart, after beta")
    );
}

#[test]
fn a_circle_of_machines_ends_nowhere_else() {
    let circle = |settings| [k3s("edge", settings, &["beta"]), k3s("beta", settings, &["edge"])];
    let planned = between(&world(&circle("a: 1"), CLUSTER), &world(&circle("a: 2"), CLUSTER));
    assert!(planned.nodes.iter().all(|row| row.turn == 1));
}

fn said(old: &[Machine], new: &[Machine], cluster: &str) -> String {
    servers_in_words(&between(&world(old, CLUSTER), &world(new, cluster)).servers)
}

#[test]
fn each_step_of_servers_says_how_many_may_fail() {
    let one = |settings| vec![k3s("edge", settings, &[])];
    assert_eq!(
        said(&three("a: 1"), &three("a: 2"), CLUSTER),
        "3 now, 1 may fail; while edge, then beta, then alpha restarts 2 of 3, none may fail; then 3, 1 may fail"
    );
    assert_eq!(
        said(&one("a: 1"), &one("a: 2"), CLUSTER),
        "1 now, none may fail; while edge restarts 0 of 1, the API is away; then 1, none may fail"
    );
    assert_eq!(
        said(&one("a: 1"), &three("a: 1"), CLUSTER),
        "1 now, none may fail; when beta joined 2, none may fail; when alpha joined 3, 1 may fail; then 3, 1 may fail"
    );
    assert_eq!(said(&[], &one("a: 1"), CLUSTER), "when edge joined 1, none may fail; then 1, none may fail");
    let mut agents = three("a: 1");
    agents[3] = k3s("worker", "a: 2", &["edge", "beta", "alpha"]);
    assert_eq!(said(&three("a: 1"), &agents, CLUSTER), "", "agents are no servers");
}

#[test]
fn a_server_that_leaves_is_counted_until_it_has_left() {
    let tomb = "knarr: {format: 1, version: 1.0.0}\nitems:\n- tombstone: {node: alpha, keys: {age: age1x}}\n";
    let two: Vec<Machine> = three("a: 1").into_iter().filter(|machine| machine.name != "alpha").collect();
    assert_eq!(
        said(&three("a: 1"), &two, tomb),
        "3 now, 1 may fail; while alpha leaves 2 of 3, none may fail; then 2, none may fail"
    );
    let mut demoted = three("a: 1");
    demoted[2].items = "- sysctl: {vm.swappiness: \"1\"}\n".to_owned();
    assert!(said(&three("a: 1"), &demoted, CLUSTER).contains("while alpha leaves 2 of 3"));
}

#[test]
fn secrets_are_named_and_nothing_more() {
    let with = |list: &str| {
        let machines = [k3s("edge", "a: 1", &[])];
        let mut world = world(&machines, CLUSTER);
        let pairs = list.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        let pairs = pairs.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect();
        world.machines.values_mut().next().unwrap().secrets = pairs;
        world
    };
    let planned = between(&with("token=1 old=1 same=1"), &with("token=2 new=1 same=1"));
    assert_eq!(planned.nodes[0].words(), [["secrets: + new, - old, ~ token".to_owned(), String::new()]]);
    assert!(between(&with("same=1"), &with("same=1")).is_empty());
}

#[test]
fn another_knarrd_and_other_remotes_are_told() {
    let own = |version: &str, digit: &str, remote: &str| {
        let mut world = world(&three("a: 1"), CLUSTER);
        for machine in world.machines.values_mut() {
            machine.state.knarr.version = version.to_owned();
            machine.state.knarr.amd64 = Some(digit.repeat(64).parse().unwrap());
            machine.state.git.remotes = vec![remote.to_owned()];
        }
        world
    };
    let planned = between(&own("1.0.0", "1", "/srv/a"), &own("1.1.0", "2", "/srv/b"));
    assert_eq!(
        planned.nodes[0].lines[0].change,
        "try knarrd 1.1.0: unless it ends a pass, the one before comes back"
    );
    assert_eq!(planned.notes, ["machines look for commits elsewhere from then on: branch main, at /srv/b"]);
    assert!(
        between(&own("1.0.0", "1", "/srv/a"), &own("1.1.0", "1", "/srv/a")).is_empty(),
        "the same program"
    );
}

#[test]
fn what_does_not_come_back_says_why() {
    let plain = |value: &str| {
        let mut machine = k3s("edge", "a: 1", &[]);
        machine.items = format!("- sysctl: {{kernel.modules_disabled: \"{value}\"}}\n");
        world(&[machine], CLUSTER)
    };
    let planned = between(&plain("0"), &plain("1"));
    assert_eq!(
        planned.nodes[0].lines[0].terms(),
        "cannot be undone: the kernel keeps modules disabled until it reboots"
    );
    assert_eq!(planned.nodes[0].changes[0].way_back, WayBack::Never);
}
