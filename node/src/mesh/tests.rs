//! Laws of the mesh, over random directories: packets are carried hop by hop as WireGuard would.

use super::*;
use crate::item::WgPeer;
use crate::name::PeerName;
use crate::net::WgKey;
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// What proptest draws: which nodes are public, who relays for the others, where devices go.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) public: Vec<bool>,
    pub(super) relays: Vec<usize>,
    pub(super) vias: Vec<usize>,
}

pub(super) fn drawn() -> impl Strategy<Value = Drawn> {
    (1..9_usize, 0..5_usize).prop_flat_map(|(nodes, devices)| {
        let relays = prop::collection::vec(any::<usize>(), nodes);
        (prop::collection::vec(any::<bool>(), nodes), relays, prop::collection::vec(any::<usize>(), devices))
            .prop_map(|(public, relays, vias)| Drawn { public, relays, vias })
    })
}

fn key(number: u8) -> WgKey {
    WgKey::from([number; 32])
}

fn ip(number: u8) -> MeshIp {
    MeshIp::from(Ipv4Addr::new(10, 210, 0, number))
}

fn node_name(at: usize) -> NodeName {
    format!("n{at}").parse().unwrap()
}

fn device(number: u8, via: NodeName) -> MeshDevice {
    MeshDevice { ip: ip(number), key: key(number), via, reach: [].into(), until: None }
}

/// Makes a directory: a node behind NAT has a relay whenever there is one; without any there is one such node at most.
pub(super) fn listing(drawn: &Drawn) -> Listing {
    let mut public = drawn.public.clone();
    if !public.contains(&true) && public.len() > 1 {
        public[0] = true;
    }
    let relays: Vec<usize> = (0..public.len()).filter(|at| public[*at]).collect();
    let node = |(at, public): (usize, &bool)| {
        let number = u8::try_from(at).unwrap() + 1;
        let at_text = public.then(|| format!("192.0.2.{number}:51821").parse().unwrap());
        let relay =
            (!public && !relays.is_empty()).then(|| node_name(relays[drawn.relays[at] % relays.len()]));
        let node = MeshNode {
            ip: ip(number),
            key: key(number),
            role: Role::Agent,
            at: at_text.into_iter().collect(),
            ssh: None,
            relay,
        };
        (node_name(at), node)
    };
    let peers = drawn.vias.iter().enumerate().map(|(at, via)| {
        let number = u8::try_from(at).unwrap() + 100;
        (format!("d{at}").parse().unwrap(), device(number, node_name(via % public.len())))
    });
    Listing {
        format: 1,
        domain: "harbor.example".parse().unwrap(),
        network: "10.210.0.0/16".parse().unwrap(),
        pods: "10.42.0.0/16".parse().unwrap(),
        services: "10.43.0.0/16".parse().unwrap(),
        port: 51821.try_into().unwrap(),
        mtu: 1380.try_into().unwrap(),
        nodes: public.iter().enumerate().map(node).collect(),
        peers: peers.collect(),
    }
}

/// What stands behind a key: its tunnels. A device has one, to its via, which takes the whole mesh.
struct World {
    tunnels: BTreeMap<WgKey, Vec<WgPeer>>,
    homes: BTreeMap<MeshIp, WgKey>,
}

impl World {
    fn new(directory: &Directory) -> Self {
        let wire: DeviceName = "knarr0".parse().unwrap();
        let nodes = directory
            .nodes
            .iter()
            .map(|(name, node)| (node.key, Mesh::new(directory, name, &wire).unwrap().peers()));
        let devices = directory.peers.values().map(|device| {
            let via = &directory.nodes[&device.via];
            let mesh = WgPeer {
                device: wire.clone(),
                name: (&device.via).into(),
                key: via.key,
                endpoint: via.at.first().cloned().or_else(|| "192.168.1.2:51821".parse().ok()),
                allowed: [directory.network].into(),
                keepalive: Some(25),
            };
            (device.key, vec![mesh])
        });
        let ips = directory.nodes.values().map(|node| (node.ip, node.key));
        let homes = ips.chain(directory.peers.values().map(|device| (device.ip, device.key))).collect();
        Self { tunnels: nodes.chain(devices).collect(), homes }
    }

