//! Edge, the machine under test, and everyone around it.

use crate::namespaces::Machine;
use knarr_node::firewall::{self, FirewallPart};
use knarr_node::mesh::{Directory, Mesh};
use std::collections::BTreeMap;
use std::net::TcpListener;

const DIRECTORY: &str = r#"
format: 1
domain: harbor.example
network: 10.210.0.0/16
pods: 10.42.0.0/16
services: 10.43.0.0/16
port: 51821
mtu: 1380
nodes:
  attic: {ip: 10.210.0.3, key: "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", role: server, relay: edge}
  edge: {ip: 10.210.0.1, key: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", role: server, at: ["203.0.113.7:51821"], ssh: "203.0.113.7:22"}
  worker: {ip: 10.210.0.2, key: "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", at: ["198.51.100.4:51821"]}
peers:
  x1: {ip: 10.210.255.1, key: "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=", via: edge, reach: [api, ssh]}
  x2: {ip: 10.210.255.2, key: "BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY=", via: edge, reach: [pods, "worker:5432"]}
  x3: {ip: 10.210.255.3, key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", via: edge, reach: [nodes]}
"#;

/// What kube-proxy, ServiceLB and others translate: a NodePort, a host port, an address of a load balancer, the API's Service.
const KUBE_PROXY: &str = "table ip kube {
    chain prerouting {
        type nat hook prerouting priority dstnat
        fib daddr type local tcp dport { 443, 30080 } dnat to 10.42.0.5:8080
        fib daddr type local tcp dport 8081 dnat to 172.17.0.2:8000
        ip daddr 203.0.113.50 tcp dport 9000 dnat to 10.42.0.5:8080
        ip daddr 203.0.113.50 tcp dport 9001 dnat to 203.0.113.7:3306
        ip daddr 10.43.0.1 tcp dport 443 dnat to 10.210.0.1:6443
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        ct status dnat ip saddr 10.42.0.5 ip daddr 10.42.0.5 masquerade
    }
}
";

/// Port of a listener that is nobody's business: mariadb, on all addresses.
const PRIVATE: u16 = 3306;

/// Edge and everyone around it, by the names of dials.txt.
pub(crate) struct World {
    machines: BTreeMap<&'static str, Machine>,
    pub(crate) listeners: Vec<TcpListener>,
}

impl World {
    pub(crate) fn new() -> Self {
        let edge = Machine::new();
        let outside = edge_neighbour(&edge, "eth0", ("203.0.113.7/24", "203.0.113.9/24"), "203.0.113.7");
        let pod = edge_neighbour(&edge, "cni0", ("10.42.0.1/24", "10.42.0.5/24"), "10.42.0.1");
        let container = edge_neighbour(&edge, "docker0", ("172.17.0.1/16", "172.17.0.2/16"), "172.17.0.1");
        edge.ip("addr add 2001:db8::7/64 dev eth0 nodad");
        outside.ip("addr add 2001:db8::9/64 dev eth0 nodad\nroute add 203.0.113.50 via 203.0.113.7");
        let wire = Machine::new();
        wire.ip("link add wire type bridge\nlink set wire up");
        wire.cable("edge", &edge, "knarr0");
        wire.ip("link set edge master wire");
        edge.ip("addr add 10.210.0.1/32 dev knarr0\nroute add 10.210.0.0/16 dev knarr0");
        let on_mesh = |ip: &str| mesh_neighbour(&wire, ip);
        let [worker, attic] = ["10.210.0.2", "10.210.0.3"].map(on_mesh);
        let [x1, x2, x3, intruder] =
            ["10.210.255.1", "10.210.255.2", "10.210.255.3", "10.210.0.99"].map(on_mesh);
        let forwarding =
            "net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.knarr0.send_redirects=0";
        edge.run(&[&["sysctl", "-q", "-w"], &forwarding.split(' ').collect::<Vec<_>>()[..]].concat(), "");
        edge.run(&["nft", "-f", "-"], KUBE_PROXY);
        let mut listeners = edge.listen(&[22, 80, 2379, PRIVATE, 6443, 10250, 51821]);
        listeners.extend(outside.listen(&[8000]));
        listeners.extend(container.listen(&[8000]));
        listeners.extend(pod.listen(&[8080]));
        listeners.extend(worker.listen(&[22, 5432]));
        listeners.extend(attic.listen(&[6443]));
        let near =
            [("edge", edge), ("outside", outside), ("pod", pod), ("container", container), ("wire", wire)];
        let mesh = [
            ("worker", worker),
            ("attic", attic),
            ("x1", x1),
            ("x2", x2),
            ("x3", x3),
            ("intruder", intruder),
        ];
        Self { machines: near.into_iter().chain(mesh).collect(), listeners }
    }

    pub(crate) fn at(&self, name: &str) -> &Machine {
        &self.machines[name]
    }

    /// Loads edge's table for what its State would say.
    pub(crate) fn load(&self, part: &str) {
        self.at("edge").run(&["nft", "-f", "-"], &script(part));
    }
}

/// Makes a machine at the other end of a cable from edge, which routes everything through edge.
fn edge_neighbour(edge: &Machine, device: &str, (here, there): (&str, &str), gateway: &str) -> Machine {
    let machine = Machine::new();
    edge.cable(device, &machine, "eth0");
    edge.ip(&format!("addr add {here} dev {device}"));
    machine.ip(&format!("addr add {there} dev eth0\nroute add default via {gateway}"));
    machine
}

/// Makes a machine of the mesh whose every packet goes to edge, as through a tunnel.
fn mesh_neighbour(wire: &Machine, ip: &str) -> Machine {
    let machine = Machine::new();
    let port = format!("p{}", ip.replace('.', ""));
    wire.cable(&port, &machine, "eth0");
    wire.ip(&format!("link set {port} master wire"));
    machine.ip(&format!(
        "addr add {ip}/32 dev eth0\nroute add 10.210.0.1 dev eth0\nroute add default via 10.210.0.1"
    ));
    machine
}

fn script(part: &str) -> String {
    let directory: Directory = serde_saphyr::from_str(DIRECTORY).unwrap();
    let part: FirewallPart = serde_saphyr::from_str(part).unwrap();
    let (edge, device) = ("edge".parse().unwrap(), "knarr0".parse().unwrap());
    firewall::table(&part, &Mesh::new(&directory, &edge, &device).unwrap()).script()
}
