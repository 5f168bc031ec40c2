//! What machines read: States, the directory of the mesh, their own journal, sealed secrets, each other's reports.

use super::repository::fine;
use super::{same, top};
use knarr::secrets::{Identities, seal};
use knarr_node::enrol::{Born, Enrolment};
use knarr_node::item::HostsBlock;
use knarr_node::mesh::{Directory, Listing, Mesh};
use knarr_node::name::AbsPath;
use knarr_node::report::Report;
use knarr_node::state::{ClusterState, NodeState, Sealed};
use knarr_node::trust::approvals;
use knarr_node::{Have, plan};
use knarrd::journal::{Journal, Storage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::io;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

/// The directory of the mesh, as each machine of it reads it.
pub(super) fn mesh(bytes: &[u8]) {
    let Ok(listing) = serde_saphyr::from_slice::<Listing>(bytes) else { return };
    let Ok(directory) = Directory::try_from(listing) else { return };
    let device = "knarr0".parse().expect("it is a device's name");
    for name in directory.nodes.keys() {
        let Ok(mesh) = Mesh::new(&directory, name, &device) else { continue };
        let others = directory.nodes.len() + directory.peers.len() - 1;
        let allowed: usize = mesh.peers().iter().map(|peer| peer.allowed.len()).sum();
        assert_eq!(allowed, others, "each other address has one way");
        let _ = (mesh.hosts(), mesh.address(), mesh.route());
    }
}

/// A machine's State: what it is to be, and what it does to get there and back.
pub(super) fn state(bytes: &[u8]) {
    let sealed = serde_saphyr::from_slice::<Sealed>(bytes);
    let Ok(state) = serde_saphyr::from_slice::<NodeState>(bytes) else { return };
    assert!(sealed.is_ok(), "whoever reads a State can read its envelope");
    let key: AbsPath = "/var/lib/knarr/wireguard.key".parse().expect("it is a path");
    let Ok(items) = state.lower(&fine().directory, &key) else { return };
    let (nothing, all) = (Have::of(&[]), Have::of(&items));
    let _ = (plan(&items, &nothing), plan(&[], &all));
    assert!(plan(&items, &all).is_empty(), "what is there already changes nothing");
}

pub(super) fn cluster_state(bytes: &[u8]) {
    let sealed = serde_saphyr::from_slice::<Sealed>(bytes);
    let Ok(state) = serde_saphyr::from_slice::<ClusterState>(bytes) else { return };
    assert!(sealed.is_ok(), "whoever reads a State can read its envelope");
    let _ = state.tombstones().count();
}

/// Reads JSON, and proves that what is written says the same.
fn json<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let text = serde_json::to_string(&read).expect("what was read can be written");
    same(&read, serde_json::from_str(&text));
}

pub(super) fn report(bytes: &[u8]) {
    json::<Report>(bytes);
}

/// What a machine is told when it joins, and what it answers.
pub(super) fn enrolment(bytes: &[u8]) {
    json::<Enrolment>(bytes);
    json::<Born>(bytes);
}

/// /etc/hosts, where others write too; and a commit's message, where people do.
pub(super) fn hosts(bytes: &[u8]) {
    let Ok(file) = std::str::from_utf8(bytes) else { return };
    let name = "edge.mesh.harbor.example".parse().expect("it is a domain's name");
    let block = HostsBlock([(Ipv4Addr::new(10, 210, 0, 1).into(), name)].into());
    let _ = HostsBlock::of(file);
    let with = block.put_into(file);
    assert_eq!(HostsBlock::of(&with), Some(block.clone()), "the block is what was put");
    assert_eq!(block.put_into(&with), with, "putting it twice changes nothing");
    let without = HostsBlock::default().put_into(&with);
    assert_eq!(HostsBlock::of(&without), HostsBlock::of(&HostsBlock::default().put_into(file)));
    for word in approvals(file) {
        assert!(!word.contains('\n'), "an approval is one line");
    }
}

/// A journal that nobody writes.
struct Bytes(Vec<u8>);

impl Storage for Bytes {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(Some(self.0.clone()))
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend(bytes);
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 = bytes.to_vec();
        Ok(())
    }
}

/// knarrd's journal after a crash: what was torn is cut off, and the rest is what it was. As it is, and with each line as a
/// record that is whole: length, CRC-32, JSON.
pub(super) fn journal(bytes: &[u8]) {
    recovered(bytes.to_vec());
    let frame = |body: &[u8]| {
        let length = u32::try_from(body.len()).expect("an input is small").to_le_bytes();
        [&length, &crc32fast::hash(body).to_le_bytes(), body].concat()
    };
    recovered(bytes.split(|byte| *byte == b'\n').flat_map(frame).collect());
}

fn recovered(bytes: Vec<u8>) {
    let storage = Bytes(bytes);
    let Ok(lines) = Journal::look(&storage) else {
        assert!(Journal::open(Box::new(storage)).is_err(), "a damaged journal is not begun anew");
        return;
    };
    let journal = Journal::open(Box::new(storage)).expect("what can be looked at can be opened");
    assert_eq!(journal.history(), lines);
}

fn me() -> &'static Identities {
    static ME: OnceLock<Identities> = OnceLock::new();
    ME.get_or_init(|| Identities::read(&top().join("generator/tests/keys/me.txt")).expect("it is a key"))
}

/// An encrypted file, as people and machines open it.
pub(super) fn secret(bytes: &[u8]) {
    let opened = me().open("secrets/x.age", bytes);
    if let Err(error) = &opened {
        assert!(error.help().is_some_and(|help| !help.is_empty()), "{error}");
    }
    let key = knarrd::secrets::identity(&top().join("generator/tests/keys/me.txt")).expect("it is a key");
    let _ = knarrd::secrets::open("rendered/nodes/edge.age", bytes, &key);
}

/// What is in a machine's encrypted file, once it is open.
pub(super) fn secrets(bytes: &[u8]) {
    let sealed = seal(&me().recipients(), bytes).expect("anything can be sealed");
    assert_eq!(me().open("secrets/x.age", &sealed).expect("it was sealed to me").as_slice(), bytes);
    secret(&sealed);
}
