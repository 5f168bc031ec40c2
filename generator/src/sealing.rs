//! The sealing keys where they lie in a repository: read with the operator's identity, written for everybody who has `decrypt`.

use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{CERTIFICATE, KEYS, Keyring, Ring};
use crate::secrets::{self, Identities, read_value};
use jiff::Timestamp;
use knarr_node::name::ClusterName;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The most bytes that are read of a file with private keys.
const MOST: usize = 4 << 20;

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

/// Reads the private keys of files: PEM, or Secrets of the controller.
///
/// # Errors
/// When one of them cannot be read, or holds none.
pub fn of_files(files: &[PathBuf]) -> Result<Keyring, CliError> {
    let mut keyring = Keyring::default();
    for path in files {
        let open = || read_value(&mut std::fs::File::open(path)?, MOST);
        let shown = path.display();
        let bytes = open().map_err(|error| {
            CliError::user(format!("cannot read `{shown}`: {error}")).help("name a file with a private key")
        })?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        keyring.join(Keyring::read(text).map_err(|_| {
            CliError::user(format!("`{shown}` holds no private sealing key"))
                .help("it shall be PEM (PKCS#1 or PKCS#8), or the controller's Secrets in YAML or JSON")
        })?);
    }
    Ok(keyring)
}

/// Writes the keys, for these age recipients, and their certificates.
///
/// The keys come first: a certificate alone would seal what nobody opens.
pub fn write(repo: &Repo, ring: &Ring, to: &BTreeSet<String>) -> Result<(), CliError> {
    let sealed = secrets::seal(to, &ring.manifest())?;
    repo.write(&KEYS.parse().expect("it is a path"), &sealed)?;
    Ok(repo.write(&CERTIFICATE.parse().expect("it is a path"), ring.certificates().as_bytes())?)
}
