//! The mesh: every machine and device with an address of its own, and the directory that all share.

use super::check::{self, Check};
use super::{Cluster, Network, Node, Peer};
use crate::address::{Kind, proposed, taken};
use crate::finding::{Fault, Place};
use crate::spec::{At, Spec, SshFrom};
use ipnet::Ipv4Net;
use knarr_node::mesh::{Directory, Listing, MeshNode, Reach};
use knarr_node::name::{DomainName, NodeName, PeerName, RepoPath};
use knarr_node::net::{Endpoint, MeshIp, Port};
use knarr_node::state::FORMAT;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// The UDP port of WireGuard, and the TCP port of knarrd's listener.
const PORT: u16 = 51821;

/// One line of the address plan: whose it is, and what the file says.
struct Line<'a> {
    path: RepoPath,
    kind: Kind,
    name: &'a str,
    word: Option<&'a At<String>>,
}

impl Check<'_> {
    /// Reports addresses that are missing, outside the mesh, or had by two; removed machines keep theirs.
    pub(super) fn addresses(&mut self, network: Option<&Network>) {
        let Some(network) = network.map(|network| network.mesh) else { return };
        let lines = lines(self.spec);
        let ip = |word: &At<String>| word.parse::<Ipv4Addr>().ok().map(MeshIp::from);
        let mut taken = taken(self.spec);
        let mut whose: BTreeMap<MeshIp, RepoPath> = BTreeMap::new();
        for line in lines {
            let Line { path, word, .. } = &line;
            let mut free = || hint(&line, network, &mut taken);
            match word.map(|word| (word, ip(word))) {
                None => self.findings.add(Place::file(path), Fault::NoMeshAddress { hint: free() }),
                Some((word, None)) => self.bad(path, word, "a mesh address", "four numbers joined by dots"),
                Some((word, Some(ip))) if !is_machine(ip, network) => {
                    self.findings
                        .add(Place::of(path, word), Fault::OutsideMesh { ip, network, hint: free() });
                }
                Some((word, Some(ip))) => {
                    if let Some(other) = whose.insert(ip, path.clone()) {
                        let fault = Fault::SameAddress { ip, other, hint: free() };
                        self.findings.add(Place::of(path, word), fault);
                    }
                }
            }
        }
    }

    /// Warns when nobody could log in.
    pub(super) fn logins(&mut self) {
        let Some(cluster) = &self.spec.cluster else { return };
        let reaches = |word: &At<String>| ["ssh", "nodes"].contains(&word.as_str());
        let someone = self.spec.peers.values().flat_map(|peer| &peer.reach).any(reaches);
        let from = &cluster.firewall.ssh;
        if from.value == SshFrom::Mesh
            && !someone
            && !self.spec.nodes.is_empty()
            && !self.folder_broken("peers/")
        {
            self.findings.add(Place::of(&check::path("cluster.yaml"), from), Fault::NobodyLogsIn {});
        }
    }

    /// Returns the directory; none when something else would be wrong with it.
    pub(super) fn directory(
        &mut self,
        cluster: &Cluster,
        nodes: &BTreeMap<NodeName, Node>,
        peers: &BTreeMap<PeerName, Peer>,
    ) -> Option<Directory> {
        let built = Directory::try_from(listing(cluster, nodes, peers));
        let place = Place::file(&check::path("cluster.yaml"));
        let fault =
            |bad: knarr_node::mesh::BadDirectory| Fault::BadMesh { why: bad.to_string(), hint: bad.help() };
        built.map_err(|bad| self.findings.add(place, fault(bad))).ok()
    }
}

fn lines(spec: &Spec) -> Vec<Line<'_>> {
    let path = |folder, name| check::path(&format!("{folder}/{name}.yaml"));
    // Who waits for an enrolment gets an address by it, unless one is written.
    let described = spec.described.iter().filter(|(_, node)| node.mesh.is_some());
    let nodes = spec.nodes.iter().chain(described).map(|(name, node)| Line {
        path: path("nodes", name),
        kind: Kind::Node,
        name,
        word: node.mesh.as_ref(),
    });
    let peers = spec.peers.iter().map(|(name, peer)| Line {
        path: path("peers", name),
        kind: Kind::Device,
        name,
        word: peer.mesh.as_ref(),
    });
    nodes.chain(peers).collect()
}

