//! K3s as Items: the program by its digest, what it starts with, its settings, its unit.

mod config;
mod turns;
mod unit;

use super::own;
use crate::k3s::{AGENT_TOKEN, Authority, SERVER_TOKEN, SERVICE_KEY};
use crate::model::{K3s, Model, Node};
use knarr_node::Body;
use knarr_node::item::{Artifact, Dir, File, Item, Link};
use knarr_node::mesh::Role;
use knarr_node::name::{AbsPath, Mode, NodeName};
use turns::Turns;

/// The store of artifacts on a machine.
const STORE: &str = "/var/lib/knarr/store";

/// One machine that runs K3s.
#[derive(Clone, Copy)]
struct Machine<'a> {
    model: &'a Model,
    k3s: &'a K3s,
    name: &'a NodeName,
    node: &'a Node,
    turns: &'a Turns<'a>,
}

/// Returns the server that founds the cluster, when it runs K3s.
pub fn founder(model: &Model) -> Option<&NodeName> {
    let version = model.cluster.k3s.as_ref()?.version.to_string();
    let (name, node) = Turns::of(model)?.first();
    model.artifact("k3s", &version, node.arch).map(|_| name)
}

/// Returns what runs Kubernetes on a machine; nothing without a version that is pinned for it.
pub(super) fn k3s(model: &Model, name: &NodeName, node: &Node) -> Vec<Item> {
    let Some(k3s) = &model.cluster.k3s else { return Vec::new() };
    let version = k3s.version.to_string();
    let Some(artifact) = model.artifact("k3s", &version, node.arch) else { return Vec::new() };
    let Some(turns) = Turns::of(model) else { return Vec::new() };
    Machine { model, k3s, name, node, turns: &turns }.items(artifact)
}

impl Machine<'_> {
    fn items(self, artifact: Artifact) -> Vec<Item> {
        let stored = Artifact::place(&path(STORE), &artifact.sha256);
        let mut items = vec![
            Item::Artifact(artifact),
            Item::Link(Link { path: path(own::K3S), to: stored }),
            Item::Link(Link { path: path(own::KUBECTL), to: path(own::K3S) }),
        ];
        let material: Vec<File> = self.material();
        let config = File::text(path(own::K3S_CONFIG), config::config(self));
        let mut reads = vec![path(own::K3S), config.path.clone()];
        reads.extend(material.iter().map(|file| file.path.clone()));
        let registries = path("/etc/rancher/k3s/registries.yaml");
        reads.extend(self.node.host.files.contains_key(&registries).then_some(registries));
        items.extend(material.into_iter().map(Item::File));
        items.extend(self.founded().map(Item::File));
        items
            .push(Item::Dir(Dir { path: path(own::K3S_DROP_INS), only: [own::K3S_FIRST.to_owned()].into() }));
        let first = format!("{}/{}", own::K3S_DROP_INS, own::K3S_FIRST);
        items.push(Item::File(File::text(path(&first), config::first(self))));
        items.push(Item::File(config));
        items.push(Item::Unit(unit::unit(self, reads.into_iter().collect())));
        items
    }

    fn is_server(self) -> bool {
        self.node.role == Role::Server
    }

    fn is_first(self) -> bool {
        self.turns.first().0 == self.name
    }

    /// Returns tokens, and on servers the authorities too. Source: K3s documentation, cli/certificate.md, v1.36.
    fn material(self) -> Vec<File> {
        if !self.is_server() {
            return vec![secret(own::K3S_TOKEN, AGENT_TOKEN)];
        }
        let tls = "/var/lib/rancher/k3s/server/tls";
        let mut files = vec![secret(own::K3S_TOKEN, SERVER_TOKEN), secret(own::K3S_AGENT_TOKEN, AGENT_TOKEN)];
        for authority in Authority::ALL {
            let stem = authority.stem();
            let certificate = self.k3s.authorities[&authority].clone();
            files.push(File::text(path(&format!("{tls}/{stem}.crt")), certificate));
            files.push(secret(&format!("{tls}/{stem}.key"), authority.key().as_str()));
        }
        files.push(secret(&format!("{tls}/service.key"), SERVICE_KEY));
        files
    }

    /// Returns the mark on the first server of a founded cluster: K3s starts there only with its data.
    fn founded(self) -> Option<File> {
        let founded = self.is_first() && self.model.cluster.birth.founded.is_some();
        let text = "This cluster was founded: K3s starts here only with its data.\n";
        founded.then(|| File::text(path(unit::FOUNDED), text))
    }
}

fn secret(at: &str, name: &str) -> File {
    let name = name.parse().expect("it is a secret's name");
    File { path: path(at), mode: Mode::SECRET, check: None, body: Body::Secret(name) }
}

fn path(text: &str) -> AbsPath {
    text.parse().expect("it is an absolute path")
}
