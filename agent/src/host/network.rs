//! The single steps at the network of a machine. Each may be the last one before a crash.

use super::Fault;
use ipnet::{IpNet, Ipv4Net};
use knarr_node::item::{Address, WgPeer};
use knarr_node::name::{AbsPath, DeviceName, TableName};
use knarr_node::net::{Endpoint, Port, WgKey};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use zeroize::Zeroizing;

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Whether it carries packets.
    pub up: bool,
    /// Its largest packet, in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: BTreeSet<Ipv4Net>,
    /// What WireGuard says of it; none of a device of another kind.
    pub wireguard: Option<WireGuard>,
}

/// What WireGuard says of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireGuard {
    /// Where it listens; 0 before it does.
    pub port: u16,
    /// The public half of its key, if it has one.
    pub key: Option<WgKey>,
    /// Its tunnels, by the other end's key.
    pub tunnels: BTreeMap<WgKey, Tunnel>,
}

/// One tunnel as the machine has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// Where the other end was last: what was configured, or whence it spoke since then.
    pub endpoint: Option<SocketAddr>,
    /// What goes to the other end and may come from it.
    pub allowed: BTreeSet<IpNet>,
    /// Seconds between packets that keep the way open.
    pub keepalive: Option<u16>,
}

/// What a WireGuard device can be told while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The file with its private key; an empty one takes the key away.
    Key(AbsPath),
    /// Where it listens.
    Port(Port),
    /// Its largest packet, in bytes.
    Mtu(u16),
    /// It carries packets.
    Up,
}

/// One way to a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The device that leads there.
    pub device: DeviceName,
    /// All of it in the words of ip(8), which also takes them.
    pub words: String,
}

/// The single steps at the network.
pub trait Network {
    /// Returns a device, if it is there.
    fn device(&self, name: &DeviceName) -> Result<Option<Device>, Fault>;
    /// Returns the private key of a device as `wg genkey` writes it; nothing when it has none.
    fn private_key(&self, name: &DeviceName) -> Result<Zeroizing<Vec<u8>>, Fault>;
    /// Makes a WireGuard device, of the kernel or in user space.
    fn add_device(&mut self, name: &DeviceName) -> Result<(), Fault>;
    /// Changes one setting of a device; nothing else is disturbed.
    fn set_device(&mut self, name: &DeviceName, setting: &Setting) -> Result<(), Fault>;
    /// Removes a device with its tunnels, addresses and routes.
    fn remove_device(&mut self, name: &DeviceName) -> Result<(), Fault>;
    /// Makes a tunnel or changes it, but not where it dials; other tunnels lose what it takes and nothing else.
    fn set_tunnel(&mut self, peer: &WgPeer) -> Result<(), Fault>;
    /// Says where a tunnel dials.
    fn set_endpoint(&mut self, device: &DeviceName, key: WgKey, to: &Endpoint) -> Result<(), Fault>;
    /// Removes a tunnel; fine when it is gone.
    fn remove_tunnel(&mut self, device: &DeviceName, key: WgKey) -> Result<(), Fault>;
    /// Gives a device an address; fine when it has it.
    fn add_address(&mut self, address: &Address) -> Result<(), Fault>;
    /// Takes an address from a device.
    fn remove_address(&mut self, address: &Address) -> Result<(), Fault>;
    /// Returns the ways to exactly this network, the one that packets take first.
    fn ways(&self, to: Ipv4Net) -> Result<Vec<Way>, Fault>;
    /// Makes a way, in the place of one to the same network with the same metric.
    fn put_way(&mut self, words: &str) -> Result<(), Fault>;
    /// Removes a way.
    fn remove_way(&mut self, words: &str) -> Result<(), Fault>;
    /// Returns a table as nft(8) lists it, without what its counters counted.
    fn table(&self, name: &TableName) -> Result<Option<String>, Fault>;
    /// Loads a script of nft(8): at once or not at all, and checked before.
    fn load(&mut self, script: &str) -> Result<(), Fault>;
}
