//! The Model as Items and files, one function a feature. Nothing here can fail, and nothing is read or written.

mod access;
mod apps;
mod bootstrap;
mod cluster;
mod host;
mod k3s;
pub mod own;
mod ssh;

pub use apps::FOLDER as APPS;
pub use k3s::founder;
pub use ssh::{KNOWN_HOSTS, SSH_CONFIG};

use crate::each::each;
use crate::emit::{Line, Sealed, Tree, yaml};
use crate::model::{Model, Node};
use knarr_node::firewall::FirewallPart;
use knarr_node::item::Item;
use knarr_node::mesh::{Listing, Role};
use knarr_node::name::{NodeName, SecretName};
use knarr_node::state::{ClusterState, MeshPart, NodeState};
use std::collections::{BTreeMap, BTreeSet};

/// Where all machines read who is in the mesh.
pub const MESH: &str = "rendered/mesh.yaml";

/// The device of the mesh on every machine.
const DEVICE: &str = "knarr0";

/// All that a Model comes to.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// What each machine is to be; a removed one has no State.
    pub nodes: BTreeMap<NodeName, NodeState>,
    /// What the cluster itself is to be.
    pub cluster: ClusterState,
    /// The files that say so.
    pub tree: Tree,
}

/// Returns all that is rendered from a Model.
pub fn lower(model: &Model) -> Lowered {
    let (mut nodes, cluster) = (BTreeMap::new(), cluster::state(model));
    let mut tree = Tree::default();
    let written = each(&model.there().collect::<Vec<_>>(), |(name, node)| {
        let state = state(model, name, node);
        let text = yaml::file(&state, Line::Fits);
        (state, text)
    });
    for (state, text) in written {
        let (name, secrets) = (&state.node, bundle(model, &state, &cluster));
        if !secrets.is_empty() {
            let of = secrets.into_iter().map(|name| (name.clone(), model.secrets[name].clone())).collect();
            let to = BTreeSet::from([model.nodes[name].keys.age.clone()]);
            tree.sealed(&format!("rendered/nodes/{name}.age"), Sealed { to, of });
        }
        tree.text(&format!("rendered/nodes/{name}.yaml"), text);
        nodes.insert(name.clone(), state);
    }
    tree.yaml("rendered/cluster.yaml", &cluster);
    if model.cluster.k3s.is_some() {
        bootstrap::bootstrap(model, &mut tree);
        apps::apps(model, &mut tree);
    }
    tree.lines(MESH, &mesh(model), Line::EachMachine);
    tree.text(KNOWN_HOSTS, ssh::known_hosts(model));
    tree.text("rendered/access/signers", cluster::signers(model));
    tree.text(SSH_CONFIG, ssh::config(model));
    Lowered { nodes, cluster, tree }
}

/// Returns the secrets that a machine is given: its own, and a server those of the cluster.
fn bundle<'a>(model: &Model, state: &'a NodeState, cluster: &'a ClusterState) -> BTreeSet<&'a SecretName> {
    let own = state.items.iter().filter_map(Item::secret);
    let is_server = model.nodes[&state.node].role == Role::Server;
    own.chain(cluster::secrets(cluster).filter(|_| is_server)).collect()
}

/// Returns the machines that are given each secret.
pub fn holders(model: &Model) -> BTreeMap<SecretName, BTreeSet<NodeName>> {
    let mut holders: BTreeMap<SecretName, BTreeSet<NodeName>> = BTreeMap::new();
    let of_cluster = cluster::state(model);
    for (name, state) in states(model) {
        for secret in bundle(model, &state, &of_cluster) {
            holders.entry(secret.clone()).or_default().insert(name.clone());
        }
    }
    holders
}

/// Returns who is in the mesh, in the format of the States beside it.
fn mesh(model: &Model) -> Listing {
    Listing { format: model.envelope.format, ..(*model.directory).clone() }
}

/// Returns what each machine is to be; a removed one has no State.
pub fn states(model: &Model) -> BTreeMap<NodeName, NodeState> {
    model.there().map(|(name, node)| (name.clone(), state(model, name, node))).collect()
}

fn state(model: &Model, name: &NodeName, node: &Node) -> NodeState {
    let mut items = host::sysctl(&node.host);
    items.extend(host::files(&node.host));
    items.extend(access::access(model, name, &node.host));
    items.extend(host::units(&node.host));
    items.extend(k3s::k3s(model, name, node));
    NodeState {
        knarr: model.envelope.clone(),
        node: name.clone(),
        git: model.cluster.git.clone(),
        mesh: Some(MeshPart { device: DEVICE.parse().expect("it is a device's name") }),
        firewall: Some(FirewallPart { ssh: model.cluster.network.ssh.clone(), open: node.open.clone() }),
        items,
    }
}
