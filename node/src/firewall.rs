//! The firewall of one machine, lowered from its State and the mesh directory to one table. Pure; nothing is chosen here.
//!
//! A flow is judged by its first packet; what belongs to a flow that was let in passes. Three hooks ask:
//!
//! - `prerouting`: **who may dial what?** It is asked of the address and port that were dialled, *before* K3s translates
//!   them (DNAT), so NodePorts, host ports and ServiceLB are closed to the internet like any other port, and people's
//!   devices get what their `reach` says. Packets are whole here: conntrack has put fragments together.
//! - `input`: **does the machine itself serve this?** K3s listens on all addresses; who reaches API, kubelet and etcd is
//!   decided here, for nodes and pods too.
//! - `forward`: what outsiders send on into the cluster must have been dialled at an open port, also where an address
//!   of a load balancer is not this machine's own.
//!
//! The port that was dialled is asked of conntrack, so `internet` is one list with one meaning before and after DNAT.
//! What is neither the machine's nor the cluster's (docker0, virtual machines) passes through untouched.
//!
//! Source: nft(8), v1.0.6, standard hooks and priorities: conntrack -200, mangle -150, dstnat -100.

mod part;
mod rule;

pub use part::{FirewallPart, Open, Proto, Ssh};

use crate::item::NftTable;
use crate::mesh::{Listing, Mesh, MeshNode, Reach, Role};
use crate::name::TableName;
use crate::net::Port;
use ipnet::IpNet;
use rule::{Chain, Match, Rule, Set, Verdict, Who, accept, drop};
use std::collections::{BTreeMap, BTreeSet};

/// What pods come in by: K3s's own names for its bridge and its VXLAN devices. Their addresses alone would prove nothing.
/// Source: k3s install.sh, k3s-killall.sh at 0136cf2.
const PODS: &[&str] = &["cni0", "flannel.1", "flannel-v6.1"];

/// The Kubernetes API and K3s's supervisor. These ports: K3s documentation, installation/requirements.md, 2026-11.
const API: u16 = 6443;
/// The kubelet.
const KUBELET: u16 = 10250;
/// etcd's clients and peers.
const ETCD: [u16; 2] = [2379, 2380];
/// Images that nodes hand to each other, if `embedded-registry` is on.
const SPEGEL: u16 = 5001;
/// Pod packets between nodes; it trusts whoever sends, so it must never be open to the internet.
const VXLAN: u16 = 8472;

/// What nobody may be without. ICMP errors belong to flows; without the others IPv6 has no neighbours, and machines that
/// get their address by DHCPv6 lose it, for its answers come from another address than was asked.
/// Source: RFC 4890 section 4.4; RFC 8415 section 7.2 for the ports.
const NECESSITIES: &[&str] = &[
    "icmp type echo-request",
    "icmpv6 type { echo-request, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query }",
    "udp sport 67 udp dport 68",
    "ip6 saddr fe80::/10 udp sport 547 udp dport 546",
];

const KNOWN: &str = "ct state established,related";
const TRANSLATED: &str = "ct status dnat";
const NODES: &str = "mesh_nodes";
const SERVERS: &str = "mesh_servers";
const DEVICES: &str = "mesh_devices";
const REACH: &str = "reach";
const INTERNET: &str = "internet";

/// Returns the table of one machine: `part` is what its State says, the rest follows from the directory.
pub fn table(part: &FirewallPart, mesh: &Mesh) -> NftTable {
    let sets = sets(mesh);
    let chains = [internet(part, mesh), devices(mesh), prerouting(mesh), input(mesh), forward(mesh)];
    let text: Vec<String> =
        sets.iter().map(ToString::to_string).chain(chains.iter().map(ToString::to_string)).collect();
    NftTable { name: name(), text: text.concat() }
}

fn name() -> TableName {
    "knarr".parse().expect("knarr is a table's name")
}

