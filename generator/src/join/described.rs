//! Machines that were described before they join: what their files say counts more than what was seen. Pure.

use super::{Candidate, Place, Refusal, Wishes};
use crate::spec::{At, Node, Role, Spec};
use knarr_node::firewall::Open;
use knarr_node::name::NodeName;
use knarr_node::net::MeshIp;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What a file says of a machine's part in the cluster.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) role: Option<Role>,
    pub(super) place: Option<Place>,
    pub(super) relay: Option<String>,
    pub(super) mesh: Option<MeshIp>,
    pub(super) open: BTreeSet<Open>,
}

impl Written {
    /// Reads what stands there; nothing of a machine that was not described.
    ///
    /// Who wrote an address knows of those that the machine itself does not have, as floating ones.
    pub(super) fn of(described: Option<&Node>) -> Self {
        let Some(node) = described else { return Self::default() };
        let address = node.address.as_ref().and_then(|word| word.parse().ok()).map(Place::At);
        let mesh = node.mesh.as_ref().and_then(|word| word.parse::<Ipv4Addr>().ok());
        Self {
            role: node.roles.first().map(|role| role.value),
            place: address.or(node.nat.then_some(Place::Nat)),
            relay: node.relay.as_ref().map(|word| word.value.clone()),
            mesh: mesh.map(MeshIp::from),
            open: node.open.iter().filter_map(|word| word.0.parse().ok()).collect(),
        }
    }
}

/// Returns where what was typed or seen contradicts the files of machines that were described, by name.
pub fn contradictions(spec: &Spec, candidates: &[Candidate], wishes: &Wishes) -> Vec<(NodeName, Refusal)> {
    let names: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let found = candidates.iter().flat_map(|candidate| {
        let name = &candidate.name;
        let node = spec.described.get(name.as_str());
        let relay = |relay: &&str| !names.contains(relay) && !spec.nodes.contains_key(*relay);
        let relay = node.and_then(|node| node.relay.as_ref()).map(|word| word.as_str()).filter(relay);
        let relay = relay.map(|relay| Refusal::RelayWaits(relay.to_owned()));
        let own = node.map(|node| one(node, candidate, wishes)).unwrap_or_default();
        own.into_iter().chain(relay).map(|refusal| (name.clone(), refusal))
    });
    found.collect()
}

fn one(node: &Node, candidate: &Candidate, wishes: &Wishes) -> Vec<Refusal> {
    let (name, written, mut found) = (&candidate.name, Written::of(Some(node)), Vec::new());
    if node.removed {
        found.push(Refusal::Removed(name.clone()));
    }
    if written.role == Some(Role::Agent) && wishes.servers.contains(name) {
        found.push(Refusal::SaysAgent(name.clone()));
    }
    let typed = wishes.open.get(name);
    if !written.open.is_empty() && typed.is_some_and(|typed| !typed.is_subset(&written.open)) {
        found.push(Refusal::SaysOpen(name.clone()));
    }
    if let (Some(says), Ok(is)) = (node.arch, &candidate.probe.arch)
        && says != *is
    {
        found.push(Refusal::SaysArch { name: name.clone(), says, is: *is });
    }
    found
}

/// Returns the file of a machine that was described before it was added: what was written there counts, word by word.
pub fn completed(described: &Node, added: Node) -> Node {
    let or = |old: &Option<At<String>>, new| old.clone().or(new);
    let roles = if described.roles.is_empty() { added.roles } else { described.roles.clone() };
    let open = if described.open.is_empty() { added.open } else { described.open.clone() };
    Node {
        roles,
        open,
        address: or(&described.address, added.address),
        nat: added.nat,
        relay: or(&described.relay, added.relay),
        ssh: or(&described.ssh, added.ssh),
        mesh: or(&described.mesh, added.mesh),
        arch: described.arch.or(added.arch),
        keys: added.keys,
        ..described.clone()
    }
}
