//! A new cluster repository: its files, its keys, its recovery kit.

use crate::disk::Repo;
use crate::error::CliError;
use crate::format;
use crate::k3s::{Material, Version};
use crate::known_hosts::SshHost;
use crate::model::{ARGOCD, ARGOCD_PIN, SshKey};
use crate::seal::{CERTIFICATE, KEYS, Ring};
use crate::secrets::{self, SecretError};
use crate::signing::Signing;
use crate::spec::{self, At, Pinned};
use crate::template::{self, Service};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use knarr_node::item::Source;
use knarr_node::name::{ClusterName, PersonName, RepoPath};
use knarr_node::state::FORMAT;
use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// What a new repository is made of.
#[derive(Debug)]
pub struct Fresh<'a> {
    /// The cluster's name.
    pub name: ClusterName,
    /// The domain of apps and machines.
    pub domain: Option<String>,
    /// Where machines will find the commits.
    pub origin: Option<String>,
    /// The first person: file name and address.
    pub person: (PersonName, String),
    /// The key that signs.
    pub signing: &'a Signing,
    /// The person's age recipient.
    pub recipient: String,
    /// The public halves of the recovery kit.
    pub recovery: &'a Recovery,
    /// The keys that open sealed Secrets.
    pub sealing: &'a Ring,
    /// K3s's authorities and tokens.
    pub k3s: &'a Material,
    /// Where machines look first for what they download.
    pub mirror: Option<Source>,
    /// The version of K3s, with its digests; none without Kubernetes.
    pub version: Option<(Version, Pinned)>,
    /// Who checks each push.
    pub ci: Service,
}

/// A second way in, for the day when the first is lost. Its text is shown or written once.
pub struct Recovery {
    /// The kit itself: an age identity and a private SSH key.
    pub kit: Zeroizing<String>,
    /// The age recipient.
    pub recipient: String,
    /// The public key that may change the signers.
    pub signer: SshKey,
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovery")
            .field("recipient", &self.recipient)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

impl Recovery {
    /// Makes a kit for a cluster.
    pub fn new(cluster: &ClusterName) -> Result<Self, CliError> {
        let (identity, recipient) = secrets::new_identity();
        let (private, signer) = new_ssh_key(&format!("{cluster}-recovery"))?;
        let kit = format!(
            "# Recovery kit of the cluster {cluster}. It opens every secret and may change who signs: keep it offline.\n\
             # {recipient}\n{}\n{}",
            identity.as_str(),
            private.as_str()
        );
        Ok(Self { kit: Zeroizing::new(kit), recipient, signer })
    }
}

/// Makes an Ed25519 key pair in memory: the private half as OpenSSH writes it, and the public half.
fn new_ssh_key(comment: &str) -> Result<(Zeroizing<String>, SshKey), CliError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    SystemRandom::new()
        .fill(seed.as_mut())
        .map_err(|_| CliError::environment("the system has no randomness"))?;
    let pair = Ed25519Keypair::from_seed(&seed);
    let bug = |error: ssh_key::Error| CliError::bug(format!("cannot write a new key: {error}"));
    let private = PrivateKey::new(pair.into(), comment).map_err(bug)?;
    let text = private.to_openssh(LineEnding::LF).map_err(bug)?;
    let public = private.public_key().to_openssh().map_err(bug)?;
    Ok((text, public.parse().map_err(CliError::bug)?))
}

