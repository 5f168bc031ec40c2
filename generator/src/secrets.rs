//! Secrets at rest: age files, opened with the operator's identity. Values never show in errors or Debug.

mod opens;

pub use opens::Opens;

use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::Engine;
use knarr_node::name::{ClusterName, Digest, SecretName};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Returns the digest of public bytes: of encrypted files, never of plain text.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::of_sha256(hash(&SHA256, bytes).as_ref())
}

/// Whether bytes begin as an age file, armored or not. Source: age-encryption.org/v1.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/v1\n") || bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

/// Reads a value to its end, but no more than `most` bytes of it. What it outgrows is wiped.
///
/// # Errors
/// Those of `from`.
pub fn read_value(from: &mut dyn Read, most: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(most.min(4096)));
    loop {
        let room = bytes.capacity() - bytes.len();
        let read = from.take(room as u64).read_to_end(&mut bytes)?;
        if read < room || bytes.len() >= most {
            return Ok(bytes);
        }
        let mut wider = Zeroizing::new(Vec::with_capacity(most.min(bytes.len() * 8)));
        wider.extend_from_slice(&bytes);
        bytes = wider;
    }
}

/// Whether a word of the command line means standard input.
pub fn is_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file, or standard input for `-`, as [`read_value`] does.
///
/// # Errors
/// Those of the file.
pub fn read_input(path: &Path, most: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    if is_input(path) {
        read_value(&mut std::io::stdin().lock(), most)
    } else {
        read_value(&mut std::fs::File::open(path)?, most)
    }
}

/// A secret that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No identity file.
    #[error("cannot read your age identity `{path}`")]
    NoIdentity {
        /// Where it was looked for.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file without an identity in it.
    #[error("`{0}` holds no age identity")]
    BadIdentity(PathBuf),
    /// None of the identities opens it.
    #[error("your age identity does not open `{0}`")]
    NotForYou(String),
    /// The file is no age file, or damaged.
    #[error("`{0}` is no age file, or it is damaged")]
    Damaged(String),
    /// No recipients, or bad ones.
    #[error("`{0}` is not an age recipient")]
    BadRecipient(String),
    /// Nobody could open it.
    #[error("nobody could open it: nobody whom it is for has `decrypt`")]
    NoRecipient,
    /// The operating system has no randomness, or alike.
    #[error("cannot encrypt")]
    Encrypt(#[source] std::io::Error),
}

impl SecretError {
    /// Says what to type.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoIdentity { .. } | Self::BadIdentity(_) => {
                "copy your identity there (AGE-SECRET-KEY-1…, mode 0600), or name it: KNARR_IDENTITY=FILE"
                    .to_owned()
            }
            Self::NotForYou(_) => {
                "somebody who can open it encrypts it to you, too: knarr secret rekey".to_owned()
            }
            Self::Damaged(path) => format!("take an earlier one: git log -- {path}"),
            Self::BadRecipient(_) | Self::NoRecipient => {
                "add an `age1…` under `decrypt` in people/NAME.yaml".to_owned()
            }
            Self::Encrypt(_) => return None,
        })
    }
}

/// Returns where the operator's identity for a cluster lies: KNARR_IDENTITY, else `~/.config/knarr/<cluster>.txt`.
pub fn identity_path(cluster: &ClusterName) -> PathBuf {
    match std::env::var_os("KNARR_IDENTITY") {
        Some(path) => path.into(),
        None => config_home().join("knarr").join(format!("{cluster}.txt")),
    }
}

fn config_home() -> PathBuf {
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home().join(".config"), PathBuf::from)
}

/// The operator's age identities.
pub struct Identities(Vec<age::x25519::Identity>);

impl Identities {
    /// Reads the identities of a file: each line that begins with AGE-SECRET-KEY-1.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|source| SecretError::NoIdentity { path: path.to_owned(), source })?;
        let found: Vec<_> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        if found.is_empty() { Err(SecretError::BadIdentity(path.to_owned())) } else { Ok(Self(found)) }
    }

    /// Returns the recipients that these identities open for.
    pub fn recipients(&self) -> BTreeSet<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    /// Opens an encrypted file; `path` is for the error.
    pub fn open(&self, path: &str, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let damaged = || SecretError::Damaged(path.to_owned());
        let reader = BufReader::new(age::armor::ArmoredReader::new(bytes));
        let decryptor = age::Decryptor::new_buffered(reader).map_err(|_| damaged())?;
        let identities = self.0.iter().map(|identity| identity as &dyn age::Identity);
        let mut reader =
            decryptor.decrypt(identities).map_err(|_| SecretError::NotForYou(path.to_owned()))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
        reader.read_to_end(&mut plain).map_err(|_| damaged())?;
        Ok(plain)
    }
}

/// A new identity: its secret line, and its recipient.
pub fn new_identity() -> (Zeroizing<String>, String) {
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    (Zeroizing::new(identity.to_string().expose_secret().to_owned()), identity.to_public().to_string())
}

/// Encrypts to all recipients; the file says who they are.
pub fn seal(to: &BTreeSet<String>, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
    let recipient = |text: &String| {
        text.parse::<age::x25519::Recipient>().map_err(|_| SecretError::BadRecipient(text.clone()))
    };
    let recipients = to.iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
    let all = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let said = opens::Said(to);
    let said = Some(&said as &dyn age::Recipient).filter(|_| !to.is_empty());
    let encryptor = age::Encryptor::with_recipients(all.chain(said)).map_err(|_| SecretError::NoRecipient)?;
    let mut sealed = Vec::new();
    let write = || -> std::io::Result<()> {
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish().map(drop)
    };
    write().map_err(SecretError::Encrypt)?;
    Ok(sealed)
}

/// Returns what a node's file holds: one JSON object, name to base64.
pub fn bundle(values: &BTreeMap<SecretName, Zeroizing<Vec<u8>>>) -> Zeroizing<Vec<u8>> {
    let engine = base64::engine::general_purpose::STANDARD;
    let text: BTreeMap<&SecretName, Zeroizing<String>> =
        values.iter().map(|(name, value)| (name, Zeroizing::new(engine.encode(value)))).collect();
    let plain: BTreeMap<&str, &str> =
        text.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Zeroizing::new(serde_json::to_vec(&plain).expect("a map of texts is JSON"))
}

#[cfg(test)]
mod tests {
    use super::read_value;

    #[test]
    fn a_value_is_read_whole_however_long_it_is() {
        for length in [0, 1, 4095, 4096, 4097, 32_768, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            assert_eq!(*read_value(&mut bytes.as_slice(), 1 << 20).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_not_read_to_its_end() {
        let read = read_value(&mut std::io::repeat(7), 5000).unwrap();
        assert!((5000..8192).contains(&read.len()), "{}", read.len());
    }
}
