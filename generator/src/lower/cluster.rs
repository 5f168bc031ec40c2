//! What belongs to the cluster and to no machine.

use crate::model::{ARGOCD, Model, Node};
use crate::seal::SEALING_KEYS;
use knarr_node::name::{NodeName, ObjectsName, SecretName};
use knarr_node::state::{
    ClusterItem, ClusterState, Keep, Manifest, NodeMeta, Objects, Tombstone, TombstoneKeys,
};

/// Returns what the cluster is to be: what apps need and the apps, labels and taints, a tombstone for each removed machine.
pub(super) fn state(model: &Model) -> ClusterState {
    let mut items = if model.cluster.k3s.is_some() { kubernetes(model) } else { Vec::new() };
    let removed = model.nodes.iter().filter(|(_, node)| node.removed);
    let tombstone = |node, age| ClusterItem::Tombstone(Tombstone { node, keys: TombstoneKeys { age } });
    items.extend(removed.map(|(name, node)| tombstone(name.clone(), node.keys.age.clone())));
    ClusterState { knarr: model.envelope.clone(), items }
}

/// Returns what the API is to hold, in the order in which one needs the other.
fn kubernetes(model: &Model) -> Vec<ClusterItem> {
    let file = |path: &str| Manifest::File(path.parse().expect("it is a path"));
    let argocd = model.argocd();
    let mut items: Vec<ClusterItem> = argocd.clone().map(ClusterItem::Artifact).into_iter().collect();
    items.push(objects("namespaces", file("bootstrap/namespaces.yaml"), Some(Keep::Keep)));
    let key: SecretName = SEALING_KEYS.parse().expect("it is a secret's name");
    if model.secrets.contains_key(&key) {
        items.push(objects(SEALING_KEYS, Manifest::Secret(key), None));
        items.push(objects("sealed-secrets", file("bootstrap/sealed-secrets.yaml"), Some(Keep::Keep)));
    }
    if let Some(artifact) = argocd {
        items.push(objects(ARGOCD, Manifest::Artifact(artifact.name), Some(Keep::Keep)));
        items.push(objects("projects", file("bootstrap/projects.yaml"), None));
        items.push(objects("applications", file("argocd/applications.yaml"), None));
    }
    items.extend(model.there().map(|(name, node)| ClusterItem::NodeMeta(meta(name, node))));
    items
}

fn objects(name: &str, manifest: Manifest, back: Option<Keep>) -> ClusterItem {
    let name: ObjectsName = name.parse().expect("it is a name of objects");
    ClusterItem::Objects(Objects { name, manifest, back })
}

/// Returns labels and taints of a machine; an empty one takes back what was there before.
fn meta(node: &NodeName, of: &Node) -> NodeMeta {
    NodeMeta { node: node.clone(), labels: of.labels.clone(), taints: of.taints.clone() }
}

/// Returns the secrets that servers need for the cluster.
pub(super) fn secrets(state: &ClusterState) -> impl Iterator<Item = &SecretName> {
    state.items.iter().filter_map(|item| match item {
        ClusterItem::Objects(Objects { manifest: Manifest::Secret(name), .. }) => Some(name),
        ClusterItem::Objects(_)
        | ClusterItem::Artifact(_)
        | ClusterItem::NodeMeta(_)
        | ClusterItem::Tombstone(_) => None,
    })
}

/// Returns who may sign, as git's allowed_signers. Source: ssh-keygen(1), ALLOWED SIGNERS.
pub(super) fn signers(model: &Model) -> String {
    let people = model.cluster.signers.iter().filter_map(|name| model.people.get(name));
    let lines = people.flat_map(|person| person.keys.iter().map(|key| (person.email.as_str(), key)));
    let recovery = model.cluster.recovery.iter().map(|key| ("recovery", key));
    let line = |(who, key)| format!("{who} namespaces=\"git\" {key}\n");
    lines.chain(recovery).map(line).collect::<Vec<_>>().concat()
}
