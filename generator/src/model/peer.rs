//! Devices of people.

use super::check::{self, Check};
use super::node::Keyring;
use crate::finding::{Fault, Place};
use crate::spec::{self, At};
use knarr_node::mesh::{MeshDevice, Reach};
use knarr_node::name::{PeerName, PersonName, RepoPath};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A laptop or phone of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whose it is.
    pub owner: PersonName,
    /// What machines know of it.
    pub device: MeshDevice,
}

impl Check<'_> {
    pub(super) fn peers(&mut self, keys: &mut Keyring) -> BTreeMap<PeerName, Peer> {
        let mut peers = BTreeMap::new();
        for (file, peer) in &self.spec.peers {
            let path = check::path(&format!("peers/{file}.yaml"));
            let name = self.file_name(&path, file);
            self.not_reserved(&path, file);
            if self.spec.nodes.contains_key(file) || self.spec.described.contains_key(file) {
                let other = check::path(&format!("nodes/{file}.yaml"));
                self.findings.add(Place::file(&path), Fault::SameName { other });
            }
            self.own_key(&path, "wireguard", &peer.key, keys);
            if let (Some(name), Some(peer)) = (name, self.one_peer(&path, peer)) {
                peers.insert(name, peer);
            }
        }
        peers
    }

    fn one_peer(&mut self, path: &RepoPath, peer: &spec::Peer) -> Option<Peer> {
        let owner = self.person(path, &peer.owner);
        let key = self.word(path, &peer.key);
        let via = self.node_there(path, &peer.via);
        if let Some(name) =
            via.clone().filter(|via| self.spec.nodes.get(via.as_str()).is_some_and(|it| it.nat))
        {
            self.findings.add(Place::of(path, &peer.via), Fault::HiddenVia { name });
        }
        let reach = peer.reach.iter().filter_map(|word| self.reach(path, word)).collect();
        let until = peer.until.as_ref().map(|word| self.until(path, word));
        let ip = peer.mesh.as_ref().and_then(|word| word.parse::<Ipv4Addr>().ok()).map(Ipv4Addr::into);
        let device = MeshDevice { ip: ip?, key: key?, via: via?, reach, until: until.flatten() };
        Some(Peer { owner: owner?, device })
    }

    fn reach(&mut self, path: &RepoPath, word: &At<String>) -> Option<Reach> {
        let reach = self.word(path, word)?;
        if let Reach::Port(node, _) = &reach {
            let span = word.span.clone();
            self.node(path, &At { value: node.to_string(), span })?;
        }
        Some(reach)
    }
}
