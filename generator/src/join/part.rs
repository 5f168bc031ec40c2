//! What machines become in the cluster, and the files that say so. Pure.

use super::ports::reached;
use super::{Candidate, Place, keys};
use crate::address::{Kind, proposed, taken};
use crate::probe::short;
use crate::spec::{Arch, At, Node, OpenPort, Role, Spec};
use ipnet::Ipv4Net;
use knarr_node::enrol::Born;
use knarr_node::firewall::Open;
use knarr_node::name::NodeName;
use knarr_node::net::MeshIp;
use std::collections::{BTreeMap, BTreeSet};

/// What a machine becomes in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is to K3s.
    pub role: Role,
    /// How others reach it.
    pub place: Place,
    /// Who forwards between it and others behind NAT.
    pub relay: Option<String>,
    /// Its address in the mesh; none when the mesh is full.
    pub mesh: Option<MeshIp>,
    /// Ports that the internet may dial.
    pub open: BTreeSet<Open>,
}

/// What was typed about machines, besides how they are reached.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Who is to be a server.
    pub servers: BTreeSet<NodeName>,
    /// Which ports are to be open.
    pub open: BTreeMap<NodeName, BTreeSet<Open>>,
}

impl Wishes {
    /// Returns a machine that is named in a wish and is none of `names`.
    pub fn stranger(&self, names: &BTreeSet<&NodeName>) -> Option<&NodeName> {
        self.servers.iter().chain(self.open.keys()).find(|name| !names.contains(name))
    }
}

/// Returns how others reach a machine, as far as its file said so before it was enrolled: who wrote it knows of
/// addresses that the machine itself does not have, as floating ones.
pub fn heed(seen: Place, described: Option<&Node>) -> Place {
    let Some(Node { address, nat, .. }) = described else { return seen };
    let address = address.as_ref().and_then(|word| word.parse().ok()).map(Place::At);
    address.unwrap_or(if *nat { Place::Nat } else { seen })
}

/// Decides what each machine becomes, in the order of `names`.
///
/// A cluster without a server gets one, if none was wished: the first that others reach, else the first. Who is behind NAT goes through the
/// first server that others reach, else through the first such machine.
pub fn parts(
    spec: &Spec,
    mesh: Ipv4Net,
    names: &[&NodeName],
    places: &[Place],
    wishes: &Wishes,
) -> Vec<Part> {
    let there = || spec.nodes.values().filter(|node| !node.removed);
    let served = there().any(|node| node.roles.iter().any(|role| role.value == Role::Server));
    let reached = |place: &Place| matches!(place, Place::At(_));
    let founds = !served && wishes.servers.is_empty();
    let founder = founds.then(|| places.iter().position(reached).unwrap_or(0));
    let is_server = |n: usize| Some(n) == founder || wishes.servers.contains(names[n]);
    let role = |n: usize| if is_server(n) { Role::Server } else { Role::Agent };
    let known = spec.nodes.iter().filter(|(_, node)| !node.removed && !node.nat);
    let known =
        known.map(|(name, node)| (!node.roles.iter().any(|role| role.value == Role::Server), name.clone()));
    let new = places.iter().enumerate().filter(|(_, place)| reached(place));
    let new = new.map(|(n, _)| (role(n) != Role::Server, names[n].to_string()));
    let relay = known.chain(new).min_by_key(|(no_server, _)| *no_server).map(|(_, name)| name);
    let mut taken = taken(spec);
    let part = |(n, place): (usize, &Place)| {
        let mesh = proposed(Kind::Node, names[n].as_str(), mesh, &taken);
        taken.extend(mesh);
        let relay = relay.clone().filter(|_| *place == Place::Nat);
        let open = wishes.open.get(names[n]).cloned().unwrap_or_default();
        Part { role: role(n), place: *place, relay, mesh, open }
    };
    places.iter().enumerate().map(part).collect()
}

/// Returns the file of a machine that was described before it was added: what was written there counts.
pub fn described(described: &Node, added: Node) -> Node {
    let or = |old: &Option<At<String>>, new| old.clone().or(new);
    let roles = if described.roles.is_empty() { added.roles } else { described.roles.clone() };
    let open = if described.open.is_empty() { added.open } else { described.open.clone() };
    Node {
        roles,
        open,
        address: or(&described.address, added.address),
        nat: described.nat || added.nat,
        relay: or(&described.relay, added.relay),
        ssh: or(&described.ssh, added.ssh),
        mesh: or(&described.mesh, added.mesh),
        arch: described.arch.or(added.arch),
        keys: added.keys,
        ..described.clone()
    }
}

/// Returns the file of a machine that was added.
pub fn node(candidate: &Candidate, part: &Part, born: &Born) -> Node {
    let arch = candidate.probe.arch.clone().unwrap_or_default();
    let (address, nat) = match part.place {
        Place::At(ip) => (Some(At::from(ip.to_string())), false),
        Place::Nat => (None, true),
    };
    Node {
        roles: vec![part.role.into()],
        address,
        nat,
        relay: part.relay.as_deref().map(At::from),
        ssh: Some(reached(candidate).to_string().into()),
        open: part.open.iter().map(|port| OpenPort(short(*port)).into()).collect(),
        mesh: part.mesh.map(|ip| ip.to_string().into()),
        arch: (arch != Arch::default()).then_some(arch),
        keys: keys(born),
        ..Node::default()
    }
}
