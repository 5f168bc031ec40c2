//! Opens this machine's `.age` file in memory. Values are never printed, not even in errors.

use crate::host::Secrets;
use age::x25519;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::SecretName;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use zeroize::{Zeroize as _, Zeroizing};

/// Secrets that cannot be opened. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The machine's own key cannot be read.
    #[error("cannot read `{0}`")]
    Key(PathBuf, #[source] std::io::Error),
    /// The machine's own key is no age identity.
    #[error("`{0}` is damaged")]
    BadKey(PathBuf),
    /// It is encrypted to somebody else, or damaged.
    #[error("`{0}` does not open with this machine's age key")]
    Closed(String),
    /// It opens, but holds no names with base64 values.
    #[error("`{0}` opens, but is not what `knarr render` writes")]
    Odd(String),
}

/// Reads the machine's age identity.
pub fn identity(path: &Path) -> Result<x25519::Identity, SecretsError> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| SecretsError::Key(path.to_owned(), source))?;
    let line = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-"));
    line.and_then(|line| line.parse().ok()).ok_or_else(|| SecretsError::BadKey(path.to_owned()))
}

/// Opens the bytes of the file `name` of the repository.
pub fn open(name: &str, sealed: &[u8], key: &x25519::Identity) -> Result<Secrets, SecretsError> {
    let odd = || SecretsError::Odd(name.to_owned());
    let json =
        age::decrypt(key, sealed).map(Zeroizing::new).map_err(|_| SecretsError::Closed(name.to_owned()))?;
    let mut texts: BTreeMap<SecretName, String> = serde_json::from_slice(&json).map_err(|_| odd())?;
    let values = texts.iter().map(|(name, text)| Ok((name.clone(), STANDARD.decode(text)?.into())));
    let values = values.collect::<Result<Secrets, base64::DecodeError>>();
    texts.values_mut().for_each(String::zeroize);
    values.map_err(|_| odd())
}
