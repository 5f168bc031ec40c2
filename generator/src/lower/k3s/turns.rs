//! Who founds, who joins, and in which order machines change their K3s.

use crate::model::{K3s, Model, Node};
use knarr_node::item::Gate;
use knarr_node::name::{AbsPath, NodeName};

/// The servers in the order of their turns: the one that founds first, then by name.
pub(super) struct Turns<'a> {
    servers: Vec<(&'a NodeName, &'a Node)>,
}

impl<'a> Turns<'a> {
    /// Returns the turns of a cluster; none without a server.
    pub(super) fn of(model: &'a Model) -> Option<Self> {
        let servers = model.servers();
        (!servers.is_empty()).then_some(Self { servers })
    }

    /// Returns the server that founds, and that all others join.
    pub(super) fn first(&self) -> (&'a NodeName, &'a Node) {
        self.servers[0]
    }

    /// Returns all servers, the first one first.
    pub(super) fn servers(&self) -> &[(&'a NodeName, &'a Node)] {
        &self.servers
    }

    /// Returns what comes before K3s changes on a machine: servers one after the other, then all agents. Agents need one
    /// server, whichever: who knows the others lives on without the first.
    pub(super) fn gates(&self, model: &Model, k3s: &K3s, name: &NodeName) -> Vec<Gate> {
        let settled = |(name, _): &(&NodeName, &Node)| Gate::Settled((*name).clone());
        match self.servers.iter().position(|(server, _)| *server == name) {
            Some(0) => Vec::new(),
            Some(turn) => {
                let before = &self.servers[turn - 1..turn];
                let born = model.cluster.birth.founded.is_some();
                (!born).then(|| api(before, k3s)).into_iter().chain(before.iter().map(settled)).collect()
            }
            None => {
                std::iter::once(api(&self.servers, k3s)).chain(self.servers.iter().map(settled)).collect()
            }
        }
    }
}

/// Open when the API of one of these servers answers, and is this cluster's.
///
/// While a cluster is founded, a server that does not answer has not begun yet, and the next one waits for it: etcd takes
/// one new member at a time. Later it may be dead, and what repairs it waits for nobody.
/// Source: etcd documentation, v3.6, "Learner": `--max-learners` is 1.
fn api(servers: &[(&NodeName, &Node)], k3s: &K3s) -> Gate {
    let at = |(_, node): &(_, &Node)| format!("https://{}:6443/cacerts", node.mesh.addr());
    let at = servers.iter().map(|server| at(server).parse().expect("it is an address"));
    Gate::Url { at: at.collect(), ca: k3s.ca() }
}

/// Open when a server has its data.
pub(super) fn data() -> Gate {
    let folder: AbsPath = super::unit::DATA.parse().expect("it is an absolute path");
    Gate::Data(folder)
}
