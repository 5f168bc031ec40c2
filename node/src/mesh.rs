//! The mesh of one machine, lowered from the directory that all share: pure arithmetic, the same for ever in format 1.
//!
//! ```text
//! public ↔ public   a tunnel; each end dials
//! NAT    → public   a tunnel; the one behind NAT dials and keeps the way back open
//! NAT    ↔ NAT      no tunnel: both hand their packets to one relay, which forwards
//! device → via      a tunnel; the device dials, everyone else finds it behind `via`
//! ```
//! Every address of the mesh lies behind exactly one tunnel of a node, the same on the way out and on the way in:
//! WireGuard takes AllowedIPs for both. Source: wg(8), v1.0.20210914.
//! What is chosen (relay, endpoint, MTU) stands in the directory; here nothing is chosen.

mod difference;
mod directory;
mod laptop;
mod reach;

pub use difference::Difference;
pub use directory::{BadDirectory, Directory, Listing, MeshDevice, MeshNode, Role};
pub use laptop::{PRIVATE_KEY, laptop};
pub use reach::Reach;

use crate::item::{Address, HostsBlock, Item, Route, WgDevice, WgPeer};
use crate::name::{AbsPath, DeviceName, NodeName};
use crate::net::MeshIp;
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds between the packets that keep a way through a NAT open. Source: wg(8), v1.0.20210914, PersistentKeepalive.
const KEEPALIVE: u16 = 25;

/// The mesh as one of its nodes sees it.
#[derive(Clone, Copy, Debug)]
pub struct Mesh<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) name: &'a NodeName,
    pub(crate) me: &'a MeshNode,
    pub(crate) device: &'a DeviceName,
}

/// A node that the directory does not list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rendered/mesh.yaml does not list node `{0}`")]
pub struct Stranger(pub NodeName);

impl Stranger {
    /// Says what to do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        "run `knarr render` and commit all of rendered/".to_owned()
    }
}

impl<'a> Mesh<'a> {
    /// Looks at the directory from node `name`, whose mesh device is `device`.
    ///
    /// # Errors
    /// [`Stranger`] when the directory does not list the node.
    pub fn new(
        directory: &'a Directory,
        name: &'a NodeName,
        device: &'a DeviceName,
    ) -> Result<Self, Stranger> {
        let me = directory.nodes.get(name).ok_or_else(|| Stranger(name.clone()))?;
        Ok(Self { directory, name, me, device })
    }

    /// Returns all that the mesh is on this node, with the private key in the file `key`.
    pub fn items(&self, key: AbsPath) -> Vec<Item> {
        let place =
            [Item::Device(self.device(key)), Item::Address(self.address()), Item::Route(self.route())];
        let peers = self.peers().into_iter().map(Item::Peer);
        place.into_iter().chain(peers).chain([Item::Hosts(self.hosts())]).collect()
    }

    /// Returns the mesh device, whose private key lies in the file `key`.
    pub fn device(&self, key: AbsPath) -> WgDevice {
        WgDevice { name: self.device.clone(), port: self.directory.port, mtu: self.directory.mtu, key }
    }

    /// Returns the node's own address; what else is in the mesh is the matter of [`Mesh::route`].
    pub fn address(&self) -> Address {
        Address { device: self.device.clone(), ip: self.me.ip.alone() }
    }

    /// Returns the route that leads the whole mesh into the device.
    pub fn route(&self) -> Route {
        Route { device: self.device.clone(), to: self.directory.network }
    }

    /// Returns the names of all nodes, `<node>.mesh.<domain>`.
    pub fn hosts(&self) -> HostsBlock {
        let names = self.directory.nodes.iter().map(|(name, node)| (node.ip, self.directory.host(name)));
        HostsBlock(names.collect())
    }

    /// Returns the tunnels of this node: to nodes, then to its own devices, each in the order of names.
    ///
    /// Together they list each other address of the mesh once, so their size is linear in the directory.
    pub fn peers(&self) -> Vec<WgPeer> {
        let mut behind: BTreeMap<&NodeName, BTreeSet<Ipv4Net>> = BTreeMap::new();
        for (home, ip) in self.addresses().filter(|(home, _)| *home != self.name) {
            behind.entry(self.next(home)).or_default().insert(ip.alone());
        }
        let nodes = behind.into_iter().map(|(name, allowed)| self.tunnel(name, allowed));
        let own = self.directory.peers.iter().filter(|(_, device)| device.via == *self.name);
        nodes
            .chain(own.map(|(name, device)| WgPeer {
                device: self.device.clone(),
                name: name.clone(),
                key: device.key,
                endpoint: None,
                allowed: BTreeSet::from([device.ip.alone()]),
                keepalive: None,
            }))
            .collect()
    }

    /// Lists every address with the node where it leaves the mesh: nodes are their own, devices are at home at `via`.
    fn addresses(&self) -> impl Iterator<Item = (&'a NodeName, MeshIp)> {
        let Listing { nodes, peers, .. } = &**self.directory;
        nodes
            .iter()
            .map(|(name, node)| (name, node.ip))
            .chain(peers.values().map(|device| (&device.via, device.ip)))
    }

    /// Returns the node to which this one hands what goes to node `to`: that node itself, or the relay of the two.
    fn next(&self, to: &'a NodeName) -> &'a NodeName {
        self.directory.relay(self.name, to).unwrap_or(to)
    }

    /// Makes the tunnel to a node behind which `allowed` lies. Only the end behind NAT must keep the way open.
    fn tunnel(&self, name: &NodeName, allowed: BTreeSet<Ipv4Net>) -> WgPeer {
        let node = &self.directory.nodes[name];
        WgPeer {
            device: self.device.clone(),
            name: name.into(),
            key: node.key,
            endpoint: node.at.first().cloned(),
            allowed,
            keepalive: (!self.me.is_public()).then_some(KEEPALIVE),
        }
    }
}

#[cfg(test)]
mod tests;
