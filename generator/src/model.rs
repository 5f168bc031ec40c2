//! The Spec, proven: every name is a name, every reference leads somewhere. What follows cannot fail.

mod app;
mod birth;
mod check;
mod cluster;
mod described;
mod host;
mod k3s;
mod key;
mod kind;
mod label;
mod lock;
mod manifest;
mod mesh;
mod needs;
mod network;
mod node;
mod openers;
mod peer;
mod person;
mod place;
mod until;

pub use app::{ARGOCD, ARGOCD_PIN, App};
pub use birth::{Birth, Founded};
pub use cluster::Cluster;
use cluster::envelope;
pub use host::Host;
pub use k3s::K3s;
pub use key::SshKey;
pub use lock::{Lock, Pin};
pub use manifest::{Object, ObjectId};
pub use mesh::{cut, names};
pub use network::Network;
pub use node::{Keys, Node};
pub use peer::Peer;
pub use person::{Access, Person};
pub use until::expired;

use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place};
use crate::k3s::Authority;
use crate::recipients::recipients;
use crate::seal::{self, KeyId};
use crate::secrets::{self, Opens};
use crate::spec::{Manifests, Spec, merged};
use check::Check;
use knarr_node::mesh::Directory;
use knarr_node::name::{AppName, Digest, NodeName, PeerName, PersonName, RepoPath, SecretName};
use knarr_node::state::Envelope;
use std::collections::BTreeMap;

/// A repository that can work.
#[derive(Clone, Debug)]
pub struct Model {
    /// Which knarrd reads what is rendered.
    pub envelope: Envelope,
    /// What is true of the whole cluster.
    pub cluster: Cluster,
    /// All machines, removed ones too.
    pub nodes: BTreeMap<NodeName, Node>,
    /// All devices of people.
    pub peers: BTreeMap<PeerName, Peer>,
    /// The machines and devices as all machines know them.
    pub directory: Directory,
    /// What Argo CD follows, sealed Secrets without an app too.
    pub apps: BTreeMap<AppName, App>,
    /// All people.
    pub people: BTreeMap<PersonName, Person>,
    /// What machines download, by its digests.
    pub lock: Lock,
    /// All secrets with the digests of their encrypted files.
    pub secrets: BTreeMap<SecretName, Digest>,
    /// The keys that open sealed Secrets, newest first.
    pub sealing_keys: Vec<KeyId>,
}

impl Model {
    /// Proves a Spec; none when there is an error among the findings.
    pub fn of(spec: &Spec, inputs: &Inputs, findings: &mut Findings) -> Option<Self> {
        let mut check = Check { spec, inputs, findings };
        check.files();
        let manifests = Manifests::of(inputs);
        seal::check::check(inputs, &manifests, check.findings);
        let sealing_keys = seal::held::check(inputs, &manifests, check.findings);
        let secrets = check.secrets();
        let people = check.people();
        check.left();
        let host = check.cluster_host();
        let network = check.network();
        let mut keys = node::Keyring::new();
        let nodes = check.nodes(&host, &mut keys);
        check.described(&host);
        let peers = check.peers(&mut keys);
        check.places(network.as_ref());
        check.addresses(network.as_ref());
        check.logins();
        check.ways_in(&people);
        check.openers();
        let apps = check.apps(&manifests);
        let cluster = check.cluster(network);
        let lock = check.lock();
        let cluster = cluster?;
        let envelope = envelope(&lock, &cluster.mirrors);
        check.trust(&cluster, &people);
        if check.findings.refuse() {
            return None;
        }
        let directory = check.directory(&cluster, &nodes, &peers)?;
        Some(Self { envelope, cluster, nodes, peers, directory, apps, people, lock, secrets, sealing_keys })
    }

    /// Returns the machines without those that were removed.
    pub fn there(&self) -> impl Iterator<Item = (&NodeName, &Node)> {
        self.nodes.iter().filter(|(_, node)| !node.removed)
    }
}

