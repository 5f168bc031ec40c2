//! What holds of devices, tunnels, addresses, routes, tables and names on every host.

use super::{Act, Case, Change, Item, Outside, Seen, back, bring, eventually, kept};
use knarr_node::item::{Address, HostsBlock, NftTable, Route, WgDevice, WgPeer};
use std::net::Ipv4Addr;

pub(super) const CASES: [(&str, Case); 13] = [
    ("a device is made, changed while it runs, put back and removed", device_life),
    ("a device gets back the key that it had", device_key),
    ("a device of another kind is unknown and stays", foreign_device),
    ("a tunnel is made, changed, kept, put back and removed", peer_life),
    ("a change of one tunnel leaves the others alone", peers_apart),
    ("an endpoint that roamed is as wanted, a tunnel changed by hand is not", peer_by_hand),
    ("an address that moves between tunnels arrives and comes back", peers_move),
    ("an address is given and taken", address_life),
    ("a stolen route is seen and taken back", route_stolen),
    ("a foreign route comes back word for word", route_foreign),
    ("a table is loaded, changed by hand, and loaded again", table_life),
    ("a refused table leaves what was there, and a foreign one comes back", table_refused),
    ("names stand in a block of their own", hosts_life),
];

/// The device of these cases.
pub(super) const DEVICE: &str = "knarr-test0";
const MESH: &str = "10.213.0.0/16";
const OWN_KEY: &str = "/var/lib/knarr/wireguard.key";
/// Source: RFC 7748, section 6.1: Alice's keys.
const OTHER_KEY: &str = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n";
const OTHER_PUBLIC: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

/// The network seen and changed by other hands than ours.
pub(crate) trait Meddler {
    /// Port, MTU and public key of a WireGuard device that is up.
    fn device(&self, name: &str) -> Option<(u16, u32, String)>;
    /// Endpoint, addresses and keepalive of a tunnel, as `wg show dump` has them, addresses sorted.
    fn tunnel(&self, device: &str, key: &str) -> Option<(String, String, String)>;
    fn set_tunnel(&self, device: &str, key: &str, endpoint: Option<&str>, allowed: &str);
    fn set_key(&self, device: &str, path: &str);
    fn plant_foreign_device(&self, name: &str);
    fn ways(&self, to: &str) -> Vec<String>;
    fn put_way(&self, words: &str);
    fn addresses(&self, device: &str) -> Vec<String>;
    fn table(&self, name: &str) -> Option<String>;
    fn plant_table(&self, name: &str, inside: &str);
}

fn device(port: u16, mtu: u16, key: &str) -> Item {
    let (port, mtu) = (port.try_into().unwrap(), mtu.try_into().unwrap());
    Item::Device(WgDevice { name: DEVICE.parse().unwrap(), port, mtu, key: key.parse().unwrap() })
}
fn key(number: u8) -> String {
    knarr_node::net::WgKey::from([number; 32]).to_string()
}
fn peer(number: u8, endpoint: Option<&str>, last_bytes: &[u8]) -> Item {
    Item::Peer(WgPeer {
        device: DEVICE.parse().unwrap(),
        name: format!("peer-{number}").parse().unwrap(),
        key: [number; 32].into(),
        endpoint: endpoint.map(|endpoint| endpoint.parse().unwrap()),
        allowed: last_bytes.iter().map(|byte| format!("10.213.0.{byte}/32").parse().unwrap()).collect(),
        keepalive: endpoint.map(|_| 25),
    })
}
fn route(device: &str) -> Item {
    Item::Route(Route { device: device.parse().unwrap(), to: MESH.parse().unwrap() })
}
fn table(text: &str) -> Item {
    Item::Table(NftTable { name: "knarr_test".parse().unwrap(), text: text.into() })
}
fn up(host: &mut dyn Act) -> Change {
    bring(host, 1, &device(51871, 1380, OWN_KEY))
}

fn device_life(host: &mut dyn Act, outside: &dyn Outside) {
    let made = up(host);
    let (port, mtu, key) = outside.device(DEVICE).unwrap();
    assert_eq!((port, mtu), (51871, 1380));
    bring(host, 2, &peer(1, None, &[1]));
    let changed = bring(host, 3, &device(51872, 1420, OWN_KEY));
    assert_eq!(outside.device(DEVICE), Some((51872, 1420, key.clone())));
    assert!(outside.tunnel(DEVICE, &self::key(1)).is_some(), "it was not made anew");
    back(host, &changed);
    assert_eq!(outside.device(DEVICE), Some((51871, 1380, key)));
    back(host, &made);
    assert_eq!((outside.device(DEVICE), host.see(&peer(1, None, &[1]).id(), None)), (None, Seen::Absent));
}