fn sets(mesh: &Mesh) -> [Set; 3] {
    let Listing { nodes, peers, .. } = &**mesh.directory;
    let servers = nodes.values().filter(|node| node.role == Role::Server);
    [
        Set { name: NODES, elements: nodes.values().map(|node| node.ip).collect() },
        Set { name: SERVERS, elements: servers.map(|node| node.ip).collect() },
        Set { name: DEVICES, elements: peers.values().map(|device| device.ip).collect() },
    ]
}

/// What the whole internet may dial, and so do nodes and pods.
fn internet(part: &FirewallPart, mesh: &Mesh) -> Chain {
    let mut rules: Vec<Rule> = NECESSITIES.iter().map(|text| accept([Match::Plain(text)])).collect();
    rules.push(accept([Match::Dialled(Proto::Udp, [mesh.directory.port].into())]));
    rules.extend(ssh(part, mesh));
    for proto in [Proto::Tcp, Proto::Udp] {
        let of_proto = part.open.iter().filter(|open| open.proto == proto);
        let ports: BTreeSet<Port> = of_proto.map(|open| open.port).collect();
        rules.extend((!ports.is_empty()).then(|| accept([Match::Dialled(proto, ports)])));
    }
    Chain { name: INTERNET, hook: None, rules }
}

fn ssh(part: &FirewallPart, mesh: &Mesh) -> Vec<Rule> {
    let dialled = || Match::Dialled(Proto::Tcp, [mesh.me.ssh_port()].into());
    match &part.ssh {
        Ssh::Mesh => vec![],
        Ssh::Anywhere => vec![accept([dialled()])],
        Ssh::From(networks) => {
            // nft refuses a set whose networks overlap
            let apart = IpNet::aggregate(&networks.iter().copied().collect());
            let (v4, v6): (BTreeSet<IpNet>, BTreeSet<IpNet>) =
                apart.into_iter().partition(|net| net.addr().is_ipv4());
            let some = [v4, v6].into_iter().filter(|nets| !nets.is_empty());
            some.map(|nets| accept([Match::From(Who::Nets(nets)), dialled()])).collect()
        }
    }
}

/// What devices may dial: what their `reach` says, and a ping, so that people see how far they get. What trusts its
/// sender, as VXLAN does, is never theirs.
fn devices(mesh: &Mesh) -> Chain {
    let mut reaching: BTreeMap<&Reach, BTreeSet<IpNet>> = BTreeMap::new();
    for device in mesh.directory.peers.values() {
        for reach in &device.reach {
            reaching.entry(reach).or_default().insert(device.ip.alone().into());
        }
    }
    let mut rules = vec![
        drop([Match::Ports(Proto::Udp, ports([VXLAN]))]),
        drop([Match::Ports(Proto::Tcp, [mesh.directory.port].into())]),
        accept([Match::To(Who::Set(NODES)), Match::Plain("icmp type echo-request")]),
    ];
    for (reach, who) in reaching {
        let what = reached(reach, mesh);
        rules.extend(what.map(|what| accept([Match::From(Who::Nets(who))].into_iter().chain(what))));
    }
    rules.push(drop([]));
    Chain { name: REACH, hook: None, rules }
}

/// Returns what an entry of `reach` stands for; nothing when its node is gone.
fn reached(reach: &Reach, mesh: &Mesh) -> Option<Vec<Match>> {
    let Listing { nodes, pods, services, .. } = &**mesh.directory;
    Some(match reach {
        Reach::Api => vec![Match::To(Who::Set(SERVERS)), Match::Ports(Proto::Tcp, ports([API]))],
        Reach::Ssh => {
            let ports = nodes.values().map(MeshNode::ssh_port).collect();
            vec![Match::To(Who::Set(NODES)), Match::Ports(Proto::Tcp, ports)]
        }
        Reach::Pods => vec![Match::To(Who::nets([*pods, *services]))],
        Reach::Nodes => vec![Match::To(Who::Set(NODES))],
        Reach::Port(node, port) => {
            vec![
                Match::To(Who::nets([nodes.get(node)?.ip.alone()])),
                Match::Ports(Proto::Tcp, [*port].into()),
            ]
        }
    })
}

