//! Nodes that talk over real sockets: each has a loopback address of its own.

mod dial;
mod figures;
mod git;
mod reports;
mod words;

use super::client::{AskError, Client, Method};
use super::*;
use crate::repo::{ACCEPTED, Repo};
use hyper::StatusCode;
use ipnet::Ipv4Net;
use knarr_node::mesh::{Listing, MeshNode};
use knarr_node::net::{Mtu, Port, WgKey};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How long something may take that happens at once on an idle machine.
const SOON: Duration = Duration::from_secs(30);

/// Waits until `holds` does.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < SOON, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A few machines; no other test has their addresses.
pub(super) struct Mesh {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    net: [u8; 2],
    directory: Directory,
    pub(super) floor: Oid,
    nodes: Vec<Arc<Listener>>,
}

/// Whether programs that do not choose their own address count as a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guests {
    AreNodes,
    AreStrangers,
}

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

fn name(number: u8) -> NodeName {
    format!("n{number}").parse().unwrap()
}

impl Mesh {
    /// Starts the listeners n1, n2 …, of which n1 is a server, and waits until they answer.
    pub(super) fn new(nodes: u8) -> Self {
        Self::with(nodes, Guests::AreStrangers)
    }

    fn with(nodes: u8, guests: Guests) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let process = u8::try_from(std::process::id() % 100).unwrap();
        let net = [100 + process, NEXT.fetch_add(2, Ordering::Relaxed)];
        let directory = with_guests(directory(net, nodes), guests);
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let floor = commit(&folder.path().join("git"), "floor", &[]);
        let mut mesh = Self { folder, runtime, net, directory, floor, nodes: Vec::new() };
        (1..=nodes).for_each(|number| mesh.make_key(number));
        mesh.nodes = (1..=nodes).map(|number| mesh.start(number)).collect();
        mesh
    }

    fn paths(&self, number: u8) -> Paths {
        Paths::below(self.folder.path().join(number.to_string()))
    }

    fn make_key(&self, number: u8) {
        let key = self.paths(number).absolute("/etc/ssh/ssh_host_ed25519_key");
        std::fs::create_dir_all(key.parent().unwrap()).unwrap();
        let mut keygen = std::process::Command::new("ssh-keygen");
        let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key).status();
        assert!(made.unwrap().success());
    }

    /// Returns what `knarr render` writes to rendered/access/known_hosts.
    fn signers(&self) -> String {
        let key = |number: &u8| self.paths(*number).absolute("/etc/ssh/ssh_host_ed25519_key.pub");
        let numbers = (1..=u8::MAX).take_while(|number| key(number).exists());
        let line = |number: u8| {
            let key = std::fs::read_to_string(key(&number)).unwrap();
            format!("n{number},n{number}.mesh.harbor.example {key}")
        };
        numbers.map(line).collect()
    }

    fn start(&self, number: u8) -> Arc<Listener> {
        let paths = self.paths(number);
        std::fs::create_dir_all(paths.state()).unwrap();
        assert_eq!(commit(&paths.kept("repo.git"), "floor", &[]), self.floor);
        let listener = Arc::new(Listener::new(paths));
        self.runtime.spawn(listener.clone().run());
        let place = self.place(number, &self.floor);
        let at = place.address();
        listener.stand(Some(place));
        wait_until("it listens", || TcpStream::connect(at).is_ok());
        listener
    }

    pub(super) fn place(&self, number: u8, accepted: &Oid) -> Place {
        let ip = self.ip(number);
        let (cluster, branch) = ("harbor".parse().unwrap(), "main".to_owned());
        Place {
            cluster,
            node: name(number),
            ip,
            accepted: accepted.clone(),
            branch,
            nodes: self.signers(),
            directory: self.directory.clone(),
        }
    }

    fn ip(&self, number: u8) -> MeshIp {
        ip(self.net, number)
    }

    fn pod(&self) -> MeshIp {
        MeshIp::from(self.directory.pods.hosts().next().unwrap())
    }

    /// Returns what asks from the address.
    fn client(&self, from: MeshIp) -> Client {
        Client::new(from, self.directory.port)
    }

    fn repo(&self, number: usize) -> std::path::PathBuf {
        self.nodes[number - 1].paths.kept("repo.git")
    }
}

/// Makes an empty commit in a repository and notes it as accepted; the same text and parents give the same commit.
fn commit(repo: &std::path::Path, text: &str, parents: &[&Oid]) -> Oid {
    let ours = Repo::open(repo).unwrap();
    let git = git2::Repository::open(repo).unwrap();
    let who = git2::Signature::new("me", "me@example.org", &git2::Time::new(0, 0)).unwrap();
    let tree = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let parent = |id: &&Oid| git.find_commit(id.as_str().parse().unwrap()).unwrap();
    let parents: Vec<git2::Commit<'_>> = parents.iter().map(parent).collect();
    let id = git.commit(None, &who, &who, text, &tree, &parents.iter().collect::<Vec<_>>()).unwrap();
    let id = oid(&id.to_string());
    ours.note(ACCEPTED, &id).unwrap();
    id
}

fn ip([a, b]: [u8; 2], number: u8) -> MeshIp {
    Ipv4Addr::new(127, a, b, number).into()
}

