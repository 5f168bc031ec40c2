//! Tunnels: each is changed alone. What was configured last lies under the run folder, for WireGuard itself only
//! tells whence the other end spoke last.

use super::network::Tunnel;
use super::os::{Meta, Os};
use super::path::swap_in;
use super::{Fault, Host};
use ipnet::IpNet;
use knarr_node::item::WgPeer;
use knarr_node::name::{DeviceName, PeerName};
use knarr_node::net::{Endpoint, WgKey};
use knarr_node::{Item, Seen};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What we configured last of a tunnel, as far as WireGuard does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Configured {
    name: PeerName,
    endpoint: Option<Endpoint>,
}

impl<O: Os> Host<O> {
    pub(super) fn see_peer(&self, like: &WgPeer) -> Result<Seen, Fault> {
        let Some(tunnel) = self.tunnel(&like.device, like.key)? else { return Ok(Seen::Absent) };
        let configured = self.configured(&like.device, like.key)?;
        if is_as(&tunnel, configured.as_ref(), like) {
            return Ok(Seen::Is(Item::Peer(like.clone())));
        }
        let there = there(&like.device, like.key, &tunnel, configured);
        // An address of IPv6 is in no item.
        let allowed = if there == *like { BTreeSet::new() } else { there.allowed.clone() };
        Ok(Seen::Is(Item::Peer(WgPeer { allowed, ..there })))
    }

    pub(super) fn see_own_peer(&self, device: &DeviceName, key: WgKey) -> Result<Seen, Fault> {
        Ok(self.peer(device, key)?.map_or(Seen::Absent, Seen::Is))
    }

    pub(super) fn keep_peer(&self, device: &DeviceName, key: WgKey) -> Result<Option<Item>, Fault> {
        self.peer(device, key)
    }

    /// The endpoint is set only when another one was configured: what roamed since then stays where it is.
    pub(super) fn put_peer(&mut self, peer: &WgPeer) -> Result<(), Fault> {
        let missing = || Fault::NoDevice(peer.device.clone());
        let (_, mut wireguard) = self.wireguard(&peer.device)?.ok_or_else(missing)?;
        let tunnel = wireguard.tunnels.remove(&peer.key).unwrap_or_default();
        let before = self.configured(&peer.device, peer.key)?;
        let wanted = Configured { name: peer.name.clone(), endpoint: peer.endpoint.clone() };
        let path = self.configured_path(&peer.device, peer.key);
        if before.as_ref() != Some(&wanted) {
            self.os.remove(&path)?;
        }
        self.os.set_tunnel(peer)?;
        let same = tunnel.endpoint.is_some() && before.is_some_and(|before| before.endpoint == peer.endpoint);
        if let Some(endpoint) = peer.endpoint.as_ref().filter(|_| !same) {
            self.os.set_endpoint(&peer.device, peer.key, endpoint)?;
        }
        let note = serde_json::to_vec(&wanted).expect("a note is plain JSON");
        swap_in(&mut self.os, &path, &note, Meta::root(0o600))
    }

    pub(super) fn take_peer_away(&mut self, device: &DeviceName, key: WgKey) -> Result<(), Fault> {
        if self.tunnel(device, key)?.is_some() {
            self.os.remove_tunnel(device, key)?;
        }
        self.os.remove(&self.configured_path(device, key))
    }

    fn peer(&self, device: &DeviceName, key: WgKey) -> Result<Option<Item>, Fault> {
        let Some(tunnel) = self.tunnel(device, key)? else { return Ok(None) };
        Ok(Some(Item::Peer(there(device, key, &tunnel, self.configured(device, key)?))))
    }

    fn tunnel(&self, device: &DeviceName, key: WgKey) -> Result<Option<Tunnel>, Fault> {
        Ok(self.wireguard(device)?.and_then(|(_, mut wireguard)| wireguard.tunnels.remove(&key)))
    }

    /// A note that cannot be read is none: the tunnel is configured again.
    fn configured(&self, device: &DeviceName, key: WgKey) -> Result<Option<Configured>, Fault> {
        let path = self.configured_path(device, key);
        let there = self.os.stat(&path)?.is_some();
        Ok(if there { serde_json::from_slice(&self.os.read(&path)?).ok() } else { None })
    }

    fn configured_path(&self, device: &DeviceName, key: WgKey) -> String {
        format!("{}/peers/{device}/{}", self.settings.run, key.to_string().replace('/', "_"))
    }
}

/// Whether a tunnel is as wanted. The other end may have roamed since it was configured.
fn is_as(tunnel: &Tunnel, configured: Option<&Configured>, like: &WgPeer) -> bool {
    let allowed: BTreeSet<IpNet> = like.allowed.iter().copied().map(IpNet::from).collect();
    let dials = match (&like.endpoint, configured, tunnel.endpoint) {
        (Some(wanted), Some(configured), Some(_)) => configured.endpoint.as_ref() == Some(wanted),
        (Some(wanted), None, Some(there)) => wanted.to_string() == there.to_string(),
        (Some(_), _, None) => false,
        (None, configured, _) => configured.is_none_or(|configured| configured.endpoint.is_none()),
    };
    tunnel.allowed == allowed && tunnel.keepalive == like.keepalive && dials
}

fn there(device: &DeviceName, key: WgKey, tunnel: &Tunnel, configured: Option<Configured>) -> WgPeer {
    let in_use = tunnel.endpoint.and_then(|there| there.to_string().parse().ok());
    let nameless = || "unknown".parse().expect("a label");
    let (name, endpoint) =
        configured.map_or_else(|| (nameless(), in_use.clone()), |noted| (noted.name, noted.endpoint));
    let v4 = |net: &IpNet| if let IpNet::V4(net) = net { Some(*net) } else { None };
    WgPeer {
        device: device.clone(),
        name,
        key,
        endpoint: endpoint.filter(|_| in_use.is_some()),
        allowed: tunnel.allowed.iter().filter_map(v4).collect(),
        keepalive: tunnel.keepalive,
    }
}