impl Fresh<'_> {
    /// Writes all files that people own; nothing is rendered yet.
    pub fn write(&self, repo: &Repo) -> Result<(), CliError> {
        for (path, text, program) in template::FILES.into_iter().chain(self.ci.files()) {
            repo.write(&known(path), text.as_bytes())?;
            if program {
                repo.make_program(&known(path))?;
            }
        }
        repo.write(&known(template::RECORD), template::record(&template::texts(self.ci)).as_bytes())?;
        for (path, text) in template::schemas() {
            repo.write(&known(&path), text.as_bytes())?;
        }
        repo.write_spec(&known("cluster.yaml"), "cluster", &self.cluster())?;
        repo.write_spec(&known(&format!("people/{}.yaml", self.person.0)), "person", &self.person())?;
        repo.write_spec(&known("knarr.lock"), "lock", &self.lock())?;
        repo.write(&known(CERTIFICATE), self.sealing.certificates().as_bytes())?;
        repo.write(&known(KEYS), &self.seal(&self.sealing.manifest())?)?;
        write_material(repo, self.k3s, |_| self.to())?;
        self.write_access(repo)
    }

    /// Writes how machines reach the origin: its host keys, and a key of their own that may only read.
    fn write_access(&self, repo: &Repo) -> Result<(), CliError> {
        let hosts = self.origin.as_deref().and_then(SshHost::of).map(|host| host.known()).unwrap_or_default();
        repo.write(&known(".knarr/known_hosts"), hosts.as_bytes())?;
        let (private, public) = new_ssh_key(&format!("{}-deploy", self.name))?;
        let sealed = self.seal(private.as_bytes())?;
        repo.write(&known("secrets/deploy-key.age"), &sealed)?;
        Ok(repo.write(&known(".knarr/deploy.pub"), format!("{public} {}-deploy\n", self.name).as_bytes())?)
    }

    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
        secrets::seal(&self.to(), plain)
    }

    /// Returns who opens the first secrets: nobody else is there yet.
    fn to(&self) -> BTreeSet<String> {
        [self.recipient.clone(), self.recovery.recipient.clone()].into()
    }

    fn cluster(&self) -> spec::Cluster {
        let remotes = self.origin.iter().map(|origin| origin.as_str().into()).collect();
        let trust = spec::Trust {
            signers: vec![self.person.0.as_str().into()],
            recovery: Some(self.recovery.signer.as_str().into()),
        };
        spec::Cluster {
            format: FORMAT.into(),
            name: self.name.as_str().into(),
            domain: self.domain.as_deref().map(At::from),
            git: spec::Git { remotes, branch: "main".into() },
            mirrors: self.mirror.iter().map(|mirror| mirror.to_string().as_str().into()).collect(),
            k3s: self.version.as_ref().map(|(version, _)| k3s(*version)),
            network: spec::Network::default(),
            firewall: spec::Firewall::default(),
            trust,
            secrets: BTreeMap::new(),
            birth: spec::Birth::default(),
            host: spec::Host::default(),
        }
    }

    fn lock(&self) -> spec::Lock {
        let knarrd = format!("knarrd {}", env!("CARGO_PKG_VERSION"));
        let mut lock = spec::Lock(BTreeMap::from([(knarrd.as_str().into(), spec::Pinned::default())]));
        let (version, [sha256, from]) = ARGOCD_PIN;
        format::say(&mut lock, FORMAT);
        lock.pin(ARGOCD, version, spec::Pinned::everywhere(sha256, from));
        if let Some((version, pinned)) = &self.version {
            lock.pin("k3s", &version.to_string(), pinned.clone());
        }
        lock
    }

    fn person(&self) -> spec::Person {
        spec::Person {
            email: self.person.1.as_str().into(),
            keys: vec![self.signing.key.as_str().into()],
            access: Some(spec::Access { nodes: spec::Which::All, login: "root".into() }),
            decrypt: vec![self.recipient.as_str().into(), self.recovery.recipient.as_str().into()],
            until: Some("never".into()),
            ..spec::Person::default()
        }
    }
}

/// Writes K3s's authorities and tokens: what is secret encrypted to the recipients that `to` says for its name.
pub fn write_material(
    repo: &Repo,
    made: &Material,
    to: impl Fn(&str) -> BTreeSet<String>,
) -> Result<(), CliError> {
    for (name, value) in &made.secrets {
        let sealed = secrets::seal(&to(name.as_str()), value.as_bytes())?;
        repo.write(&known(&format!("secrets/{name}.age")), &sealed)?;
    }
    for (path, text) in &made.certificates {
        repo.write(path, text.as_bytes())?;
    }
    Ok(())
}

fn k3s(version: Version) -> spec::K3s {
    spec::K3s { version: version.to_string().as_str().into(), config: BTreeMap::new() }
}

fn known(path: &str) -> RepoPath {
    path.parse().expect("names have no slashes, so it is a path")
}
