//! A node asks another one to dial it back.

use super::*;
use crate::listener::dial::{Dial, Dialled, Undone, Way};
use std::io::Write as _;
use std::net::TcpListener;

/// Something that answers as sshd does, until it is dropped.
struct Sshd(std::net::SocketAddr);

impl Sshd {
    fn new(says: &'static [u8]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                stream.unwrap().write_all(says).unwrap_or_default();
            }
        });
        Self(at)
    }
}

/// Lets the witness n2 know where the sshd of n1 is.
fn tell(mesh: &Mesh, at: std::net::SocketAddr) {
    let mut place = mesh.place(2, &mesh.floor);
    let mut listing = Listing::from(place.directory.clone());
    listing.nodes.get_mut(&name(1)).unwrap().ssh = Some(at.to_string().parse().unwrap());
    place.directory = listing.try_into().unwrap();
    mesh.nodes[1].stand(Some(place));
}

fn asked(mesh: &Mesh, commit: &Oid) -> Dialled {
    let dial = Dial { commit: commit.clone(), ssh: Way::Public };
    let client = mesh.client(mesh.ip(1));
    let answer = client.ask(mesh.ip(2), Method::POST, "/v1/dial", Some(&dial), SOON).unwrap();
    serde_json::from_slice(&answer).unwrap()
}

#[test]
fn a_witness_dials_back_over_the_mesh_and_to_sshd() {
    let mesh = Mesh::new(2);
    tell(&mesh, Sshd::new(b"SSH-2.0-OpenSSH_9.2\r\n").0);
    let good = Dialled { mesh: true, ssh: true, aware: true };
    assert_eq!(asked(&mesh, &mesh.floor), good);
    let unknown = oid("2222222222222222222222222222222222222222");
    assert_eq!(asked(&mesh, &unknown), Dialled { aware: false, ..good });
}

#[test]
fn what_does_not_speak_ssh_is_no_sshd() {
    let mesh = Mesh::new(2);
    tell(&mesh, Sshd::new(b"HTTP/1.1 400\r\n").0);
    assert!(!asked(&mesh, &mesh.floor).ssh);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    tell(&mesh, closed);
    assert!(!asked(&mesh, &mesh.floor).ssh);
}

#[test]
fn a_node_that_does_not_listen_is_not_reached_over_the_mesh() {
    let mesh = Mesh::new(2);
    tell(&mesh, Sshd::new(b"SSH-2.0-x\r\n").0);
    mesh.nodes[0].stand(None);
    let at = mesh.place(1, &mesh.floor).address();
    wait_until("it listens no more", || TcpStream::connect(at).is_err());
    assert_eq!(asked(&mesh, &mesh.floor), Dialled { mesh: false, ssh: true, aware: true });
}

#[test]
fn what_cut_a_node_off_is_kept_in_mind() {
    let mesh = Mesh::new(2);
    let undone = Undone { commit: mesh.floor.clone() };
    let client = mesh.client(mesh.ip(1));
    client.ask(mesh.ip(2), Method::POST, "/v1/undone", Some(&undone), SOON).unwrap();
    let kept = std::fs::read_to_string(mesh.paths(2).kept("warning.json")).unwrap();
    assert!(kept.contains(mesh.floor.as_str()) && kept.contains("\"n1\""), "{kept}");
}
