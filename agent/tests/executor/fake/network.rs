//! A network in memory: tunnels steal addresses from each other, a device takes all that is on it along.

use super::{Machine, State};
use ipnet::{IpNet, Ipv4Net};
use knarr_node::item::{Address, WgPeer};
use knarr_node::name::{DeviceName, TableName};
use knarr_node::net::{Endpoint, WgKey};
use knarrd::host::{Device, Fault, Network, Setting, Tunnel, Way, WireGuard};
use knarrd::wireguard::public_half;
use std::collections::BTreeMap;
use std::io;
use zeroize::Zeroizing;

/// All that a power cut clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Net {
    devices: BTreeMap<DeviceName, Device>,
    keys: BTreeMap<DeviceName, String>,
    /// Words of each way to a network by metric.
    ways: BTreeMap<Ipv4Net, BTreeMap<u32, Way>>,
    tables: BTreeMap<TableName, String>,
}

impl Net {
    fn wireguard(&mut self, name: &DeviceName) -> io::Result<&mut WireGuard> {
        let device = self.devices.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        device.wireguard.as_mut().ok_or(io::ErrorKind::Unsupported.into())
    }

    fn set_tunnel(&mut self, peer: &WgPeer) -> io::Result<()> {
        let tunnels = &mut self.wireguard(&peer.device)?.tunnels;
        let allowed = peer.allowed.iter().copied().map(IpNet::from).collect();
        for tunnel in tunnels.values_mut() {
            tunnel.allowed = tunnel.allowed.difference(&allowed).copied().collect();
        }
        let tunnel = tunnels.entry(peer.key).or_default();
        (tunnel.allowed, tunnel.keepalive) = (allowed, peer.keepalive);
        Ok(())
    }

    fn load(&mut self, script: &str) -> io::Result<()> {
        if script.contains("nonsense") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let name = |rest: &str| rest.split_whitespace().next().unwrap().parse().unwrap();
        let gone = script.split("delete table inet ").nth(1).map(name);
        if let Some(name) = gone {
            self.tables.remove(&name);
        }
        if let Some((head, rest)) = script.split_once(" {\n") {
            let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
            let table = name(head.rsplit("table inet ").next().unwrap());
            self.tables.insert(table, words(inside));
        }
        Ok(())
    }
}

fn metric(words: &str) -> u32 {
    words.split_once(" metric ").map_or(0, |(_, rest)| rest.split(' ').next().unwrap().parse().unwrap())
}

fn way(words: &str) -> (Ipv4Net, Way) {
    let device = words.split_once(" dev ").unwrap().1.split(' ').next().unwrap();
    let to = words.split(' ').next().unwrap().parse().unwrap();
    (to, Way { device: device.parse().unwrap(), words: words.to_owned() })
}

/// nft understands words and lines, not white space.
pub(crate) fn words(inside: &str) -> String {
    inside.lines().flat_map(|line| [line.trim(), "\n"]).collect()
}

/// It gives back what it understood, not what was written.
fn listing(name: &TableName, inside: &str) -> String {
    let lines: Vec<String> = inside.lines().map(|line| format!("\t{line}\n")).collect();
    format!("table inet {name} {{\n{}}}\n", lines.concat())
}

impl Machine {
    fn reach<T>(&self, does: impl FnOnce(&mut Net) -> io::Result<T>) -> Result<T, Fault> {
        self.step(|state| does(&mut state.net), "the network")
    }

    pub(crate) fn net(&self) -> Net {
        self.0.borrow().net.clone()
    }

    /// Somebody else does something at the network.
    pub(crate) fn meddle(&self, does: impl FnOnce(&mut Net)) {
        does(&mut self.0.borrow_mut().net);
    }
}

impl Net {
    pub(crate) fn device(&self, name: &str) -> Option<&Device> {
        self.devices.get(name)
    }
    pub(crate) fn tunnel(&self, name: &str, key: WgKey) -> Option<Tunnel> {
        self.device(name)?.wireguard.as_ref()?.tunnels.get(&key).cloned()
    }
    pub(crate) fn change_tunnel(&mut self, name: &str, key: WgKey, change: impl FnOnce(&mut Tunnel)) {
        change(self.wireguard(&name.parse().unwrap()).unwrap().tunnels.get_mut(&key).unwrap());
    }
    pub(crate) fn set_key(&mut self, name: &DeviceName, key: String) {
        self.wireguard(name).unwrap().key = public_half(&key);
        self.keys.insert(name.clone(), key);
    }
    pub(crate) fn plant_foreign_device(&mut self, name: &str) {
        self.devices.insert(name.parse().unwrap(), Device { mtu: 1500, ..Device::default() });
    }
    pub(crate) fn words(&self, to: &str) -> Vec<String> {
        let ways = self.ways.get(&to.parse().unwrap());
        ways.into_iter().flat_map(BTreeMap::values).map(|way| way.words.clone()).collect()
    }
    pub(crate) fn replace_way(&mut self, words: &str) {
        let (to, way) = way(words);
        self.ways.entry(to).or_default().insert(metric(words), way);
    }
    pub(crate) fn table(&self, name: &str) -> Option<&String> {
        self.tables.get(name)
    }
    pub(crate) fn plant_table(&mut self, name: &str, inside: &str) {
        self.tables.insert(name.parse().unwrap(), words(inside));
    }
    pub(crate) fn remove_device(&mut self, name: &DeviceName) {
        self.devices.remove(name);
        self.keys.remove(name);
        for ways in self.ways.values_mut() {
            ways.retain(|_, way| way.device != *name);
        }
        self.ways.retain(|_, ways| !ways.is_empty());
    }
}

