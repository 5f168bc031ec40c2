//! Who founds, who joins, and in which order machines change their K3s.

use crate::model::{K3s, Model, Node};
use knarr_node::item::Gate;
use knarr_node::mesh::Role;
use knarr_node::name::{AbsPath, NodeName};

/// The servers in the order of their turns: the one that founds first, then by name.
pub(super) struct Turns<'a> {
    servers: Vec<(&'a NodeName, &'a Node)>,
}

impl<'a> Turns<'a> {
    /// Returns the turns of a cluster; none without a server.
    pub(super) fn of(model: &'a Model) -> Option<Self> {
        let there = model.nodes.iter().filter(|(_, node)| !node.removed && node.role == Role::Server);
        let mut servers: Vec<(&NodeName, &Node)> = there.collect();
        if let Some(founded) = &model.cluster.birth.founded {
            servers.sort_by_key(|(name, _)| **name != founded.server);
        }
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

    /// Returns what comes before K3s changes on a machine: servers one after the other, then all agents.
    pub(super) fn gates(&self, k3s: &K3s, name: &NodeName) -> Vec<Gate> {
        let settled = |(name, _): &(&NodeName, &Node)| Gate::Settled((*name).clone());
        match self.servers.iter().position(|(server, _)| *server == name) {
            Some(turn) => self.servers[..turn].last().map(settled).into_iter().collect(),
            None => std::iter::once(self.api(k3s)).chain(self.servers.iter().map(settled)).collect(),
        }
    }

    /// Open when the first server's API answers, and is this cluster's.
    fn api(&self, k3s: &K3s) -> Gate {
        let at = format!("https://{}:6443/cacerts", self.first().1.mesh.addr());
        Gate::Url { at: at.parse().expect("it is an address"), ca: k3s.ca() }
    }
}

/// Open when a server has its data.
pub(super) fn data() -> Gate {
    let folder: AbsPath = super::unit::DATA.parse().expect("it is an absolute path");
    Gate::Data(folder)
}
