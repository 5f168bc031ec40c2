//! What machines become in the cluster, and the files that say so. Pure.

use super::described::Written;
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

/// Decides what each machine becomes, in the order of `names`: what the file of one that was described says counts.
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
    let written: Vec<Written> =
        names.iter().map(|name| Written::of(spec.described.get(name.as_str()))).collect();
    let places: Vec<Place> =
        places.iter().zip(&written).map(|(seen, written)| written.place.unwrap_or(*seen)).collect();
    let roles = roles(spec, names, &places, &written, wishes);
    let relay = relay(spec, names, &places, &roles);
    let mut taken = taken(spec);
    let part = |(n, written): (usize, Written)| {
        let free = || proposed(Kind::Node, names[n].as_str(), mesh, &taken);
        let mesh = written.mesh.or_else(free);
        taken.extend(mesh);
        let relay = written.relay.or_else(|| relay.clone()).filter(|_| places[n] == Place::Nat);
        let typed = || wishes.open.get(names[n]).cloned().unwrap_or_default();
        let open = if written.open.is_empty() { typed() } else { written.open };
        Part { role: roles[n], place: places[n], relay, mesh, open }
    };
    written.into_iter().enumerate().map(part).collect()
}

fn roles(
    spec: &Spec,
    names: &[&NodeName],
    places: &[Place],
    written: &[Written],
    wishes: &Wishes,
) -> Vec<Role> {
    let served = spec.there().flat_map(|(_, node)| &node.roles).any(|role| role.value == Role::Server);
    let typed = |name: &NodeName| wishes.servers.contains(name).then_some(Role::Server);
    let mut roles: Vec<Option<Role>> =
        names.iter().zip(written).map(|(name, written)| written.role.or_else(|| typed(name))).collect();
    if !served && !roles.contains(&Some(Role::Server)) {
        let free = (0..names.len()).filter(|n| roles[*n].is_none());
        if let Some(founder) = free.min_by_key(|n| places[*n] == Place::Nat) {
            roles[founder] = Some(Role::Server);
        }
    }
    roles.into_iter().map(|role| role.unwrap_or(Role::Agent)).collect()
}

/// Returns the machine that forwards for all that are behind NAT.
fn relay(spec: &Spec, names: &[&NodeName], places: &[Place], roles: &[Role]) -> Option<String> {
    let known = spec.nodes.iter().filter(|(_, node)| !node.removed && !node.nat);
    let known =
        known.map(|(name, node)| (!node.roles.iter().any(|role| role.value == Role::Server), name.clone()));
    let new = (0..names.len()).filter(|n| places[*n] != Place::Nat);
    let new = new.map(|n| (roles[n] != Role::Server, names[n].to_string()));
    known.chain(new).min_by_key(|(no_server, _)| *no_server).map(|(_, name)| name)
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
