//! What is chosen once: as it was recorded when the cluster was founded, and as the files say now.

use super::{Model, Node, check::Check};
use crate::finding::{Fault, Place};
use crate::k3s::{Authority, fingerprint};
use crate::spec::{self, At, Datastore, Role};
use knarr_node::mesh;
use knarr_node::name::{NodeName, RepoPath};

/// What was chosen once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Whether Kubernetes encrypts Secrets where it keeps them.
    pub secrets_encryption: bool,
    /// The cluster as it was born; none before.
    pub founded: Option<Founded>,
}

/// A cluster that was founded: nobody founds it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// The server whose data count.
    pub server: NodeName,
    /// Where Kubernetes keeps what it knows.
    pub datastore: Datastore,
}

impl Model {
    /// Returns all servers that are there: the one that founds, or did, comes first, then by name.
    pub fn servers(&self) -> Vec<(&NodeName, &Node)> {
        let there = self.nodes.iter().filter(|(_, node)| !node.removed && node.role == mesh::Role::Server);
        let mut servers: Vec<_> = there.collect();
        if let Some(founded) = &self.cluster.birth.founded {
            servers.sort_by_key(|(name, _)| **name != founded.server);
        }
        servers
    }

    /// Whether etcd stops when this server leaves: of two it needs both.
    pub fn stops_without(&self, name: &NodeName) -> bool {
        let etcd = |founded: &Founded| founded.datastore == Datastore::Etcd;
        let servers = self.servers();
        let is_one = servers.iter().any(|(server, _)| *server == name);
        self.cluster.birth.founded.as_ref().is_some_and(etcd) && servers.len() == 2 && is_one
    }
}

const NEW_CLUSTER: &str =
    "write it as it was: another one needs another cluster (docs/reliability.md#what-is-chosen-once)";
const SAME_CA: &str = "put the certificate back: git log -- secrets/server-ca.crt";

const MTU: &str =
    "write it as it was, or the new one in `birth.founded` too: then restart all pods, which keep theirs";

impl Check<'_> {
    pub(super) fn birth(&mut self, path: &RepoPath, cluster: &spec::Cluster) -> Birth {
        let birth = &cluster.birth;
        let founded = birth.founded.as_ref().and_then(|founded| {
            self.unchanged(path, cluster, founded);
            self.founded(path, founded)
        });
        Birth { secrets_encryption: birth.secrets_encryption.value, founded }
    }

    fn founded(&mut self, path: &RepoPath, founded: &At<spec::Founded>) -> Option<Founded> {
        let server: NodeName = self.word(path, &founded.server)?;
        let count = self.servers_there().count();
        let is_there = self.servers_there().any(|(name, _)| name == server.as_str());
        if !is_there && !self.folder_broken("nodes/") {
            let name = server.to_string();
            self.findings.add(Place::of(path, &founded.server), Fault::NoFounder { name });
        }
        if founded.datastore == Datastore::Sqlite && count > 1 {
            self.findings.add(Place::of(path, founded), Fault::OneServerOnly { count });
        }
        Some(Founded { server, datastore: founded.datastore })
    }

    /// Returns the servers that are there, as the files say.
    pub(super) fn servers_there(&self) -> impl Iterator<Item = (&String, &spec::Node)> {
        let server = |node: &spec::Node| node.roles.iter().any(|role| role.value == Role::Server);
        self.spec.there().filter(move |(_, node)| server(node))
    }

    /// Refuses what is otherwise than at the birth.
    fn unchanged(&mut self, path: &RepoPath, cluster: &spec::Cluster, founded: &spec::Founded) {
        let spec::Cluster { birth, network, .. } = cluster;
        let said = |domain: Option<&String>| domain.cloned().unwrap_or_default();
        let ca = self.inputs.get(Authority::Server.certificate().as_str()).map(fingerprint);
        let ca = ca.map_or_else(String::new, |ca| ca.to_string());
        let of = |word: &At<String>| Place::of(path, word);
        let same = [
            ("the authority", founded.ca.value.clone(), ca, Place::file(path), SAME_CA),
            (
                "the domain",
                said(founded.domain.as_ref()),
                said(cluster.domain.as_ref().map(|it| &it.value)),
                Place::file(path),
                NEW_CLUSTER,
            ),
            (
                "network.mesh",
                founded.network.mesh.value.clone(),
                network.mesh.value.clone(),
                of(&network.mesh),
                NEW_CLUSTER,
            ),
            (
                "network.pods",
                founded.network.pods.value.clone(),
                network.pods.value.clone(),
                of(&network.pods),
                NEW_CLUSTER,
            ),
            (
                "network.services",
                founded.network.services.value.clone(),
                network.services.value.clone(),
                of(&network.services),
                NEW_CLUSTER,
            ),
            (
                "secrets-encryption",
                founded.secrets_encryption.to_string(),
                birth.secrets_encryption.to_string(),
                Place::of(path, &birth.secrets_encryption),
                NEW_CLUSTER,
            ),
            ("mtu", founded.mtu.to_string(), birth.mtu.to_string(), Place::of(path, &birth.mtu), MTU),
        ];
        for (what, was, now, place, procedure) in same {
            if was != now {
                let [was, now] = [was, now].map(|it| if it.is_empty() { "nothing".to_owned() } else { it });
                self.findings
                    .add(place, Fault::BornOtherwise { with: format!("{what} {was}"), now, procedure });
            }
        }
    }
}
