//! Makes this machine one of a cluster: keys are born here, and whom to believe is pinned.

use crate::identity::{Identity, IdentityError, machine, write_private};
use crate::paths::Paths;
use crate::secrets::{self, SecretsError};
use crate::wireguard;
use knarr_node::enrol::{Born, Enrolment};
use knarr_node::name::{ClusterName, NodeName};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A machine that cannot be enrolled. No variant holds a key.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// It belongs to another cluster, or has another name there.
    #[error("this machine is already `{node}` of the cluster `{cluster}`")]
    Taken {
        /// Its cluster.
        cluster: ClusterName,
        /// Its name there.
        node: NodeName,
    },
    /// Its identity is damaged or another machine's.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its age key is damaged.
    #[error(transparent)]
    Age(#[from] SecretsError),
    /// A key cannot be made, or what is there is no key.
    #[error("`{0}` cannot be made, or is damaged")]
    WireGuard(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot {verb} `{path}`")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// There is no SSH host key.
    #[error("this machine has no SSH host key in /etc/ssh")]
    NoHostKey,
}

impl EnrollError {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Taken { node, .. } => {
                format!(
                    "to take it out of there: `knarr node remove {node}`, then rm -r /var/lib/knarr on this machine"
                )
            }
            Self::Identity(error) => error.help(),
            Self::Age(_) | Self::WireGuard(_) => {
                "rm -r /var/lib/knarr on this machine, then enrol it again: it gets new keys".to_owned()
            }
            Self::Io { .. } => "run it as root, and look at `df -h /var/lib`".to_owned(),
            Self::NoHostKey => "ssh-keygen -A".to_owned(),
        }
    }
}

/// Enrols this machine. Doing it again keeps keys, floor and signers, and takes the new way to the repository.
pub fn enroll(enrolment: &Enrolment, paths: &Paths) -> Result<Born, EnrollError> {
    let identity = identity(enrolment, paths)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(paths.state())
        .map_err(io("make", &paths.state()))?;
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(paths.state(), private).map_err(io("close", &paths.state()))?;
    let born = Born {
        machine: identity.machine.clone(),
        age: age(paths)?,
        wireguard: wireguard_key(paths)?,
        ssh: host_key(paths)?,
    };
    put(&paths.kept("deploy.key"), enrolment.deploy_key.0.as_bytes())?;
    put(&paths.kept("known_hosts"), enrolment.known_hosts.as_bytes())?;
    identity.write(paths)?;
    Ok(born)
}

/// Returns what the machine will know of itself, or refuses when it is somebody else already.
fn identity(enrolment: &Enrolment, paths: &Paths) -> Result<Identity, EnrollError> {
    match Identity::read(paths) {
        Ok(old) if (&old.cluster, &old.node) != (&enrolment.cluster, &enrolment.node) => {
            Err(EnrollError::Taken { cluster: old.cluster, node: old.node })
        }
        Ok(old) => Ok(Identity { git: enrolment.git.clone(), ..old }),
        Err(IdentityError::Missing(_)) => Ok(first(enrolment, machine(paths)?)),
        Err(error) => Err(error.into()),
    }
}

fn first(enrolment: &Enrolment, machine: String) -> Identity {
    let Enrolment { cluster, node, git, signers, floor, .. } = enrolment.clone();
    Identity { cluster, node, machine, git, floor, signers, applied: None, held: None }
}

/// Returns the age recipient; its identity is made once.
fn age(paths: &Paths) -> Result<String, EnrollError> {
    let path = paths.kept("age.key");
    if !there(&path)? {
        let key = age::x25519::Identity::generate();
        let text =
            Zeroizing::new(format!("{}\n", age::secrecy::ExposeSecret::expose_secret(&key.to_string())));
        put(&path, text.as_bytes())?;
    }
    Ok(secrets::identity(&path)?.to_public().to_string())
}

/// Returns the WireGuard public key; the private one is made once and lies there as `wg genkey` writes it.
fn wireguard_key(paths: &Paths) -> Result<String, EnrollError> {
    let path = paths.kept("wireguard.key");
    if !there(&path)? {
        let text = wireguard::new_key().map_err(|_| EnrollError::WireGuard(path.clone()))?;
        put(&path, text.as_bytes())?;
    }
    let text = Zeroizing::new(fs::read_to_string(&path).map_err(io("read", &path))?);
    let public = wireguard::public_half(&text).ok_or(EnrollError::WireGuard(path))?;
    Ok(public.to_string())
}

/// Returns type and base64 of the SSH host key, ed25519 first.
fn host_key(paths: &Paths) -> Result<String, EnrollError> {
    let texts = ["ed25519", "ecdsa", "rsa"]
        .map(|kind| fs::read_to_string(paths.absolute(&format!("/etc/ssh/ssh_host_{kind}_key.pub"))));
    let words = |text: String| Some(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    texts.into_iter().flatten().find_map(words).ok_or(EnrollError::NoHostKey)
}

fn there(path: &Path) -> Result<bool, EnrollError> {
    path.try_exists().map_err(io("look at", path))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), EnrollError> {
    write_private(path, bytes).map_err(io("write", path))
}

fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EnrollError {
    let path = path.to_owned();
    move |source| EnrollError::Io { verb, path, source }
}
