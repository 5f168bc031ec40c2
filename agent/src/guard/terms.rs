//! By whom a stage can be judged, from what is wanted and what is there.

use super::{Contacts, Situation};
use knarr_node::firewall::Ssh;
use knarr_node::item::WgPeer;
use knarr_node::name::NodeName;
use knarr_node::{Change, Have, Item, Seen};
use std::collections::BTreeSet;

/// By whom a stage is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Nodes to which there is a tunnel that stays, best witnesses first.
    pub known: Vec<NodeName>,
    /// Those of them whose tunnel changes: they say nothing before they have the commit too.
    pub changed: BTreeSet<NodeName>,
    /// Whether people are shut out of the SSH port that they could use until now.
    pub closes_ssh: bool,
}

impl Terms {
    /// Finds out by whom `stage` can be judged. `proven` is who could dial sshd after the last proven stage.
    pub fn of(
        stage: &[Change],
        want: &[Item],
        have: &Have,
        situation: &Situation,
        proven: Option<&Ssh>,
    ) -> Self {
        let wanted: Vec<&WgPeer> = want.iter().filter_map(peer).collect();
        let there: Vec<&WgPeer> = have.iter().filter_map(|(_, seen)| seen_peer(seen)).collect();
        let leads_to = |peers: &[&WgPeer], node: &NodeName| peers.iter().any(|peer| is_for(peer, node));
        let stays = |node: &&NodeName| leads_to(&wanted, node) && leads_to(&there, node);
        let known: Vec<NodeName> = situation.nodes.iter().filter(stays).cloned().collect();
        let redialled = stage.iter().any(dials_anew);
        let same = |node: &NodeName| {
            let mut wanted = wanted.iter().filter(|peer| is_for(peer, node));
            wanted.all(|wanted| there.iter().any(|there| same_tunnel(wanted, there)))
        };
        let changed = known.iter().filter(|node| redialled || !same(node)).cloned().collect();
        let shuts = stage.iter().any(|change| matches!(change.wanted(), Some(Item::Table(_))));
        let closed = situation.ssh.as_ref().filter(|ssh| **ssh != Ssh::Anywhere);
        let closes_ssh = shuts && closed.is_some() && closed != proven;
        Self { known, changed, closes_ssh }
    }

    /// Whether an answer of this node says something: its tunnel stays as it was, or it knows the new one too.
    pub(super) fn can_tell(&self, node: &NodeName, contacts: &Contacts) -> bool {
        !self.changed.contains(node) || contacts.aware.contains(node)
    }
}

fn peer(item: &Item) -> Option<&WgPeer> {
    if let Item::Peer(peer) = item { Some(peer) } else { None }
}

fn seen_peer(seen: &Seen) -> Option<&WgPeer> {
    if let Seen::Is(item) = seen { peer(item) } else { None }
}

fn is_for(peer: &WgPeer, node: &NodeName) -> bool {
    peer.name.as_str() == node.as_str()
}

/// Whether the other end is the same and is found at the same place; what else lies behind it does not matter.
pub(crate) fn same_tunnel(one: &WgPeer, other: &WgPeer) -> bool {
    (&one.device, one.key, &one.endpoint) == (&other.device, other.key, &other.endpoint)
}

/// Whether all tunnels begin anew, for our own end is another one.
fn dials_anew(change: &Change) -> bool {
    match (change.from(), change.wanted()) {
        (Some(Item::Device(from)), Some(Item::Device(to))) => (from.port, &from.key) != (to.port, &to.key),
        (_, _) => false,
    }
}
