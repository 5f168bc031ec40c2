use super::*;

const MESH: &str = r#"
format: 1
domain: harbor.example
network: 10.210.0.0/16
pods: 10.42.0.0/16
services: 10.43.0.0/16
port: 51821
mtu: 1380
nodes:
  attic: {ip: 10.210.0.3, key: "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", relay: edge}
  edge: {ip: 10.210.0.1, key: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", role: server, at: ["203.0.113.7:51821"], ssh: "203.0.113.7:22"}
  shed: {ip: 10.210.0.4, key: "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=", relay: edge}
peers:
  x1: {ip: 10.210.255.1, key: "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=", via: edge, reach: [api, ssh, "edge:5432"], until: 2027-11-21}
"#;

fn fault(old: &str, new: &str) -> String {
    assert!(MESH.contains(old));
    let listing: Listing = serde_saphyr::from_str(&MESH.replace(old, new)).unwrap();
    let bad = Directory::try_from(listing).unwrap_err();
    assert!(!bad.help().is_empty());
    bad.to_string()
}

#[test]
fn a_directory_reads_as_formats_md_has_it_and_survives_writing() {
    let directory: Directory = serde_saphyr::from_str(MESH).unwrap();
    assert_eq!(directory.nodes.len(), 3);
    assert_eq!(directory.peers.values().next().unwrap().until, Some("2027-11-21".parse().unwrap()));
    let text = serde_saphyr::to_string(&directory).unwrap();
    assert_eq!(serde_saphyr::from_str::<Directory>(&text).unwrap(), directory);
}

#[test]
fn finds_each_single_fault() {
    let cases = [
        ("format: 1", "format: 2", "mesh directory has format 2, this knarr reads 1"),
        ("10.43.0.0/16", "10.42.128.0/17", "networks 10.42.0.0/16 and 10.42.128.0/17 overlap"),
        (
            "10.210.0.4",
            "10.211.0.4",
            "mesh address 10.211.0.4 of `shed` is not a machine's address in 10.210.0.0/16",
        ),
        (
            "10.210.0.4",
            "10.210.0.0",
            "mesh address 10.210.0.0 of `shed` is not a machine's address in 10.210.0.0/16",
        ),
        ("10.210.255.1", "10.210.0.3", "`attic` and `x1` both have mesh address 10.210.0.3"),
        (
            "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=",
            "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
            "`attic` and `shed` both have WireGuard key AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
        ),
        ("M=\", relay: edge", "M=\", relay: roof", "`attic` goes through `roof`, which is not a node"),
        (
            "M=\", relay: edge",
            "M=\", relay: shed",
            "relay `shed` of `attic` has no address where others dial it",
        ),
        ("via: edge", "via: roof", "`x1` goes through `roof`, which is not a node"),
        (", relay: edge", "", "`attic` and `shed` are both behind NAT and neither has a relay"),
    ];
    for (old, new, wanted) in cases {
        assert_eq!(fault(old, new), wanted);
    }
    let long = ["x".repeat(63), "x".repeat(63), "x".repeat(63), "x".repeat(55)].join(".");
    assert_eq!(fault("harbor.example", &long), "the domain is too long for a name of node `attic`");
}

#[test]
fn one_relay_is_enough_for_two_behind_nat() {
    let text = MESH.replacen(", relay: edge", "", 1);
    let directory: Directory = serde_saphyr::from_str(&text).unwrap();
    let [attic, shed, edge] = ["attic", "shed", "edge"].map(|name| name.parse::<NodeName>().unwrap());
    assert_eq!(directory.relay(&attic, &shed), Some(&edge));
    assert_eq!(directory.relay(&shed, &attic), Some(&edge));
    assert_eq!(directory.relay(&attic, &edge), None);
}

#[test]
fn an_unknown_key_is_refused() {
    assert!(serde_saphyr::from_str::<Directory>(&MESH.replace("relay: edge}", "relais: edge}")).is_err());
}
