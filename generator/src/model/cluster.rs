//! The cluster: its name, where its commits are, whom machines believe.

use super::check::{self, Check};
use super::{Birth, K3s, Lock, Network, Person, SshKey};
use crate::finding::{Fault, Place};
use crate::format::{self, FORMAT_LINE};
use crate::mirror;
use crate::origin::ORIGINS;
use crate::spec::{self, Arch, At};
use knarr_node::item::Source;
use knarr_node::name::{ClusterName, PersonName, RepoPath};
use knarr_node::state::{Envelope, FORMAT, Git};
use std::collections::{BTreeMap, BTreeSet};

/// What is true of the whole cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// The domain below which names are made.
    pub domain: Option<String>,
    /// Where machines look first for what they download.
    pub mirrors: Vec<Source>,
    /// What runs Kubernetes; none: nothing does.
    pub k3s: Option<K3s>,
    /// What was chosen once.
    pub birth: Birth,
    /// Which addresses are whose.
    pub network: Network,
    /// Where machines find the commits.
    pub git: Git,
    /// Whose signatures count, in the order of the file.
    pub signers: Vec<PersonName>,
    /// Whose signature may change the signers.
    pub recovery: Option<SshKey>,
}

impl Check<'_> {
    pub(super) fn cluster(&mut self, network: Option<Network>) -> Option<Cluster> {
        let path: RepoPath = check::path("cluster.yaml");
        let Some(cluster) = &self.spec.cluster else {
            if !self.spec.is_broken("cluster.yaml") {
                self.findings.add(Place::file(&path), Fault::NoCluster {});
            }
            return None;
        };
        if cluster.format.value != FORMAT {
            let found = cluster.format.value;
            self.findings.add(Place::of(&path, &cluster.format), Fault::WrongFormat { found });
        }
        let domain = cluster.domain.as_ref().and_then(|word| self.domain(&path, word));
        let git = self.git(&path, &cluster.git);
        let signers = self.signers(&path, &cluster.trust);
        let mirrors = self.mirrors(&path, &cluster.mirrors);
        let recovery = cluster.trust.recovery.as_ref().and_then(|word| self.ssh_key(&path, word));
        let k3s = cluster.k3s.as_ref().and_then(|k3s| self.k3s(&path, k3s));
        let birth = self.birth(&path, cluster);
        let name = self.word(&path, &cluster.name);
        Some(Cluster { name: name?, domain, mirrors, k3s, birth, network: network?, git, signers, recovery })
    }

    fn domain(&mut self, path: &RepoPath, word: &At<String>) -> Option<String> {
        let label = |part: &str| part.parse::<ClusterName>().is_ok();
        let valid = word.len() <= 200 && word.split('.').all(label);
        if !valid {
            self.bad(path, word, "a domain", "names of a-z, 0-9 and - joined by dots, e.g. harbor.example");
        }
        valid.then(|| word.value.clone())
    }

    fn git(&mut self, path: &RepoPath, git: &spec::Git) -> Git {
        let rule = "an address as git takes it over ssh, https or from a folder, without spaces";
        for remote in git.remotes.iter().filter(|remote| !is_remote(remote)) {
            self.bad(path, remote, "a git remote", rule);
        }
        if !is_branch(&git.branch) {
            self.bad(path, &git.branch, "a branch", "letters, digits and ._/- as in main or team/main");
        }
        if let Some(first) = git.remotes.first().filter(|_| git.remotes.iter().all(|remote| is_here(remote)))
        {
            self.findings.add(Place::of(path, first), Fault::OnlyCopy {});
        }
        let remotes = git.remotes.iter().map(|remote| remote.value.clone()).collect();
        Git { remotes, branch: git.branch.value.clone() }
    }

    fn signers(&mut self, path: &RepoPath, trust: &spec::Trust) -> Vec<PersonName> {
        if trust.signers.is_empty() {
            self.findings.add(Place::file(path), Fault::NoSigner {});
        }
        trust.signers.iter().filter_map(|word| self.signer(path, word)).collect()
    }

    fn signer(&mut self, path: &RepoPath, word: &At<String>) -> Option<PersonName> {
        let name: PersonName = self.word(path, word)?;
        let place = Place::of(path, word);
        match self.spec.people.get(name.as_str()) {
            Some(person) if person.keys.is_empty() => {
                self.findings.add(place, Fault::SignerWithoutKey { name: name.to_string() });
            }
            Some(_) => {}
            None => self.nobody(place, name.as_str()),
        }
        Some(name)
    }

    /// Warns while one loss would lock everybody out.
    pub(super) fn trust(&mut self, cluster: &Cluster, people: &BTreeMap<PersonName, Person>) {
        if self.findings.refuse() {
            return; // a person or key that cannot be read may be the second one
        }
        let place = Place::file(&check::path("cluster.yaml"));
        let recipients: BTreeSet<&String> = people.values().flat_map(|person| &person.decrypt).collect();
        if recipients.len() < 2 {
            self.findings.add(place.clone(), Fault::FewRecipients { count: recipients.len() });
        }
        let named =
            cluster.signers.iter().filter_map(|name| people.get(name)).flat_map(|person| &person.keys);
        let signers: BTreeSet<&SshKey> = named.chain(&cluster.recovery).collect();
        if signers.len() == 1 {
            self.findings.add(place, Fault::FewSigners {});
        }
    }
}

/// Returns the head of every State: its format, this knarrd, with digests where the lock has them. Machines look in the mirrors first.
pub(super) fn envelope(lock: &Lock, mirrors: &[Source]) -> Envelope {
    let version = lock.version("knarrd").unwrap_or(env!("CARGO_PKG_VERSION"));
    let files =
        [Arch::Amd64, Arch::Arm64].map(|arch| lock.pin("knarrd", version).and_then(|pin| pin.file(arch)));
    let places: BTreeSet<String> =
        files.iter().flatten().flat_map(|file| &file.from).map(ToString::to_string).collect();
    let pinned = files.iter().any(Option::is_some);
    let mirrors = mirrors.iter().filter(|_| pinned).map(|it| mirror::knarrd(it, version, "knarrd-{arch}"));
    let from = mirrors.chain(places).collect();
    let [amd64, arm64] = files.map(|file| file.map(|file| file.sha256.clone()));
    let format = format::written(lock.version(FORMAT_LINE)).unwrap_or(FORMAT);
    Envelope { format, version: version.to_owned(), amd64, arm64, from }
}

/// Whether git would take `text` as an address, and not as an option or as a command to run.
///
/// Source: gitremote-helpers(7): `<transport>::<address>` runs any program.
fn is_remote(text: &str) -> bool {
    let plain = !text.is_empty() && !text.starts_with('-') && !text.contains("::");
    plain && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Whether a place of commits is the one that `knarr up` makes on the machine itself.
fn is_here(remote: &str) -> bool {
    remote.starts_with(ORIGINS)
}

/// Whether `text` can be a branch, by a rule stricter than git-check-ref-format(1).
fn is_branch(text: &str) -> bool {
    let ends = |part: &str| !part.ends_with('.') && part.strip_suffix(".lock").is_none();
    let part = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && ends(part);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    !text.contains("..") && text.chars().all(plain) && text.split('/').all(part)
}
