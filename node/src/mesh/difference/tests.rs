//! A part of two directories is worth both: the plan is the same.

use super::*;
use crate::host::Have;
use crate::mesh::Mesh;
use crate::mesh::tests::{Drawn, drawn, listing};
use crate::net::{MeshIp, WgKey};
use crate::{Id, Item, plan};
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// What a machine makes of a directory, but for the table.
fn items(directory: &Directory, node: &NodeName) -> Vec<Item> {
    let device = "knarr0".parse().unwrap();
    let mesh = Mesh::new(directory, node, &device).unwrap();
    let own = [
        Item::Device(mesh.device("/key".parse().unwrap())),
        Item::Address(mesh.address()),
        Item::Route(mesh.route()),
    ];
    own.into_iter()
        .chain(mesh.peers().into_iter().map(Item::Peer))
        .chain([Item::Hosts(mesh.hosts())])
        .collect()
}

fn planned(old: &Directory, new: &Directory, node: &NodeName) -> Vec<(&'static str, Id)> {
    let plan = plan(&items(new, node), &Have::of(&items(old, node)));
    plan.changes().map(|change| (change.verb(), change.id().clone())).collect()
}

/// What else happens to the machines of a second directory.
#[derive(Clone, Debug)]
struct Moved {
    ips: Vec<bool>,
    keys: Vec<bool>,
    port: bool,
    domain: bool,
}

fn moved() -> impl Strategy<Value = Moved> {
    let some = || prop::collection::vec(prop::bool::weighted(0.2), 9);
    let rarely = || prop::bool::weighted(0.1);
    (some(), some(), rarely(), rarely()).prop_map(|(ips, keys, port, domain)| Moved {
        ips,
        keys,
        port,
        domain,
    })
}

fn second(drawn: &Drawn, moved: &Moved) -> Directory {
    let mut listing = listing(drawn);
    for (at, node) in listing.nodes.values_mut().enumerate() {
        let number = u8::try_from(at).unwrap() + 200;
        if moved.ips[at] {
            node.ip = MeshIp::from(Ipv4Addr::new(10, 210, 0, number));
        }
        if moved.keys[at] {
            node.key = WgKey::from([number; 32]);
        }
    }
    if moved.port {
        listing.port = 51822.try_into().unwrap();
    }
    if moved.domain {
        listing.domain = "haven.example".parse().unwrap();
    }
    Directory::try_from(listing).unwrap()
}

/// A second fleet that has much of the first.
fn pairs() -> impl Strategy<Value = (Directory, Directory)> {
    let changed = prop::bool::weighted(0.2);
    let masks = (prop::collection::vec(changed, 9), prop::collection::vec(changed, 9));
    (drawn(), drawn(), masks, moved()).prop_map(|(old, other, (nodes, devices), moved)| {
        let mut new = old.clone();
        for at in (0..other.public.len()).filter(|at| nodes[*at]) {
            if at < new.public.len() {
                (new.public[at], new.relays[at]) = (other.public[at], other.relays[at]);
            } else {
                new.public.push(other.public[at]);
                new.relays.push(other.relays[at]);
            }
        }
        for at in (0..other.vias.len()).filter(|at| devices[*at]) {
            if at < new.vias.len() {
                new.vias[at] = other.vias[at];
            } else {
                new.vias.push(other.vias[at]);
            }
        }
        let (one, two) = (Directory::try_from(listing(&old)).unwrap(), second(&new, &moved));
        if nodes[0] { (two, one) } else { (one, two) }
    })
}

proptest! {
    /// What a machine does is the same, whether it sees all of two directories or what differs around it.
    #[test]
    fn a_plan_by_what_differs_is_the_plan_by_all((old, new) in pairs()) {
        let difference = Difference::between(&old, &new);
        for node in old.nodes.keys().filter(|node| new.nodes.contains_key(*node)) {
            if let Some([old_part, new_part]) = difference.around(node) {
                prop_assert_eq!(planned(&old_part, &new_part, node), planned(&old, &new, node), "{} of {:#?} and {:#?}", node, old, new);
            }
        }
    }
}

#[test]
fn what_differs_is_as_small_as_the_change() {
    let many = Drawn { public: vec![true; 9], relays: vec![0; 9], vias: vec![0, 1, 2, 3] };
    let mut new = listing(&many);
    let old = Directory::try_from(new.clone()).unwrap();
    let [first, second, third] = ["n1", "n4", "n7"].map(|name| name.parse::<NodeName>().unwrap());
    new.nodes.get_mut(&first).unwrap().at = vec!["192.0.2.99:51821".parse().unwrap()];
    new.nodes.remove(&second);
    let new = Directory::try_from(new).unwrap();
    let difference = Difference::between(&old, &new);
    let [old_part, new_part] = difference.around(&third).unwrap();
    let names = |part: &Directory| part.nodes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&old_part), [first.clone(), second.clone(), third.clone()]);
    assert_eq!(names(&new_part), [first, third]);
    assert_eq!(old_part.peers.len(), 1, "the devices of a node that changed are behind it");
    assert!(difference.around(&second).is_none());
}
