//! Who this machine is and whom it believes: `identity.json`, pinned at enrolment.

use crate::paths::Paths;
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::name::{ClusterName, NodeName, Oid, hex};
use knarr_node::state::Git;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What a machine knows of itself. It is swapped as a whole, so that floor and signers always belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The cluster that it belongs to.
    pub cluster: ClusterName,
    /// Its name.
    pub node: NodeName,
    /// SHA-256 of /etc/machine-id in hexadecimal digits.
    pub machine: String,
    /// Where it found the commits at enrolment; tried after what the accepted State says.
    pub git: Git,
    /// The last accepted commit: nothing older is ever followed.
    pub floor: Oid,
    /// Who may sign the next commit, as the floor says.
    pub signers: String,
    /// The commit whose State was loaded last.
    #[serde(default)]
    pub applied: Option<Oid>,
    /// Nothing is applied while this is the last accepted commit: it was undone.
    #[serde(default)]
    pub held: Option<Oid>,
}

/// An identity that is missing, unreadable or another machine's.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is none.
    #[error("this machine is not enrolled: `{0}` does not exist")]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error("cannot {verb} `{path}`")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is not what knarrd wrote.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// It was made on another machine.
    #[error("this disk was copied from the machine that is `{0}`: /etc/machine-id is another one")]
    Cloned(NodeName),
}

impl IdentityError {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Missing(_) => "on your own machine: knarr node add NAME=USER@HOST".to_owned(),
            Self::Io { .. } => "run it as root, and look at `df -h /var/lib/knarr`".to_owned(),
            Self::Damaged { .. } => {
                "rm -r /var/lib/knarr, then `knarr node refresh` on your own machine".to_owned()
            }
            Self::Cloned(_) => {
                "on the copy: rm -r /var/lib/knarr; on your own machine: knarr node add NAME=USER@HOST"
                    .to_owned()
            }
        }
    }
}

impl Identity {
    /// Reads who this machine is, and refuses a copy of another one's disk.
    pub fn read(paths: &Paths) -> Result<Self, IdentityError> {
        let path = paths.kept("identity.json");
        let bytes = fs::read(&path).map_err(|source| match source {
            missing if missing.kind() == io::ErrorKind::NotFound => IdentityError::Missing(path.clone()),
            source => IdentityError::Io { verb: "read", path: path.clone(), source },
        })?;
        let identity: Self =
            serde_json::from_slice(&bytes).map_err(|source| IdentityError::Damaged { path, source })?;
        let ours = machine(paths)? == identity.machine;
        if ours { Ok(identity) } else { Err(IdentityError::Cloned(identity.node)) }
    }

    /// Writes it durably: after a crash the old or the new is there.
    pub fn write(&self, paths: &Paths) -> Result<(), IdentityError> {
        let path = paths.kept("identity.json");
        let text = serde_json::to_vec_pretty(self).expect("an identity is plain text");
        write_private(&path, &text).map_err(|source| IdentityError::Io { verb: "write", path, source })
    }
}

/// Returns SHA-256 of /etc/machine-id in hexadecimal digits. Source: machine-id(5) asks not to show the id itself.
pub fn machine(paths: &Paths) -> Result<String, IdentityError> {
    let path = paths.absolute("/etc/machine-id");
    let id = fs::read_to_string(&path).map_err(|source| IdentityError::Io { verb: "read", path, source })?;
    Ok(hex(digest(&SHA256, id.trim().as_bytes()).as_ref()))
}

/// Writes a file of mode 0600 durably and as a whole.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let options = &mut fs::OpenOptions::new();
    // A leftover of a crash is not followed if somebody made it a link.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