impl Check<'_> {
    /// Reports what lies where files are expected and is none.
    fn files(&mut self) {
        for path in &self.inputs.links {
            self.findings.add(Place::file(path), Fault::NoFile {});
        }
        for path in &self.inputs.no_folders {
            self.findings.add(Place::file(path), Fault::NoFolder {});
        }
        if let Some(path) = &self.inputs.endless {
            self.findings.add(Place::file(path), Fault::Endless {});
        }
        for (path, size) in &self.inputs.large {
            let manifest = ["apps/", "sealed/"].iter().any(|folder| path.as_str().starts_with(folder));
            let size = *size;
            let fault = if manifest { Fault::LargeManifest { size } } else { Fault::TooLarge { size } };
            self.findings.add(Place::file(path), fault);
        }
        self.capitals();
        self.texts();
        let folders = [
            ("nodes/", ".yaml", "NAME.yaml"),
            ("peers/", ".yaml", "NAME.yaml"),
            ("people/", ".yaml", "NAME.yaml"),
            ("secrets/", ".age", "NAME.age"),
        ];
        let right_in_apps = self.inputs.files.keys().filter(|path| {
            path.as_str()
                .strip_prefix("apps/")
                .is_some_and(|rest| !rest.contains('/') && rest.strip_suffix(".yaml").is_none())
        });
        for path in right_in_apps {
            self.findings.add(Place::file(path), Fault::StrayFile { expected: "NAME.yaml" });
        }
        for (folder, suffix, expected) in folders {
            let named = |rest: &str| rest.strip_suffix(suffix).is_some_and(|name| !name.contains('/'));
            let public = |path: &RepoPath| {
                path.as_str() == seal::CERTIFICATE
                    || Authority::ALL.iter().any(|ca| ca.certificate() == *path)
            };
            let paths = self.inputs.files.keys().filter(|path| !public(path));
            for path in
                paths.filter(|path| path.as_str().strip_prefix(folder).is_some_and(|rest| !named(rest)))
            {
                self.findings.add(Place::file(path), Fault::StrayFile { expected });
            }
        }
    }

    /// Reports names that are one on a disk which does not tell capitals apart.
    fn capitals(&mut self) {
        let mut seen: BTreeMap<String, &RepoPath> = BTreeMap::new();
        for path in self.inputs.files.keys() {
            if let Some(other) = seen.insert(path.as_str().to_lowercase(), path) {
                self.findings.add(Place::file(path), Fault::CaseClash { other: other.to_string() });
            }
        }
        for path in &self.inputs.capitals {
            let other = path.as_str().to_lowercase();
            self.findings.add(Place::file(path), Fault::CaseClash { other });
        }
    }

    /// Reports what machines get as text and is none, or has two sides of a merge in it.
    fn texts(&mut self) {
        let paths = self.inputs.files.keys().filter(|path| path.as_str().starts_with(".knarr/"));
        for path in paths {
            if let Err(finding) = merged(path, &self.inputs.files[path]) {
                self.findings.push(finding);
            }
        }
    }

    /// Warns of secrets that open for others than they are for: of files that do not say whom, the number tells.
    fn opened_by_others(&mut self, files: &[String]) {
        if self.folder_broken("people/") || self.spec.people.values().all(|person| person.decrypt.is_empty())
        {
            return;
        }
        let mut wrong: BTreeMap<(String, usize), Vec<&str>> = BTreeMap::new();
        for name in files {
            let named = recipients(self.spec, name);
            let bytes = self.inputs.get(&format!("secrets/{name}.age"));
            if let Some(opens) =
                bytes.and_then(Opens::read).filter(|opens| !named.is_empty() && !opens.is_for(&named))
            {
                let others = opens.recipients.difference(&named).count();
                let others = if others > 0 { format!(", {others} of them others") } else { String::new() };
                wrong.entry((format!("{}{others}", opens.count), named.len())).or_default().push(name);
            }
        }
        for ((opens, named), names) in wrong {
            let path = check::path(&format!("secrets/{}.age", names[0]));
            let fault = Fault::OtherRecipients { opens, named, names: names.join(", ") };
            self.findings.add(Place::file(&path), fault);
        }
    }

    fn secrets(&mut self) -> BTreeMap<SecretName, Digest> {
        let files: Vec<String> = self.inputs.names("secrets", ".age").map(str::to_owned).collect();
        self.opened_by_others(&files);
        let read = |name: String| {
            let path = check::path(&format!("secrets/{name}.age"));
            let bytes = &self.inputs.files[&path];
            if !secrets::is_encrypted(bytes) {
                self.findings.add(Place::file(&path), Fault::NotEncrypted { name: name.clone() });
            }
            Some((self.file_name(&path, &name)?, secrets::digest(bytes)))
        };
        files.into_iter().filter_map(read).collect()
    }
}

#[cfg(test)]
mod tests;