fn device_key(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    outside.plant("/etc/knarr-test/other.key", OTHER_KEY, 0o600);
    outside.set_key(DEVICE, "/etc/knarr-test/other.key");
    let change = bring(host, 2, &device(51871, 1380, OWN_KEY));
    assert_ne!(outside.device(DEVICE).unwrap().2, OTHER_PUBLIC);
    assert!(!format!("{change:?}").contains(OTHER_KEY.trim()));
    back(host, &change);
    assert_eq!(outside.device(DEVICE).unwrap().2, OTHER_PUBLIC);
}

fn foreign_device(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant_foreign_device(DEVICE);
    let wanted = device(51871, 1380, OWN_KEY);
    let Seen::Unknown(why) = host.see(&wanted.id(), Some(&wanted)) else { panic!("it is not ours") };
    assert!(why.0.contains("not WireGuard's"), "{why}");
    assert_eq!(host.see(&wanted.id(), None), Seen::Absent);
    assert!(host.keep(&wanted.id(), &kept(1)).is_err());
    assert!(host.act(&Change::to(None, wanted)).is_err());
}

fn peer_life(host: &mut dyn Act, outside: &dyn Outside) {
    let (near, far) = (Some("203.0.113.7:51821"), Some("[2001:db8::7]:51821"));
    assert!(host.act(&Change::to(None, peer(1, near, &[1]))).is_err(), "there is no device yet");
    up(host);
    let made = bring(host, 2, &peer(1, near, &[1]));
    let there = |endpoint: &str, allowed: &str| Some((endpoint.into(), allowed.into(), "25".into()));
    assert_eq!(outside.tunnel(DEVICE, &key(1)), there("203.0.113.7:51821", "10.213.0.1/32"));
    let changed = bring(host, 3, &peer(1, far, &[1, 2]));
    assert_eq!(outside.tunnel(DEVICE, &key(1)), there("[2001:db8::7]:51821", "10.213.0.1/32,10.213.0.2/32"));
    back(host, &changed);
    assert_eq!(outside.tunnel(DEVICE, &key(1)), there("203.0.113.7:51821", "10.213.0.1/32"));
    back(host, &made);
    assert_eq!(outside.tunnel(DEVICE, &key(1)), None);
}

fn peers_apart(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    bring(host, 2, &peer(1, Some("203.0.113.7:51821"), &[1]));
    outside.set_tunnel(DEVICE, &key(1), Some("203.0.113.99:4711"), "10.213.0.1/32");
    let before = outside.tunnel(DEVICE, &key(1));
    let made = bring(host, 3, &peer(2, None, &[2]));
    bring(host, 4, &peer(2, None, &[2, 3]));
    back(host, &made);
    assert_eq!(outside.tunnel(DEVICE, &key(1)), before);
}

fn peer_by_hand(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    let wanted = peer(1, Some("203.0.113.7:51821"), &[1, 2]);
    bring(host, 2, &wanted);
    let see = |host: &dyn Act| host.see(&wanted.id(), Some(&wanted)) == Seen::Is(wanted.clone());
    let roamed = "203.0.113.99:4711";
    outside.set_tunnel(DEVICE, &key(1), Some(roamed), "10.213.0.1/32,10.213.0.2/32");
    assert!(eventually(|| see(host)), "it roamed");
    outside.set_tunnel(DEVICE, &key(1), None, "10.213.0.1/32");
    assert!(eventually(|| !see(host)), "an address is gone");
    bring(host, 3, &wanted);
    assert_eq!(outside.tunnel(DEVICE, &key(1)).unwrap().0, roamed, "where it roamed it stays");
    let unnamed = host.see(&wanted.id(), None);
    assert!(matches!(unnamed, Seen::Is(Item::Peer(peer)) if peer.name.as_str() == "peer-1"));
}

/// As a plan orders them: an address is given up before another tunnel takes it.
fn peers_move(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    bring(host, 2, &peer(1, None, &[1, 7]));
    bring(host, 3, &peer(2, None, &[2]));
    let given = bring(host, 4, &peer(1, None, &[1]));
    let taken = bring(host, 5, &peer(2, None, &[2, 7]));
    assert_eq!(outside.tunnel(DEVICE, &key(1)).unwrap().1, "10.213.0.1/32");
    assert_eq!(outside.tunnel(DEVICE, &key(2)).unwrap().1, "10.213.0.2/32,10.213.0.7/32");
    back(host, &taken);
    back(host, &given);
    assert_eq!(outside.tunnel(DEVICE, &key(1)).unwrap().1, "10.213.0.1/32,10.213.0.7/32");
    host.act(&Change::to(None, peer(2, None, &[7]))).unwrap();
    let robbed = peer(1, None, &[1, 7]);
    assert_ne!(host.see(&robbed.id(), Some(&robbed)), Seen::Is(robbed), "a theft is seen");
}

