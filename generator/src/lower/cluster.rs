//! What belongs to the cluster and to no machine.

use crate::model::{Model, Node};
use knarr_node::name::NodeName;
use knarr_node::state::{ClusterItem, ClusterState, Tombstone, TombstoneKeys};

/// Returns what the cluster is to be: a tombstone for each removed machine.
pub(super) fn state(model: &Model) -> ClusterState {
    let removed = model.nodes.iter().filter(|(_, node)| node.removed);
    let tombstone = |node, age| ClusterItem::Tombstone(Tombstone { node, keys: TombstoneKeys { age } });
    let items = removed.map(|(name, node)| tombstone(name.clone(), node.keys.age.clone())).collect();
    ClusterState { knarr: model.envelope.clone(), items }
}

/// Returns who may sign, as git's allowed_signers. Source: ssh-keygen(1), ALLOWED SIGNERS.
pub(super) fn signers(model: &Model) -> String {
    let people = model.cluster.signers.iter().filter_map(|name| model.people.get(name));
    let lines = people.flat_map(|person| person.keys.iter().map(|key| (person.email.as_str(), key)));
    let recovery = model.cluster.recovery.iter().map(|key| ("recovery", key));
    let line = |(who, key)| format!("{who} namespaces=\"git\" {key}\n");
    lines.chain(recovery).map(line).collect::<Vec<_>>().concat()
}

/// Returns whose reports count, as allowed_signers: each machine signs its own with its SSH host key.
pub(super) fn reporters(model: &Model) -> String {
    let there = model.nodes.iter().filter(|(_, node)| !node.removed);
    let line =
        |(name, node): (&NodeName, &Node)| format!("{name} namespaces=\"knarr-report\" {}\n", node.keys.ssh);
    there.map(line).collect::<Vec<_>>().concat()
}
