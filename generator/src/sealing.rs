//! The sealing keys where they lie in a repository: read with the operator's identity, written for everybody who has `decrypt`.

use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{CERTIFICATE, KEYS, Ring};
use crate::secrets::{self, Identities};
use jiff::Timestamp;
use knarr_node::name::ClusterName;
use std::collections::BTreeSet;

/// Opens the keys of a repository; none when it has none.
///
/// # Errors
/// When the operator's identity does not open them, or they are none.
pub fn read(repo: &Repo, cluster: &ClusterName) -> Result<Option<Ring>, CliError> {
    let Some(bytes) = repo.read(KEYS)? else { return Ok(None) };
    let plain = Identities::read(&secrets::identity_path(cluster))?.open(KEYS, &bytes)?;
    let text = std::str::from_utf8(&plain).map_err(|_| broken("it is no text"))?;
    Ring::read(text, cluster, Timestamp::now()).map(Some).map_err(broken)
}

fn broken(why: impl std::fmt::Display) -> CliError {
    CliError::user(format!("cannot read the keys in `{KEYS}`: {why}"))
        .help(format!("take an earlier one: git log -- {KEYS}"))
}

/// Writes the keys, for these age recipients, and their certificates.
///
/// The keys come first: a certificate alone would seal what nobody opens.
pub fn write(repo: &Repo, ring: &Ring, to: &BTreeSet<String>) -> Result<(), CliError> {
    let sealed = secrets::seal(to, &ring.manifest())?;
    repo.write(&KEYS.parse().expect("it is a path"), &sealed)?;
    Ok(repo.write(&CERTIFICATE.parse().expect("it is a path"), ring.certificates().as_bytes())?)
}
