//! All configurations of a full mesh of 500 machines: from the directory that a repository holds to 500 files.

use crate::figure::{Figure, Target, Values};
use crate::peers::Peers;
use knarr_node::item::WgPeer;
use knarr_node::mesh::{Directory, Mesh};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const NODES: u16 = 500;
/// What the directory of 500 machines may take in the repository, in bytes.
const LARGEST: usize = 200_000;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let text = directory();
    assert!(text.len() <= LARGEST, "the directory of {NODES} machines takes {} bytes", text.len());
    let folder = tempfile::tempdir().unwrap();
    let ours = Values::times(5, || expand(&text, folder.path()));
    let peer = peers.python("wg-meshconf").map(|program| {
        let database = folder.path().join("database.csv");
        std::fs::write(&database, rival()).unwrap();
        ("wg-meshconf 2.5.1".to_owned(), Values::times(1, || genconfig(&program, folder.path())))
    });
    let what = "all configurations of a full mesh of 500 machines";
    vec![Figure { what, ours, target: Target::AtMost(1.0), peer }]
}

/// Returns a directory as `knarr render` writes it.
fn directory() -> String {
    let head = "format: 1\ndomain: harbor.example\nnetwork: 10.210.0.0/16\npods: 10.42.0.0/16\nservices: 10.43.0.0/16\nport: 51821\nmtu: 1380\nnodes:\n";
    let line = |n: u16| {
        let (high, low) = (n / 250 + 1, n % 250 + 1);
        format!(
            "  node-{n:03}: {{ip: 10.210.{high}.{low}, key: {}, at: [\"198.18.{high}.{low}:51821\"]}}\n",
            key(n)
        )
    };
    (0..NODES).fold(head.to_owned(), |text, n| text + &line(n))
}

/// Returns a public key that differs for each number: 32 bytes in base64.
fn key(n: u16) -> String {
    format!("{n:04}{}=", "A".repeat(39))
}

fn expand(text: &str, folder: &Path) {
    let directory: Directory = serde_saphyr::from_str(text).unwrap();
    let device = "knarr0".parse().unwrap();
    for name in directory.nodes.keys() {
        let mesh = Mesh::new(&directory, name, &device).unwrap();
        let head = format!("[Interface]\nListenPort = {}\n", directory.port);
        let text = mesh.peers().iter().fold(head, peer);
        std::fs::write(folder.join(format!("{name}.conf")), text).unwrap();
    }
}

fn peer(mut text: String, peer: &WgPeer) -> String {
    let allowed: Vec<String> = peer.allowed.iter().map(ToString::to_string).collect();
    write!(
        text,
        "\n# {}\n[Peer]\nPublicKey = {}\nAllowedIPs = {}\n",
        peer.name,
        peer.key,
        allowed.join(", ")
    )
    .unwrap();
    if let Some(endpoint) = &peer.endpoint {
        writeln!(text, "Endpoint = {endpoint}").unwrap();
    }
    text
}

/// Returns the same mesh as wg-meshconf's database; its columns are those of version 2.5.1.
fn rival() -> String {
    let head = "Name,Address,Endpoint,AllowedIPs,ListenPort,PersistentKeepalive,FwMark,PrivateKey,DNS,MTU,Table,PreUp,PostUp,PreDown,PostDown,SaveConfig\n";
    let line = |n: u16| {
        let (high, low) = (n / 250 + 1, n % 250 + 1);
        format!("node-{n:03},10.210.{high}.{low}/16,198.18.{high}.{low},,51821,,,{},,,,,,,,\n", key(n))
    };
    (0..NODES).fold(head.to_owned(), |text, n| text + &line(n))
}

fn genconfig(program: &Path, folder: &Path) {
    let run = Command::new(program)
        .args(["genconfig", "-o", "rival"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    assert!(run.unwrap().success(), "wg-meshconf fails");
}
