//! The mesh directory, `rendered/mesh.yaml`: one line per machine, read by every node.

use super::Reach;
use crate::name::{BadName, DomainName, NodeName, PeerName};
use crate::net::{Endpoint, MeshIp, Mtu, Port, WgKey};
use crate::state::FORMAT;
use ipnet::Ipv4Net;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// What `rendered/mesh.yaml` says. Read it through [`Directory`], which has checked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The format of the repository.
    pub format: u32,
    /// The cluster's domain.
    pub domain: DomainName,
    /// The addresses of the mesh.
    pub network: Ipv4Net,
    /// The addresses of pods.
    pub pods: Ipv4Net,
    /// The addresses of Services.
    pub services: Ipv4Net,
    /// The UDP port on which every node's WireGuard listens; knarrd's listener has the TCP port of the same number.
    pub port: Port,
    /// The largest packet in the mesh.
    pub mtu: Mtu,
    /// The machines of the cluster.
    pub nodes: BTreeMap<NodeName, MeshNode>,
    /// The devices of people.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<PeerName, MeshDevice>,
}

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshNode {
    /// Its address in the mesh.
    pub ip: MeshIp,
    /// Its public key.
    pub key: WgKey,
    /// What it is to K3s.
    #[serde(default, skip_serializing_if = "Role::is_agent")]
    pub role: Role,
    /// Where it is dialled, best first; nothing behind NAT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Endpoint>,
    /// Where witnesses dial its sshd; sshd listens on this port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Endpoint>,
    /// Who forwards between this node and others behind NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<NodeName>,
}

impl MeshNode {
    /// Whether others can dial it.
    pub fn is_public(&self) -> bool {
        !self.at.is_empty()
    }

    /// Returns the port of its sshd.
    pub fn ssh_port(&self) -> Port {
        self.ssh.as_ref().map_or(Port::SSH, Endpoint::port)
    }
}

/// What a machine is to K3s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It runs the API and etcd too.
    Server,
    /// It runs pods only.
    #[default]
    Agent,
}

impl Role {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_agent(&self) -> bool {
        *self == Self::Agent
    }
}

/// A laptop or phone of a person: it dials one node and no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshDevice {
    /// Its address in the mesh.
    pub ip: MeshIp,
    /// Its public key.
    pub key: WgKey,
    /// The node that it dials, which forwards for it.
    pub via: NodeName,
    /// All that it may dial.
    pub reach: BTreeSet<Reach>,
    /// The last day on which it is let in; none for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A listing that holds together: every address and key is one machine's, and any two nodes have a way to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Listing", into = "Listing")]
pub struct Directory(pub(super) Listing);

impl Directory {
    /// Returns the directory as it is on a day, without devices whose time is over.
    #[must_use]
    pub fn on(&self, today: Date) -> Self {
        let mut listing = self.0.clone();
        listing.peers.retain(|_, device| device.until.is_none_or(|last| today <= last));
        Self(listing)
    }

    /// Returns the node that forwards between two, or none when one of them can dial the other.
    ///
    /// Both ends find the same one, since a way out must be the way in: the relay of the node whose name comes first,
    /// or of the other when it has none.
    pub(super) fn relay<'a>(&'a self, one: &'a NodeName, other: &'a NodeName) -> Option<&'a NodeName> {
        let [first, second] = [one.min(other), one.max(other)].map(|name| &self.0.nodes[name]);
        let hidden = !first.is_public() && !second.is_public();
        first.relay.as_ref().or(second.relay.as_ref()).filter(|_| hidden)
    }

    /// Returns the name under which machines know a node.
    pub fn host(&self, node: &NodeName) -> DomainName {
        host(&self.0, node).expect("a checked domain leaves room for every node")
    }
}

fn host(listing: &Listing, node: &NodeName) -> Result<DomainName, BadName> {
    format!("{node}.mesh.{}", listing.domain).parse()
}

impl Deref for Directory {
    type Target = Listing;
    fn deref(&self) -> &Listing {
        &self.0
    }
}

impl From<Directory> for Listing {
    fn from(directory: Directory) -> Self {
        directory.0
    }
}

impl TryFrom<Listing> for Directory {
    type Error = BadDirectory;
    fn try_from(listing: Listing) -> Result<Self, BadDirectory> {
        check_networks(&listing)?;
        check_identities(&listing)?;
        check_ways(&listing)?;
        match listing.nodes.keys().find(|name| host(&listing, name).is_err()) {
            Some(node) => Err(BadDirectory::LongName(node.clone())),
            None => Ok(Self(listing)),
        }
    }
}

