//! Signs what this node tells others with its SSH host key, and checks what others signed, by the system's ssh-keygen.

use crate::child::{ChildError, Confined, Limits};
use crate::paths::Paths;
use knarr_node::name::NodeName;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

const LIMITS: Limits = Limits { time: Duration::from_secs(20), memory: 512 << 20, file: 1 << 20 };

/// Something could not be signed or checked.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// There is no key to sign with.
    #[error("this machine has no SSH host key in /etc/ssh")]
    NoKey,
    /// ssh-keygen cannot be run.
    #[error("cannot run ssh-keygen")]
    Child(#[from] ChildError),
    /// ssh-keygen does not sign.
    #[error("ssh-keygen does not sign with `{key}`: {said}")]
    Refused {
        /// The key's file.
        key: PathBuf,
        /// Its own words.
        said: String,
    },
    /// What ssh-keygen reads cannot be written.
    #[error("cannot write to `{path}`")]
    Write {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SignedError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoKey => "ssh-keygen -A",
            Self::Child(_) => "apt install openssh-client",
            Self::Refused { .. } => "ssh-keygen -l -f on that key",
            Self::Write { .. } => "df -h /run",
        }
    }
}

/// Signs a text for one purpose, the `namespace`: a signature for one does not count for another.
///
/// # Errors
/// [`SignedError`] when it cannot be done.
pub fn sign(paths: &Paths, namespace: &str, text: &str) -> Result<String, SignedError> {
    let key = host_key(paths).ok_or(SignedError::NoKey)?;
    let mut child = Confined::new("ssh-keygen", &paths.state(), LIMITS);
    child.command().args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(&key);
    let said = child.run(text.as_bytes().to_vec())?;
    if said.success {
        Ok(format!("{}\n", said.out))
    } else {
        Err(SignedError::Refused { key, said: said.err })
    }
}

/// Whether node `by` signed the text for this purpose, as the lines of allowed_signers(5) in `nodes` say.
///
/// # Errors
/// [`SignedError`] when it cannot be found out, which says nothing about the signature.
pub fn is_signed(
    paths: &Paths,
    nodes: &str,
    by: &NodeName,
    namespace: &str,
    (text, signature): (&str, &str),
) -> Result<bool, SignedError> {
    let run = paths.run();
    let write = |source| SignedError::Write { path: run.clone(), source };
    fs::create_dir_all(&run).map_err(write)?;
    let folder = tempfile::tempdir_in(&run).map_err(write)?;
    for (name, bytes) in [("nodes", nodes), ("signature", signature)] {
        fs::write(folder.path().join(name), bytes).map_err(write)?;
    }
    let mut child = Confined::new("ssh-keygen", folder.path(), LIMITS);
    child.command().args([
        "-Y",
        "verify",
        "-f",
        "nodes",
        "-I",
        by.as_str(),
        "-n",
        namespace,
        "-s",
        "signature",
    ]);
    Ok(child.run(text.as_bytes().to_vec())?.success)
}

/// Returns the key whose public half `knarrd enroll` told.
fn host_key(paths: &Paths) -> Option<PathBuf> {
    let files = ["ed25519", "ecdsa", "rsa"].map(|kind| format!("/etc/ssh/ssh_host_{kind}_key"));
    let told = files.into_iter().find(|file| paths.absolute(&format!("{file}.pub")).exists());
    told.map(|file| paths.absolute(&file))
}