fn address_life(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    let address = Address { device: DEVICE.parse().unwrap(), ip: "10.213.0.9/32".parse().unwrap() };
    let made = bring(host, 2, &Item::Address(address));
    assert_eq!(outside.addresses(DEVICE), ["10.213.0.9/32"]);
    back(host, &made);
    assert!(outside.addresses(DEVICE).is_empty());
}

fn route_stolen(host: &mut dyn Act, outside: &dyn Outside) {
    up(host);
    let ours = route(DEVICE);
    let made = bring(host, 2, &ours);
    assert!(outside.ways(MESH)[0].contains(DEVICE));
    outside.put_way(&format!("{MESH} dev lo"));
    assert_eq!(host.see(&ours.id(), Some(&ours)), Seen::Is(route("lo")));
    assert_eq!(host.see(&ours.id(), None), Seen::Absent, "what is there now is not ours");
    let change = bring(host, 3, &ours);
    back(host, &change);
    assert!(outside.ways(MESH)[0].contains("dev lo"));
    bring(host, 4, &ours);
    back(host, &made);
    assert!(outside.ways(MESH).is_empty());
}

fn route_foreign(host: &mut dyn Act, outside: &dyn Outside) {
    outside.put_way(&format!("{MESH} dev lo proto static metric 77"));
    let before = outside.ways(MESH);
    up(host);
    let change = bring(host, 2, &route(DEVICE));
    assert!(outside.ways(MESH)[0].contains(DEVICE));
    back(host, &change);
    assert_eq!(outside.ways(MESH), before);
}

/// Its last rule is one that nft lists in a way that it does not read.
const FIRST: &str = "chain input {\n\ttype filter hook input priority 10; policy accept;\n\ttcp dport { 443, 80, 22 } counter accept\n\tmeta l4proto tcp ct original proto-dst { 443, 80 } accept\n}\n";

fn table_life(host: &mut dyn Act, outside: &dyn Outside) {
    let made = bring(host, 1, &table(FIRST));
    assert!(outside.table("knarr_test").unwrap().contains("443"));
    let changed = bring(host, 2, &table(&FIRST.replace("443", "8443")));
    back(host, &changed);
    let listed = outside.table("knarr_test").unwrap();
    assert!(listed.contains("443") && !listed.contains("8443"));
    let first = table(FIRST);
    assert_eq!(host.see(&first.id(), Some(&first)), Seen::Is(first), "it came back word for word");
    outside.plant_table("knarr_test", "chain input {\n}\n");
    let by_hand = bring(host, 4, &table(FIRST));
    back(host, &by_hand);
    assert!(!outside.table("knarr_test").unwrap().contains("dport"));
    back(host, &made);
    assert_eq!(outside.table("knarr_test"), None);
}

fn table_refused(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant_table("knarr_test", "set foreign {\n\ttype ipv4_addr\n\telements = { 192.0.2.1 }\n}\n");
    let before = outside.table("knarr_test");
    let change = bring(host, 1, &table(FIRST));
    assert!(host.act(&Change::to(None, table("chain nonsense {\n\tnonsense\n}\n"))).is_err());
    let wanted = table(FIRST);
    assert_eq!(host.see(&wanted.id(), Some(&wanted)), Seen::Is(wanted));
    back(host, &change);
    assert_eq!(outside.table("knarr_test"), before);
}

fn hosts_life(host: &mut dyn Act, outside: &dyn Outside) {
    let names = |bytes: &[u8]| {
        let entry = |byte: &u8| {
            (Ipv4Addr::new(10, 213, 0, *byte).into(), format!("n{byte}.mesh.example").parse().unwrap())
        };
        Item::Hosts(HostsBlock(bytes.iter().map(entry).collect()))
    };
    outside.plant_folder("/etc/cloud");
    let all = outside.text("/etc/hosts").unwrap();
    let before = "127.0.0.1 localhost\n192.0.2.1 theirs\n".to_owned();
    outside.plant("/etc/hosts", &before, 0o640);
    let first = bring(host, 1, &names(&[1]));
    let changed = bring(host, 2, &names(&[1, 2]));
    assert_eq!(
        outside.text("/etc/hosts").unwrap(),
        format!(
            "{before}# knarr: begin, written by knarrd\n10.213.0.1 n1.mesh.example\n10.213.0.2 n2.mesh.example\n# knarr: end\n"
        )
    );
    let cloud = "/etc/cloud/cloud.cfg.d/99-knarr.cfg";
    assert!(outside.text(cloud).unwrap().contains("manage_etc_hosts: false"));
    back(host, &changed);
    back(host, &first);
    assert_eq!((outside.text("/etc/hosts"), outside.mode("/etc/hosts")), (Some(before), Some(0o640)));
    assert_eq!(outside.text(cloud), None);
    outside.plant("/etc/hosts", &all, 0o644);
}
