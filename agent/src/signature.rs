//! Checks commits' signatures by the system's ssh-keygen: the program that people sign with.

use crate::child::{ChildError, Confined, Limits, Said};
use crate::identity::Identity;
use crate::paths::Paths;
use crate::repo::{Repo, RepoError, Signed};
use knarr_node::name::Oid;
use knarr_node::trust::{By, Judge, RECOVERY, SIGNERS};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

const LIMITS: Limits = Limits { time: Duration::from_secs(20), memory: 512 << 20, file: 1 << 20 };

/// A signature could not be checked, which says nothing about it.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The repository cannot be read.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// ssh-keygen cannot be run.
    #[error("cannot check a signature")]
    Child(#[from] ChildError),
    /// The signature cannot be put where ssh-keygen reads it.
    #[error("cannot write to `{path}`")]
    Write {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Judges commits by the signers that an accepted commit names.
pub struct Signatures<'a> {
    repo: &'a Repo,
    paths: &'a Paths,
    identity: &'a Identity,
}

impl<'a> Signatures<'a> {
    /// Makes a judge; the signers of the floor are the pinned ones.
    pub fn new(repo: &'a Repo, paths: &'a Paths, identity: &'a Identity) -> Self {
        Self { repo, paths, identity }
    }

    fn signers(&self, under: &Oid) -> Result<Vec<u8>, RepoError> {
        if *under == self.identity.floor {
            return Ok(self.identity.signers.clone().into_bytes());
        }
        self.repo.file(under, SIGNERS).map(Option::unwrap_or_default)
    }

    fn verify(&self, signature: &[u8], signed: &[u8], signers: &[u8]) -> Result<By, SignatureError> {
        let run = self.paths.run();
        let write = |source| SignatureError::Write { path: run.clone(), source };
        fs::create_dir_all(&run).map_err(write)?;
        let folder = tempfile::tempdir_in(&run).map_err(write)?;
        let put = |name, bytes: &[u8]| fs::write(folder.path().join(name), bytes).map_err(write);
        put("signers", signers)?;
        put("signature", signature)?;
        let found = keygen(folder.path(), &["find-principals"], Vec::new())?;
        if !found.success {
            return Ok(By::Nobody("a key that may not sign has signed it".to_owned()));
        }
        first_that_verifies(folder.path(), &found.out, signed)
    }
}

/// A key may stand there for a person and for recovery: what the person may do counts.
fn first_that_verifies(folder: &Path, principals: &str, signed: &[u8]) -> Result<By, SignatureError> {
    let (recovery, people): (Vec<&str>, Vec<&str>) = principals.lines().partition(|name| *name == RECOVERY);
    for principal in people.iter().chain(&recovery) {
        if keygen(folder, &["verify", "-n", "git", "-I", principal], signed.to_vec())?.success {
            return Ok(if *principal == RECOVERY { By::Recovery } else { By::Signer });
        }
    }
    Ok(By::Nobody("its signature does not fit what it says".to_owned()))
}

fn keygen(folder: &Path, action: &[&str], input: Vec<u8>) -> Result<Said, ChildError> {
    let mut child = Confined::new("ssh-keygen", folder, LIMITS);
    child.command().arg("-Y").args(action).args(["-f", "signers", "-s", "signature"]);
    child.run(input)
}

impl Judge for Signatures<'_> {
    type Error = SignatureError;

    fn by(&mut self, commit: &Oid, under: &Oid) -> Result<By, SignatureError> {
        let Some(Signed { signature, payload }) = self.repo.signature(commit)? else {
            return Ok(By::Nobody("it is not signed".to_owned()));
        };
        if !signature.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
            return Ok(By::Nobody("it is not signed with an SSH key".to_owned()));
        }
        if self.repo.file(commit, SIGNERS)?.is_none_or(|signers| signers.trim_ascii().is_empty()) {
            return Ok(By::Nobody(format!("its {SIGNERS} names nobody who may sign the next one")));
        }
        self.verify(&signature, &payload, &self.signers(under)?)
    }
}