fn directory(net: [u8; 2], count: u8) -> Directory {
    let node = |number: u8| {
        let (ip, key) = (ip(net, number), WgKey::from([number; 32]));
        let role = if number == 1 { Role::Server } else { Role::Agent };
        let at = vec![format!("192.0.2.{number}:51821").parse().unwrap()];
        (name(number), MeshNode { ip, key, role, at, ssh: None, relay: None })
    };
    let whole = |[a, b]: [u8; 2]| Ipv4Net::new(Ipv4Addr::new(127, a, b, 0), 24).unwrap();
    let listing = Listing {
        format: 1,
        domain: "harbor.example".parse().unwrap(),
        network: whole(net),
        pods: whole([net[0], net[1] + 1]),
        services: "10.43.0.0/16".parse().unwrap(),
        port: Port::try_from(51821).unwrap(),
        mtu: Mtu::try_from(1380).unwrap(),
        nodes: (1..=count).map(node).collect(),
        peers: [].into(),
    };
    Directory::try_from(listing).unwrap()
}

/// Who does not choose an address has 127.0.0.1 on the loopback device.
fn with_guests(directory: Directory, guests: Guests) -> Directory {
    let mut listing = Listing::from(directory);
    if guests == Guests::AreNodes {
        let (ip, key) = (Ipv4Addr::LOCALHOST.into(), WgKey::from([99; 32]));
        listing.nodes.insert(
            "guest".parse().unwrap(),
            MeshNode {
                ip,
                key,
                role: Role::Agent,
                at: listing.nodes[&name(1)].at.clone(),
                ssh: None,
                relay: None,
            },
        );
        listing.network = "127.0.0.0/8".parse().unwrap();
        listing.pods = "10.42.0.0/16".parse().unwrap();
    }
    Directory::try_from(listing).unwrap()
}

fn status(answer: Result<Vec<u8>, AskError>) -> StatusCode {
    match answer {
        Ok(_) => StatusCode::OK,
        Err(AskError::Refused { status, .. }) => status,
        Err(other) => panic!("{other}"),
    }
}

/// Every route that is for nodes only.
const OF_NODES: [(Method, &str); 6] = [
    (Method::GET, "/metrics"),
    (Method::GET, "/v1/word"),
    (Method::POST, "/v1/word"),
    (Method::GET, "/v1/report"),
    (Method::POST, "/v1/report"),
    (Method::GET, "/v1/reports"),
];

#[test]
fn strangers_are_refused_and_pods_read_nothing_that_is_for_nodes() {
    let mesh = Mesh::new(2);
    for (method, path) in OF_NODES {
        for (from, body) in [(mesh.ip(77), "no machine of this cluster"), (mesh.pod(), "for nodes only")] {
            let answer = mesh.client(from).ask(mesh.ip(1), method.clone(), path, None::<&()>, SOON);
            let AskError::Refused { status, said, .. } = answer.unwrap_err() else { panic!("{path}") };
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
            assert!(said.contains(body), "{path}: {said}");
        }
        let by_node = mesh.client(mesh.ip(2)).ask(mesh.ip(1), method, path, None::<&()>, SOON);
        assert_ne!(status(by_node), StatusCode::FORBIDDEN, "{path}");
    }
}

#[test]
fn a_node_that_the_next_commit_drops_is_a_stranger() {
    let mesh = Mesh::new(2);
    let mut listing = Listing::from(mesh.directory.clone());
    listing.nodes.remove(&name(2));
    let directory = Directory::try_from(listing).unwrap();
    mesh.nodes[0].stand(Some(Place { directory, ..mesh.place(1, &mesh.floor) }));
    let word = Word { commit: mesh.floor.clone() };
    let answer = mesh.client(mesh.ip(2)).ask(mesh.ip(1), Method::POST, "/v1/word", Some(&word), SOON);
    assert_eq!(status(answer), StatusCode::FORBIDDEN);
}

#[test]
fn the_listener_moves_with_the_mesh_address_and_closes_without_one() {
    let mesh = Mesh::new(2);
    let (old, new) =
        (mesh.place(1, &mesh.floor).address(), Ipv4Addr::from(u32::from(mesh.ip(1).addr()) + 50));
    mesh.nodes[0].stand(Some(Place { ip: new.into(), ..mesh.place(1, &mesh.floor) }));
    wait_until("it listens at the new address", || TcpStream::connect((new, 51821)).is_ok());
    wait_until("nobody listens at the old one", || TcpStream::connect(old).is_err());
    mesh.nodes[0].stand(None);
    wait_until("it closes", || TcpStream::connect((new, 51821)).is_err());
}

#[test]
fn what_is_too_long_is_refused_and_what_is_no_word_too() {
    let mesh = Mesh::new(2);
    let ask = |body: &str| {
        status(mesh.client(mesh.ip(2)).ask(mesh.ip(1), Method::POST, "/v1/word", Some(&body), SOON))
    };
    assert_eq!(ask(&"x".repeat(300 * 1024)), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ask("short"), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn who_does_not_listen_is_named() {
    let mesh = Mesh::new(1);
    let error =
        mesh.client(mesh.ip(1)).ask(mesh.ip(9), Method::GET, "/v1/word", None::<&()>, SOON).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot reach {}", mesh.ip(9)));
}