/// Who may dial what? kube-proxy lets 127.0.0.0/8 be routed, so its neighbours must not send there (CVE-2020-8558).
fn prerouting(mesh: &Mesh) -> Chain {
    let Listing { network, pods, services, .. } = &**mesh.directory;
    let cluster = || Match::To(Who::nets([*network, *pods, *services]));
    let tunnels = || Match::In(vec![mesh.device.as_str().to_owned()]);
    let rules = vec![
        accept([Match::In(vec!["lo".to_owned()])]),
        drop([Match::Plain("ip daddr 127.0.0.0/8")]),
        drop([Match::Plain("ip6 daddr ::1")]),
        accept([Match::Plain(KNOWN)]),
        Rule::new([tunnels(), Match::From(Who::Set(DEVICES))], Verdict::Goto(REACH)),
        accept([tunnels(), Match::From(Who::Set(NODES)), cluster()]),
        drop([tunnels()]),
        accept([pods_in()]),
        drop([cluster()]),
        accept([Match::Plain("fib daddr type != local")]),
        Rule::new([], Verdict::Jump(INTERNET)),
        drop([]),
    ];
    Chain { name: "prerouting", hook: Some("prerouting priority mangle; policy accept"), rules }
}

/// Does the machine itself serve this? Devices were judged by what they dialled, and so was what K3s translated.
fn input(mesh: &Mesh) -> Chain {
    let tunnels = || Match::In(vec![mesh.device.as_str().to_owned()]);
    let listener = mesh.directory.port;
    let server = mesh.me.role == Role::Server;
    let api = ports(server.then_some(API));
    let both: BTreeSet<Port> = ports([KUBELET]).into_iter().chain([listener]).chain(api).collect();
    let nodes = both.iter().copied().chain(ports([SPEGEL])).chain([mesh.me.ssh_port()]).collect();
    let etcd = accept([tunnels(), Match::From(Who::Set(SERVERS)), Match::Ports(Proto::Tcp, ports(ETCD))]);
    let mut rules = vec![
        accept([Match::In(vec!["lo".to_owned()])]),
        accept([Match::Plain(KNOWN)]),
        accept([tunnels(), Match::From(Who::Set(DEVICES))]),
        accept([tunnels(), Match::Plain(TRANSLATED)]),
        accept([tunnels(), Match::Ports(Proto::Tcp, nodes)]),
        accept([tunnels(), Match::Ports(Proto::Udp, ports([VXLAN]))]),
    ];
    rules.extend(server.then_some(etcd));
    rules.extend([
        accept([pods_in(), Match::Plain(TRANSLATED)]),
        accept([pods_in(), Match::Ports(Proto::Tcp, both)]),
        Rule::new([], Verdict::Jump(INTERNET)),
    ]);
    Chain { name: "input", hook: Some("input priority filter; policy drop"), rules }
}

/// What outsiders send on into the cluster must have been dialled at an open port.
fn forward(mesh: &Mesh) -> Chain {
    let inside = || PODS.iter().copied().chain([mesh.device.as_str()]).map(str::to_owned).collect();
    let rules = vec![
        accept([Match::Plain(KNOWN)]),
        accept([Match::In(inside())]),
        accept([Match::NotOut(inside())]),
        Rule::new([], Verdict::Jump(INTERNET)),
        drop([]),
    ];
    Chain { name: "forward", hook: Some("forward priority filter; policy accept"), rules }
}

fn pods_in() -> Match {
    Match::In(PODS.iter().copied().map(str::to_owned).collect())
}

fn ports(numbers: impl IntoIterator<Item = u16>) -> BTreeSet<Port> {
    numbers.into_iter().filter_map(|number| Port::try_from(number).ok()).collect()
}
