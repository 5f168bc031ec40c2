//! Which address of the mesh something new gets: proposed from its name, so that branches almost never choose the
//! same one. It is written to the file at once and counts from there; this is never asked again. Pure.

use crate::secrets::digest;
use crate::spec::Spec;
use ipnet::Ipv4Net;
use knarr_node::net::MeshIp;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::Range;

/// What gets an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A machine: in the lower half of the mesh.
    Node,
    /// A device of a person: in the last quarter.
    Device,
}

impl Kind {
    /// Returns the addresses of this kind, counted from the network's first; never its first or last.
    fn range(self, network: Ipv4Net) -> Range<u64> {
        let size = 1u64 << (32 - network.prefix_len());
        match self {
            Self::Node => 1..size / 2,
            Self::Device => size - size / 4..size.saturating_sub(1),
        }
    }
}

/// Returns an address that nobody has: by SHA-256 of the name, else the next free one; none when all are taken.
pub fn proposed(kind: Kind, name: &str, network: Ipv4Net, taken: &BTreeSet<MeshIp>) -> Option<MeshIp> {
    let Range { start, end } = kind.range(network);
    let hash = digest(name.as_bytes()).hex();
    let first = u64::from_str_radix(&hash.as_str()[..8], 16).expect("a digest is hexadecimal digits");
    let count = end.checked_sub(start).filter(|count| *count > 0)?;
    let at = |n: u64| {
        let offset = u32::try_from(start + (first + n) % count).expect("an offset fits into an IPv4 address");
        MeshIp::from(Ipv4Addr::from(u32::from(network.network()) + offset))
    };
    (0..count).map(at).find(|ip| !taken.contains(ip))
}

/// Returns all addresses that the files name, those of removed machines too: none is given twice.
pub fn taken(spec: &Spec) -> BTreeSet<MeshIp> {
    let nodes = spec.nodes.values().chain(spec.described.values()).filter_map(|node| node.mesh.as_ref());
    let peers = spec.peers.values().filter_map(|peer| peer.mesh.as_ref());
    nodes.chain(peers).filter_map(|word| word.parse::<Ipv4Addr>().ok()).map(MeshIp::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_always_gets_the_same_address() {
        let get = |kind, name| proposed(kind, name, net("10.210.0.0/16"), &[].into()).unwrap().to_string();
        assert_eq!(get(Kind::Node, "edge"), "10.210.83.168");
        assert_eq!(get(Kind::Device, "x1"), "10.210.217.3");
    }

    #[test]
    fn all_of_a_kind_get_one_each_until_the_network_is_full() {
        for (kind, many, first, last) in
            [(Kind::Node, 127, "192.0.2.1", "192.0.2.127"), (Kind::Device, 63, "192.0.2.192", "192.0.2.254")]
        {
            let mut taken = BTreeSet::new();
            while let Some(ip) = proposed(kind, "edge", net("192.0.2.0/24"), &taken) {
                assert!(taken.insert(ip));
            }
            let ends = [taken.first(), taken.last()].map(|ip| ip.unwrap().to_string());
            assert_eq!((taken.len(), ends), (many, [first.to_owned(), last.to_owned()]));
        }
    }

    #[test]
    fn a_network_without_room_gives_nothing() {
        for network in ["192.0.2.0/31", "192.0.2.0/32"] {
            assert_eq!(proposed(Kind::Device, "x1", net(network), &[].into()), None);
        }
    }
}
