//! The mesh device of a machine and the tunnels on it.

use crate::name::{AbsPath, DeviceName, PeerName};
use crate::net::{Endpoint, Mtu, Port, WgKey};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A WireGuard device, of the kernel or in user space: the host takes what it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WgDevice {
    /// Its name.
    pub name: DeviceName,
    /// The UDP port on which it listens.
    pub port: Port,
    /// Its largest packet.
    pub mtu: Mtu,
    /// The file with its private key, which never is part of an item.
    pub key: AbsPath,
}

/// One tunnel: the other end's key, and which addresses lie behind it.
///
/// Source: wg(8), v1.0.20210914: an address belongs to one peer of a device; giving it to another takes it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WgPeer {
    /// The device that holds the tunnel.
    pub device: DeviceName,
    /// The other end's name, for people.
    pub name: PeerName,
    /// The other end's key, which tells one peer of a device from all others.
    pub key: WgKey,
    /// Where the other end is dialled; none when only it dials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// What goes to the other end and may come from it.
    pub allowed: BTreeSet<Ipv4Net>,
    /// Seconds between packets that keep the way back through a NAT open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<u16>,
}
