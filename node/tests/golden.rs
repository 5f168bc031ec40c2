//! Directories and what each machine makes of them: a case is a folder of `tests/mesh`. Both programs run this code, so
//! these files are the promise that a directory of format 1 never means anything else. `UPDATE_EXPECT=1` writes them.
#![expect(clippy::disallowed_methods, reason = "a test reads its cases; the bans are for src/")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its case has failed")]

use expect_test::expect_file;
use knarr_node::firewall::{self, FirewallPart, Ssh};
use knarr_node::item::WgPeer;
use knarr_node::mesh::{Directory, Mesh, laptop};
use knarr_node::name::{DeviceName, NodeName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh");
    std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn directory(case: &Path) -> Directory {
    serde_saphyr::from_str(&std::fs::read_to_string(case.join("mesh.yaml")).unwrap()).unwrap()
}

fn device() -> DeviceName {
    "knarr0".parse().unwrap()
}

/// Runs `look` for every node of every case.
fn for_every_node(look: impl Fn(&Path, &Mesh, &NodeName)) {
    for case in cases() {
        let directory = directory(&case);
        for name in directory.nodes.keys() {
            look(&case, &Mesh::new(&directory, name, &device()).unwrap(), name);
        }
    }
}

fn line(peer: &WgPeer) -> String {
    let at = peer.endpoint.as_ref().map_or("-".to_owned(), ToString::to_string);
    let keepalive = peer.keepalive.map_or(String::new(), |secs| format!(" keepalive {secs}"));
    let allowed: Vec<String> = peer.allowed.iter().map(ToString::to_string).collect();
    format!("{} {at}{keepalive}: {}\n", peer.name, allowed.join(" "))
}

#[test]
fn tunnels_are_what_the_cases_say() {
    for_every_node(|case, mesh, name| {
        let text: Vec<String> = mesh.peers().iter().map(line).collect();
        expect_file![case.join(format!("{name}.peers.txt"))].assert_eq(&text.concat());
    });
}

#[test]
fn names_are_what_the_cases_say() {
    for_every_node(|case, mesh, _| {
        expect_file![case.join("hosts.txt")].assert_eq(&mesh.hosts().put_into(""));
    });
}

#[test]
fn configurations_of_devices_are_what_the_cases_say() {
    for case in cases() {
        let directory = directory(&case);
        for (name, device) in &directory.peers {
            let at = directory.nodes[&device.via].at.first().cloned();
            let at = at.unwrap_or_else(|| "192.168.1.20:51821".parse().unwrap());
            expect_file![case.join(format!("{name}.conf"))].assert_eq(&laptop(&directory, device, &at));
        }
    }
}

/// What the States say; a machine that `firewall.yaml` does not name has SSH open to all and nothing else.
fn part(case: &Path, name: &NodeName) -> FirewallPart {
    let text = std::fs::read_to_string(case.join("firewall.yaml")).unwrap_or("{}".to_owned());
    let mut parts: BTreeMap<NodeName, FirewallPart> = serde_saphyr::from_str(&text).unwrap();
    parts.remove(name).unwrap_or(FirewallPart { ssh: Ssh::Anywhere, open: [].into() })
}

#[test]
fn tables_are_what_the_cases_say() {
    for_every_node(|case, mesh, name| {
        let table = firewall::table(&part(case, name), mesh);
        expect_file![case.join(format!("{name}.nft"))].assert_eq(&table.script());
    });
}
