//! Where two directories differ, and as little of both as shows a machine what differs for it.
//!
//! A line of a thousand is read by a thousand machines. What each makes of the lines that did not change is no part of any
//! plan, and to make it all the same would take a machine as long as all lines, and all machines the square of that.

use super::{Directory, Listing, MeshDevice, MeshNode};
use crate::name::{NodeName, PeerName};
use std::collections::{BTreeMap, BTreeSet};

/// Two directories, and the lines that are not the same in both.
#[derive(Debug)]
pub struct Difference<'a> {
    old: &'a Directory,
    new: &'a Directory,
    /// The nodes whose lines differ, those with a device whose line does, and those behind a relay that gets another key.
    /// Then whoever forwards for one of them.
    homes: BTreeSet<&'a NodeName>,
    /// The nodes that get another key: what lies behind them moves from one tunnel to another.
    rekeyed: BTreeSet<&'a NodeName>,
    /// The devices of `homes`, in each.
    devices: [BTreeMap<PeerName, MeshDevice>; 2],
}

impl<'a> Difference<'a> {
    /// Compares two directories.
    pub fn between(old: &'a Directory, new: &'a Directory) -> Self {
        let sides = [old, new];
        let mut homes: BTreeSet<&NodeName> = changed(&old.nodes, &new.nodes).collect();
        let is_rekeyed = |name: &&NodeName| match sides.map(|side| side.nodes.get(*name)) {
            [Some(old), Some(new)] => old.key != new.key,
            [_, _] => false,
        };
        let rekeyed: BTreeSet<&NodeName> = homes.iter().copied().filter(is_rekeyed).collect();
        for device in changed(&old.peers, &new.peers) {
            homes.extend(sides.iter().filter_map(|side| Some(&side.peers.get(device)?.via)));
        }
        let is_behind = |node: &MeshNode| node.relay.as_ref().is_some_and(|relay| rekeyed.contains(relay));
        homes.extend(new.nodes.iter().filter(|(_, node)| is_behind(node)).map(|(name, _)| name));
        let relays: Vec<&NodeName> = homes.iter().flat_map(|name| relays(name, sides)).collect();
        homes.extend(relays);
        let devices = sides.map(|side| {
            let theirs = side.peers.iter().filter(|(_, device)| homes.contains(&device.via));
            theirs.map(|(name, device)| (name.clone(), device.clone())).collect()
        });
        Self { old, new, homes, rekeyed, devices }
    }

    /// Returns a part of both directories of which node `name` makes tunnels and names that differ exactly where those that
    /// it makes of all do; tunnels that both have lack the same addresses. Its firewall, which knows everyone, is not to be
    /// made of them. None when the whole mesh looks otherwise to it: it comes, goes, or gets another way out.
    pub fn around(&self, name: &NodeName) -> Option<[Directory; 2]> {
        let (old, new) = (self.old.nodes.get(name)?, self.new.nodes.get(name)?);
        let ways = |node: &MeshNode| (node.is_public(), node.relay.clone());
        if ways(old) != ways(new) || new.relay.as_ref().is_some_and(|relay| self.rekeyed.contains(relay)) {
            return None;
        }
        let mut names = self.homes.clone();
        let (name, _) = self.new.nodes.get_key_value(name)?;
        names.insert(name);
        names.extend(&new.relay);
        let [of_old, of_new] = &self.devices;
        Some([part(self.old, &names, of_old), part(self.new, &names, of_new)])
    }
}

/// Returns the names whose lines are not the same.
fn changed<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let other = new.iter().filter(|(name, line)| old.get(*name) != Some(*line));
    gone.chain(other.map(|(name, _)| name))
}

fn relays<'a>(name: &NodeName, sides: [&'a Directory; 2]) -> Vec<&'a NodeName> {
    sides.iter().filter_map(|side| side.nodes.get(name)?.relay.as_ref()).collect()
}

/// A part holds together as the whole does: whoever forwards for a node, and whoever is dialled by a device, is in it.
fn part(
    whole: &Directory,
    names: &BTreeSet<&NodeName>,
    devices: &BTreeMap<PeerName, MeshDevice>,
) -> Directory {
    let node = |name: &&NodeName| whole.nodes.get_key_value(*name);
    let nodes = names.iter().filter_map(node).map(|(name, node)| (name.clone(), node.clone())).collect();
    let Listing { format, domain, network, pods, services, port, mtu, .. } = &**whole;
    let (format, domain, network, pods, services) = (*format, domain.clone(), *network, *pods, *services);
    Directory(Listing {
        format,
        domain,
        network,
        pods,
        services,
        port: *port,
        mtu: *mtu,
        nodes,
        peers: devices.clone(),
    })
}

#[cfg(test)]
mod tests;