fn hint(line: &Line<'_>, network: Ipv4Net, taken: &mut BTreeSet<MeshIp>) -> String {
    match proposed(line.kind, line.name, network, taken) {
        Some(free) => {
            taken.insert(free);
            format!("write `mesh: {free}`, which nobody has")
        }
        None => "all addresses are taken: choose a larger `network.mesh` in cluster.yaml".to_owned(),
    }
}

fn is_machine(ip: MeshIp, network: Ipv4Net) -> bool {
    network.contains(&ip.addr()) && ![network.network(), network.broadcast()].contains(&ip.addr())
}

fn listing(cluster: &Cluster, nodes: &BTreeMap<NodeName, Node>, peers: &BTreeMap<PeerName, Peer>) -> Listing {
    let port = Port::try_from(PORT).expect("it is not 0");
    let there = nodes.iter().filter(|(_, node)| !node.removed);
    let node = |node: &Node| MeshNode {
        ip: node.mesh,
        key: node.keys.wireguard,
        role: node.role,
        at: node.address.map(|address| endpoint(address, port)).into_iter().collect(),
        ssh: Some(endpoint(dialled(node), node.ssh_port())),
        relay: node.relay.clone(),
    };
    Listing {
        format: FORMAT,
        domain: cluster.domain(),
        network: cluster.network.mesh,
        pods: cluster.network.pods,
        services: cluster.network.services,
        port,
        mtu: cluster.network.mtu,
        nodes: there.map(|(name, it)| (name.clone(), node(it))).collect(),
        peers: peers.iter().map(|(name, peer)| (name.clone(), peer.device.clone())).collect(),
    }
}

/// Returns where a machine's sshd is dialled: at its address, else over the mesh. Who may is not said here.
fn dialled(node: &Node) -> IpAddr {
    node.address.unwrap_or(IpAddr::V4(node.mesh.addr()))
}

fn endpoint(address: IpAddr, port: Port) -> Endpoint {
    let text = std::net::SocketAddr::new(address.to_canonical(), port.number()).to_string();
    text.parse().expect("an address and a port are an endpoint")
}

/// Returns the devices, by the node they dial, whose configuration is not true any more after `new`.
pub fn cut<'a>(old: &'a Listing, new: &'a Listing) -> BTreeMap<&'a NodeName, Vec<&'a PeerName>> {
    let way = |listing: &'a Listing, name: &PeerName| {
        let device = listing.peers.get(name)?;
        let node = listing.nodes.get(&device.via)?;
        let reaches_pods = device.reach.contains(&Reach::Pods);
        let pods = reaches_pods.then_some((listing.pods, listing.services));
        Some((&device.via, node.key, node.at.first(), listing.port, listing.network, pods))
    };
    let mut cut: BTreeMap<&NodeName, Vec<&PeerName>> = BTreeMap::new();
    for (name, device) in new.peers.iter().filter(|(name, _)| old.peers.contains_key(*name)) {
        if way(old, name) != way(new, name) {
            cut.entry(&device.via).or_default().push(name);
        }
    }
    cut
}

/// Returns names of devices, joined by commas.
pub fn names(devices: &[&PeerName]) -> String {
    devices.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

impl Cluster {
    /// Returns the domain below which machines have their names. Without one of its own the cluster takes a domain that
    /// nobody else can have. Source: ICANN resolution 2024.07.29.06 reserves `internal`.
    pub fn domain(&self) -> DomainName {
        let text = self.domain.clone().unwrap_or_else(|| format!("{}.internal", self.name));
        text.parse().expect("a proven domain or a label before another is a domain")
    }
}