    /// Carries a packet as WireGuard does: the most special AllowedIPs say where it goes, and the receiver takes it
    /// only if its own AllowedIPs give the source to that tunnel. Returns how many tunnels it went through.
    fn carry(&self, from: MeshIp, to: MeshIp) -> Result<usize, String> {
        let mut at = self.homes[&from];
        for hops in 0..=4 {
            if at == self.homes[&to] {
                return Ok(hops);
            }
            let out = self.behind(at, to).ok_or(format!("{at} has no tunnel to {to}"))?;
            let back = self.tunnels[&out.key]
                .iter()
                .find(|peer| peer.key == at)
                .ok_or(format!("{} does not know {at}", out.key))?;
            if self.behind(out.key, from) != Some(back) {
                return Err(format!("{} drops {from} out of the tunnel from {at}", out.key));
            }
            if out.endpoint.is_none() && (back.endpoint.is_none() || back.keepalive.is_none()) {
                return Err(format!("nobody keeps the tunnel between {at} and {} open", out.key));
            }
            at = out.key;
        }
        Err("it goes in circles".to_owned())
    }

    fn behind(&self, at: WgKey, ip: MeshIp) -> Option<&WgPeer> {
        let fits = |peer: &&WgPeer| peer.allowed.iter().any(|network| network.contains(&ip.addr()));
        self.tunnels[&at]
            .iter()
            .filter(fits)
            .max_by_key(|peer| peer.allowed.iter().map(Ipv4Net::prefix_len).max())
    }
}

fn peers(listing: &Listing, node: &NodeName) -> Vec<WgPeer> {
    let directory = Directory::try_from(listing.clone()).unwrap();
    Mesh::new(&directory, node, &"knarr0".parse().unwrap()).unwrap().peers()
}

proptest! {
    /// Every node and device reaches every other by at most four tunnels (device, via, relay, via, device), and what answers comes back.
    #[test]
    fn everyone_reaches_everyone_both_ways(drawn in drawn()) {
        let directory = Directory::try_from(listing(&drawn)).unwrap();
        let world = World::new(&directory);
        for from in world.homes.keys() {
            for to in world.homes.keys() {
                let hops = world.carry(*from, *to);
                prop_assert!(hops.is_ok(), "{from} to {to}: {hops:?} in {directory:#?}");
            }
        }
    }

    /// On one node, each other address lies behind exactly one tunnel: the size is linear and WireGuard takes nothing away.
    #[test]
    fn each_other_address_lies_behind_exactly_one_tunnel(drawn in drawn()) {
        let listing = listing(&drawn);
        for (name, node) in &listing.nodes {
            let mut behind: Vec<Ipv4Net> = peers(&listing, name).into_iter().flat_map(|peer| peer.allowed).collect();
            behind.sort();
            let others = listing.nodes.values().map(|node| node.ip).chain(listing.peers.values().map(|device| device.ip));
            let mut wanted: Vec<Ipv4Net> = others.filter(|ip| *ip != node.ip).map(MeshIp::alone).collect();
            wanted.sort();
            prop_assert_eq!(behind, wanted);
        }
    }

    /// A device that joins is a tunnel on its via, and one more address behind one tunnel everywhere else.
    #[test]
    fn a_device_that_joins_changes_only_who_leads_to_its_via(drawn in drawn(), via in any::<usize>()) {
        let before = listing(&drawn);
        let home = node_name(via % before.nodes.len());
        let mut after = before.clone();
        after.peers.insert("x1".parse().unwrap(), device(200, home.clone()));
        for name in before.nodes.keys() {
            let mut left = peers(&after, name);
            if *name == home {
                left.retain(|peer| peer.name.as_str() != "x1");
            } else {
                let gains: Vec<&mut WgPeer> = left.iter_mut().filter(|peer| peer.allowed.contains(&ip(200).alone())).collect();
                let [leads] = <[&mut WgPeer; 1]>::try_from(gains).unwrap();
                prop_assert!(leads.allowed.contains(&before.nodes[&home].ip.alone()));
                leads.allowed.remove(&ip(200).alone());
            }
            prop_assert_eq!(left, peers(&before, name));
        }
    }
}

#[test]
fn a_device_is_let_in_on_its_last_day_and_not_after() {
    let mut listing = listing(&Drawn { public: vec![true], relays: vec![0], vias: vec![0] });
    listing.peers.values_mut().for_each(|device| device.until = Some("2027-11-21".parse().unwrap()));
    let directory = Directory::try_from(listing).unwrap();
    let names =
        |day: &str| directory.on(day.parse().unwrap()).peers.keys().cloned().collect::<Vec<PeerName>>();
    assert_eq!(names("2027-11-21").len(), 1);
    assert_eq!(names("2027-11-22"), []);
}

#[test]
fn a_node_that_is_not_listed_is_a_stranger() {
    let directory =
        Directory::try_from(listing(&Drawn { public: vec![true], relays: vec![0], vias: vec![] })).unwrap();
    let error = Mesh::new(&directory, &"gone".parse().unwrap(), &"knarr0".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "rendered/mesh.yaml does not list node `gone`");
}
