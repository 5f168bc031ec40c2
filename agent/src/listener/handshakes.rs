//! Asks WireGuard how this node's tunnels stand.

use super::Place;
use crate::child::{Confined, Limits};
use knarr_node::mesh::Listing;
use knarr_node::name::PeerName;
use knarr_node::net::{Endpoint, WgKey};
use knarr_node::report::Tunnel;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), memory: 512 << 20, file: 0 };

/// Returns the tunnels to nodes and devices of the directory; `now` is in seconds since 1970. Where `wg` says nothing,
/// nothing is known.
pub(super) fn tunnels(place: &Place, now: u64) -> BTreeMap<PeerName, Tunnel> {
    // Not `dump`: that tells the private key too.
    let [handshakes, endpoints] = ["latest-handshakes", "endpoints"].map(wg);
    let endpoints: BTreeMap<WgKey, SocketAddr> = columns(&endpoints).collect();
    let known = known(place);
    let tunnel = |(key, at): (WgKey, u64)| {
        let (name, said) = known.get(&key)?;
        let handshake = (at > 0).then(|| now.saturating_sub(at));
        Some((name.clone(), Tunnel { handshake, roamed: roamed(*said, endpoints.get(&key)) }))
    };
    columns(&handshakes).filter_map(tunnel).collect()
}

/// Sends one packet into each tunnel to a node that was silent for long, so that the next report can tell whether it is
/// up: WireGuard itself asks nobody who is not spoken to. What cannot be sent shows as a handshake that stays away.
pub(super) fn wake(place: &Place, tunnels: &BTreeMap<PeerName, Tunnel>) {
    let nodes = place.directory.nodes.iter();
    let silent = nodes.filter(|(name, _)| tunnels.get(&PeerName::from(*name)).is_some_and(is_silent));
    let Ok(socket) = UdpSocket::bind((place.ip.addr(), 0)) else { return };
    for (name, node) in silent.take(MOST) {
        if let Err(error) = socket.send_to(&[], (node.ip.addr(), DISCARD)) {
            tracing::debug!(%error, "`{name}` is not woken");
        }
    }
}

/// So many tunnels are woken at once.
const MOST: usize = 64;
/// Nobody answers here, and nobody has to: the handshake comes before the packet.
const DISCARD: u16 = 9;
/// After so many seconds WireGuard makes a new handshake with the next packet.
/// Source: WireGuard paper, section 6.2: rekey after 120 s.
const REKEY_SECS: u64 = 120;

fn is_silent(tunnel: &Tunnel) -> bool {
    tunnel.handshake.is_none_or(|age| age >= REKEY_SECS)
}

fn wg(what: &str) -> String {
    let mut wg = Confined::new("wg", Path::new("/"), LIMITS);
    wg.command().args(["show", "all", what]);
    wg.run(Vec::new()).ok().filter(|said| said.success).map(|said| said.out).unwrap_or_default()
}

/// Source: wg(8), v1.0.20210914: with `all` the device comes first; columns are set off by tabs.
fn columns<T: std::str::FromStr>(said: &str) -> impl Iterator<Item = (WgKey, T)> {
    said.lines().filter_map(|line| {
        let mut words = line.split('\t').skip(1);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    })
}

/// Lists each other end by its key, with where it is said to be.
fn known(place: &Place) -> BTreeMap<WgKey, (PeerName, Option<&Endpoint>)> {
    let Listing { nodes, peers, .. } = &*place.directory;
    let nodes = nodes.iter().map(|(name, node)| (node.key, (PeerName::from(name), node.at.first())));
    nodes.chain(peers.iter().map(|(name, device)| (device.key, (name.clone(), None)))).collect()
}

/// Returns where the other end is, when that is not where it is said to be. A domain name says nothing here.
fn roamed(said: Option<&Endpoint>, is: Option<&SocketAddr>) -> Option<String> {
    let ip: IpAddr = said?.host().parse().ok()?;
    let is = is.filter(|is| **is != SocketAddr::new(ip, said.map_or(0, |said| said.port().number())))?;
    Some(is.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Mesh;
    use super::*;

    #[test]
    fn tunnels_are_told_by_the_names_of_their_ends() {
        let mesh = Mesh::new(3);
        let place = mesh.place(1, &mesh.floor);
        let key = |number: u8| WgKey::from([number; 32]);
        let said = format!("knarr0\t{}\t1700000000\nknarr0\t{}\t0\nother\t{}\t5\n", key(2), key(3), key(9));
        let known = known(&place);
        let told: Vec<(String, u64)> = columns::<u64>(&said)
            .filter_map(|(key, at)| Some((known.get(&key)?.0.to_string(), at)))
            .collect();
        assert_eq!(told, [("n2".to_owned(), 1_700_000_000), ("n3".to_owned(), 0)]);
        let none: Vec<(WgKey, SocketAddr)> = columns(&format!("knarr0\t{}\t(none)\n", key(2))).collect();
        assert_eq!(none, []);
    }

    #[test]
    fn a_tunnel_that_was_silent_is_woken_before_it_counts_as_down() {
        let tunnel = |handshake| Tunnel { handshake, roamed: None };
        assert!(is_silent(&tunnel(None)) && is_silent(&tunnel(Some(120))) && !is_silent(&tunnel(Some(119))));
        assert!(tunnel(Some(REKEY_SECS)).is_up() && !tunnel(None).is_up());
    }

    #[test]
    fn an_end_that_is_elsewhere_than_said_is_shown() {
        let (said, here) = ("192.0.2.1:51821".parse().unwrap(), "192.0.2.1:51821".parse().unwrap());
        let there = "192.0.2.9:4711".parse().unwrap();
        assert_eq!(roamed(Some(&said), Some(&here)), None);
        assert_eq!(roamed(Some(&said), Some(&there)).as_deref(), Some("192.0.2.9:4711"));
        assert_eq!((roamed(None, Some(&there)), roamed(Some(&said), None)), (None, None));
    }
}
