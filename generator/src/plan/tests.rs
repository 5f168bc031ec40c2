mod order;

use super::*;
use crate::git::Side;
use crate::lower::MESH;

const MESH_FILE: &str = "\
format: 1
domain: harbor.example
network: 10.210.0.0/16
pods: 10.42.0.0/16
services: 10.43.0.0/16
port: 51821
mtu: 1380
nodes:
  edge: {ip: 10.210.0.1, key: \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\", role: server, at: [\"203.0.113.7:51821\"]}
  worker: {ip: 10.210.0.2, key: \"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\", at: [\"198.51.100.4:51821\"]}
peers:
  x1: {ip: 10.210.255.1, key: \"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\", via: edge, reach: [ssh]}
";

fn state(node: &str, firewall: &str) -> String {
    format!(
        "knarr: {{format: 1, version: 1.0.0}}\nnode: {node}\ngit: {{remotes: [], branch: main}}\n\
         mesh: {{device: knarr0}}\nfirewall: {firewall}\nitems:\n- sysctl: {{net.ipv4.ip_forward: \"1\"}}\n"
    )
}

/// Makes a world of two machines, of which edge has this firewall.
fn world(mesh: &str, firewall: &str) -> World {
    let files = [
        (MESH, mesh.to_owned()),
        ("rendered/nodes/edge.yaml", state("edge", firewall)),
        ("rendered/nodes/worker.yaml", state("worker", "{ssh: anywhere}")),
    ];
    let files: Side = files.map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).into();
    World::of_files(files).unwrap()
}

fn told(old: &World, new: &World) -> Vec<String> {
    let planned = between(old, new);
    let line = |node: &NodeName, line: &Line| {
        format!("{node}: {}, {}{}", line.change, line.impact, if line.guarded { ", guarded" } else { "" })
    };
    let rows = planned.nodes.iter();
    rows.flat_map(|row| row.lines.iter().map(|it| line(&row.node, it))).chain(planned.notes).collect()
}

#[test]
fn a_new_machine_has_one_line_for_each_part_of_the_network() {
    let said = told(&World::default(), &world(MESH_FILE, "{ssh: mesh, open: [80]}"));
    assert_eq!(
        said[..5],
        [
            "edge: make firewall: opens tcp/80; ssh from the mesh only, live, guarded",
            "edge: make mesh device, address, route, live, guarded",
            "edge: make 2 mesh peers: worker, x1, live, guarded",
            "edge: make names in /etc/hosts, live",
            "edge: make sysctl net.ipv4.ip_forward, live",
        ]
    );
}

#[test]
fn a_firewall_says_what_opens_and_what_closes() {
    let old = world(MESH_FILE, "{ssh: anywhere, open: [443]}");
    let said = told(&old, &world(MESH_FILE, "{ssh: [192.0.2.0/24], open: [80, udp/53]}"));
    let line =
        "edge: change firewall: opens tcp/80, udp/53; closes tcp/443; ssh from 192.0.2.0/24, live, guarded";
    assert_eq!(said, [line]);
}

#[test]
fn a_device_that_comes_is_a_tunnel_at_its_node_and_a_name_in_all_tables() {
    let x2 = "  x2: {ip: 10.210.255.2, key: \"BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY=\", via: edge, reach: [ssh]}\n";
    let (old, new) = (world(MESH_FILE, "{ssh: mesh}"), world(&format!("{MESH_FILE}{x2}"), "{ssh: mesh}"));
    let table = "change firewall: who is in the mesh, and what devices reach, live, guarded";
    let comes = [
        format!("edge: {table}"),
        "edge: make mesh peer x2, live, guarded".to_owned(),
        format!("worker: {table}"),
        "worker: change mesh peer edge, live, guarded".to_owned(),
    ];
    assert_eq!(told(&old, &new), comes);
    assert!(told(&new, &old).contains(&"edge: remove mesh peer x2, live, guarded".to_owned()));
}

#[test]
fn many_names_are_counted() {
    let device = |n: u8| {
        let key = knarr_node::net::WgKey::from([n; 32]);
        format!("  d{n}: {{ip: 10.210.254.{n}, key: \"{key}\", via: edge, reach: [ssh]}}\n")
    };
    let devices: String = (10..30).map(device).collect();
    let (old, new) =
        (world(MESH_FILE, "{ssh: mesh}"), world(&format!("{MESH_FILE}{devices}"), "{ssh: mesh}"));
    let said = told(&old, &new);
    assert!(
        said.contains(
            &"edge: make 20 mesh peers: d10, d11, d12, d13, d14, d15 and 14 more, live, guarded".to_owned()
        ),
        "{said:#?}"
    );
}

#[test]
fn devices_that_lose_their_node_are_named() {
    let moved = MESH_FILE.replace("203.0.113.7", "203.0.113.8");
    let said = told(&world(MESH_FILE, "{ssh: mesh}"), &world(&moved, "{ssh: mesh}"));
    let note =
        "devices find `edge` no more until they get their configuration anew (knarr peer show NAME): x1";
    assert_eq!(said, ["worker: change mesh peer edge, live, guarded", note]);
}

#[test]
fn a_state_without_its_line_in_the_directory_is_refused() {
    let lone = MESH_FILE.lines().filter(|line| !line.contains("worker")).collect::<Vec<_>>().join("\n");
    let files = [(MESH, lone), ("rendered/nodes/worker.yaml", state("worker", "{ssh: mesh}"))];
    let files: Side = files.map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).into();
    assert_eq!(World::of_files(files).unwrap_err().message, "rendered/mesh.yaml does not list node `worker`");
}

/// A server with this version of K3s.
fn with_k3s(version: &str, digit: &str) -> World {
    let (sha256, text) = (digit.repeat(64), version.replace('+', "%2B"));
    let floor = version.parse::<crate::k3s::Version>().unwrap().minor;
    let items = format!(
        "- artifact: {{name: k3s, sha256: \"{sha256}\", from: [/srv/m/{version}/k3s, \"https://github.com/x/{text}/k3s\"]}}\n\
         - link: {{path: /usr/local/bin/k3s, to: /var/lib/knarr/store/{sha256}}}\n\
         - file: {{path: /var/lib/knarr/k3s-token, mode: \"0600\", secret: k3s-token}}\n\
         - file: {{path: /var/lib/rancher/k3s/server/tls/service.key, mode: \"0600\", secret: k3s-service-key}}\n\
         - unit: {{name: k3s.service, text: \"[Install]\\n\", reads: [/usr/local/bin/k3s], floor: {floor}, snapshot: [{{of: [/d]}}]}}\n"
    );
    let state = state("edge", "{ssh: anywhere}") + &items;
    let files: Side = [(MESH, MESH_FILE.to_owned()), ("rendered/nodes/edge.yaml", state)]
        .map(|(path, text)| (path.parse().unwrap(), text.into_bytes()))
        .into();
    World::of_files(files).unwrap()
}

#[test]
fn another_version_of_k3s_says_whether_it_comes_back() {
    let old = with_k3s("v1.36.2+k3s1", "1");
    let said = told(&old, &with_k3s("v1.36.4+k3s1", "2"));
    assert!(said.contains(&"edge: restart unit k3s.service, service restart".to_owned()), "{said:?}");
    let note = said.last().unwrap();
    assert!(
        note.starts_with("K3s goes from v1.36.2+k3s1 to v1.36.4+k3s1: the only server")
            && !note.contains("undone")
    );
    let said = told(&old, &with_k3s("v1.37.0+k3s1", "3"));
    assert!(said.last().unwrap().contains("This cannot be undone"), "{said:?}");
    let unit = "edge: snapshot, then restart unit k3s.service, cannot be undone".to_owned();
    assert!(said.contains(&unit), "{said:?}");
    let back = told(&with_k3s("v1.37.0+k3s1", "3"), &old);
    assert!(back.last().unwrap().contains("#going-back-to-a-snapshot"), "{back:?}");
    let back = between(&with_k3s("v1.37.0+k3s1", "3"), &old);
    let terms: Vec<String> = back.nodes[0].lines.iter().map(Line::terms).collect();
    assert!(
        terms.contains(&"refused: its data are of v1.37, which v1.36 does not read".to_owned()),
        "{terms:?}"
    );
    assert!(back.servers.is_empty(), "what is refused restarts nothing");
    assert!(told(&old, &old).is_empty());
}

#[test]
fn what_k3s_starts_with_is_one_line() {
    let said = told(&World::default(), &with_k3s("v1.36.2+k3s1", "1"));
    let lines = said.iter().filter(|line| line.contains("K3s's")).collect::<Vec<_>>();
    assert_eq!(lines, ["edge: make K3s's tokens and authorities, live"]);
    assert!(
        !said.iter().any(|line| line.contains("/var/lib/rancher") || line.starts_with("K3s goes")),
        "{said:?}"
    );
}