impl State {
    fn set(&mut self, name: &DeviceName, setting: &Setting) -> io::Result<()> {
        let key = if let Setting::Key(path) = setting {
            let bytes = self.disk.read(path.as_str()).ok_or(io::ErrorKind::NotFound)?;
            Some(String::from_utf8(bytes).unwrap())
        } else {
            None
        };
        let net = &mut self.net;
        let device = net.devices.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let wireguard = device.wireguard.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        match setting {
            Setting::Key(_) => wireguard.key = public_half(key.as_deref().unwrap()),
            Setting::Port(port) => wireguard.port = port.number(),
            Setting::Mtu(bytes) => device.mtu = u32::from(*bytes),
            Setting::Up => device.up = true,
        }
        net.keys.extend(key.map(|key| (name.clone(), key)));
        Ok(())
    }
}

impl Network for Machine {
    fn device(&self, name: &DeviceName) -> Result<Option<Device>, Fault> {
        self.view(|state| Ok(state.net.devices.get(name).cloned()), "the network")
    }
    fn private_key(&self, name: &DeviceName) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let key = |state: &State| state.net.keys.get(name).cloned().unwrap_or_default().into_bytes();
        self.view(|state| Ok(key(state).into()), "the network")
    }
    fn add_device(&mut self, name: &DeviceName) -> Result<(), Fault> {
        let wireguard = Some(WireGuard::default());
        let new = Device { mtu: 1420, wireguard, ..Device::default() };
        self.reach(|net| {
            net.devices.insert(name.clone(), new);
            Ok(())
        })
    }
    fn set_device(&mut self, name: &DeviceName, setting: &Setting) -> Result<(), Fault> {
        self.step(|state| state.set(name, setting), "the network")
    }
    fn remove_device(&mut self, name: &DeviceName) -> Result<(), Fault> {
        self.reach(|net| {
            net.remove_device(name);
            Ok(())
        })
    }
    fn set_tunnel(&mut self, peer: &WgPeer) -> Result<(), Fault> {
        self.reach(|net| net.set_tunnel(peer))
    }
    fn set_endpoint(&mut self, device: &DeviceName, key: WgKey, to: &Endpoint) -> Result<(), Fault> {
        let to = to.to_string().parse().map_err(|_| io::ErrorKind::HostUnreachable);
        self.reach(|net| {
            net.wireguard(device)?.tunnels.entry(key).or_default().endpoint = Some(to?);
            Ok(())
        })
    }
    fn remove_tunnel(&mut self, device: &DeviceName, key: WgKey) -> Result<(), Fault> {
        self.reach(|net| net.wireguard(device).map(|wireguard| wireguard.tunnels.remove(&key))).map(drop)
    }
    fn add_address(&mut self, address: &Address) -> Result<(), Fault> {
        let Address { device, ip } = address;
        self.reach(|net| {
            net.devices.get_mut(device).ok_or(io::ErrorKind::NotFound)?.addresses.insert(*ip);
            Ok(())
        })
    }
    fn remove_address(&mut self, address: &Address) -> Result<(), Fault> {
        let Address { device, ip } = address;
        self.reach(|net| {
            net.devices.get_mut(device).ok_or(io::ErrorKind::NotFound)?.addresses.remove(ip);
            Ok(())
        })
    }
    fn ways(&self, to: Ipv4Net) -> Result<Vec<Way>, Fault> {
        let ways =
            |state: &State| state.net.ways.get(&to).into_iter().flat_map(BTreeMap::values).cloned().collect();
        self.view(|state| Ok(ways(state)), "the network")
    }
    fn put_way(&mut self, words: &str) -> Result<(), Fault> {
        self.reach(|net| {
            let device = way(words).1.device;
            if !net.devices.get(&device).is_some_and(|device| device.up || device.wireguard.is_none()) {
                return Err(io::ErrorKind::NetworkDown.into());
            }
            net.replace_way(words);
            Ok(())
        })
    }
    fn remove_way(&mut self, words: &str) -> Result<(), Fault> {
        self.reach(|net| {
            let (to, _) = way(words);
            let ways = net.ways.get_mut(&to).ok_or(io::ErrorKind::NotFound)?;
            ways.remove(&metric(words)).ok_or(io::ErrorKind::NotFound)?;
            net.ways.retain(|_, ways| !ways.is_empty());
            Ok(())
        })
    }
    fn table(&self, name: &TableName) -> Result<Option<String>, Fault> {
        self.view(|state| Ok(state.net.tables.get(name).map(|inside| listing(name, inside))), "the network")
    }
    fn load(&mut self, script: &str) -> Result<(), Fault> {
        self.reach(|net| net.load(script))
    }
}