/// Why a listing does not hold together. The generator finds the same beforehand, with file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDirectory {
    /// It is for another version.
    #[error("mesh directory has format {0}, this knarr reads {FORMAT}")]
    Format(u32),
    /// Two of mesh, pods and services share addresses.
    #[error("networks {0} and {1} overlap")]
    Overlap(Ipv4Net, Ipv4Net),
    /// An address is not one of the mesh's, or is its first or last.
    #[error("mesh address {ip} of `{name}` is not a machine's address in {network}")]
    Outside {
        /** Whose it is. */
        name: PeerName,
        /** The address. */
        ip: MeshIp,
        /** The mesh. */
        network: Ipv4Net,
    },
    /// Two machines have one address.
    #[error("`{0}` and `{1}` both have mesh address {2}")]
    SameIp(PeerName, PeerName, MeshIp),
    /// Two machines have one key.
    #[error("`{0}` and `{1}` both have WireGuard key {2}")]
    SameKey(PeerName, PeerName, WgKey),
    /// What forwards for a machine is not a node.
    #[error("`{0}` goes through `{1}`, which is not a node")]
    NoNode(PeerName, NodeName),
    /// A relay cannot be dialled.
    #[error("relay `{1}` of `{0}` has no address where others dial it")]
    HiddenRelay(NodeName, NodeName),
    /// Two nodes cannot find each other.
    #[error("`{0}` and `{1}` are both behind NAT and neither has a relay")]
    NoWay(NodeName, NodeName),
    /// A name does not fit into DNS.
    #[error("the domain is too long for a name of node `{0}`")]
    LongName(NodeName),
}

impl BadDirectory {
    /// Says what to do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::Format(_) => "update knarr".to_owned(),
            Self::Overlap(..) => "choose networks apart in `network` of cluster.yaml".to_owned(),
            Self::Outside { name, .. } => format!("change `mesh` of `{name}`, or delete it to get one"),
            Self::SameIp(_, name, _) => format!("delete `mesh` of `{name}` to get another"),
            Self::SameKey(_, name, _) => format!("`knarr node refresh {name}` asks the machine for its key"),
            Self::NoNode(name, _) => format!("let `{name}` name a node that exists"),
            Self::HiddenRelay(name, _) | Self::NoWay(name, _) => {
                format!("let `relay` in nodes/{name}.yaml name a node with an address")
            }
            Self::LongName(_) => "choose a shorter `domain` in cluster.yaml".to_owned(),
        }
    }
}

fn check_networks(listing: &Listing) -> Result<(), BadDirectory> {
    let Listing { format, network, pods, services, .. } = listing;
    let overlap = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
    let pair =
        [(network, pods), (network, services), (pods, services)].into_iter().find(|(a, b)| overlap(a, b));
    match pair {
        _ if *format != FORMAT => Err(BadDirectory::Format(*format)),
        Some((a, b)) => Err(BadDirectory::Overlap(*a, *b)),
        None => Ok(()),
    }
}

fn check_identities(listing: &Listing) -> Result<(), BadDirectory> {
    let nodes = listing.nodes.iter().map(|(name, node)| (PeerName::from(name), node.ip, node.key));
    let devices = listing.peers.iter().map(|(name, device)| (name.clone(), device.ip, device.key));
    let (mut ips, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (name, ip, key) in nodes.chain(devices) {
        let network = listing.network;
        if !network.contains(&ip.addr()) || [network.network(), network.broadcast()].contains(&ip.addr()) {
            return Err(BadDirectory::Outside { name, ip, network });
        }
        if let Some(other) = ips.insert(ip, name.clone()) {
            return Err(BadDirectory::SameIp(other, name, ip));
        }
        if let Some(other) = keys.insert(key, name.clone()) {
            return Err(BadDirectory::SameKey(other, name, key));
        }
    }
    Ok(())
}

fn check_ways(listing: &Listing) -> Result<(), BadDirectory> {
    for (name, node) in &listing.nodes {
        if let Some(relay) = &node.relay {
            let through =
                listing.nodes.get(relay).ok_or_else(|| BadDirectory::NoNode(name.into(), relay.clone()))?;
            if !through.is_public() {
                return Err(BadDirectory::HiddenRelay(name.clone(), relay.clone()));
            }
        }
    }
    let lost = |device: &MeshDevice| !listing.nodes.contains_key(&device.via);
    if let Some((name, device)) = listing.peers.iter().find(|(_, device)| lost(device)) {
        return Err(BadDirectory::NoNode(name.clone(), device.via.clone()));
    }
    let mut alone = listing.nodes.iter().filter(|(_, node)| !node.is_public() && node.relay.is_none());
    match (alone.next(), alone.next()) {
        (Some((a, _)), Some((b, _))) => Err(BadDirectory::NoWay(a.clone(), b.clone())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
