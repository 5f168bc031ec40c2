//! Public keys, proven to be such.

use super::check::Check;
use crate::finding::{Fault, Place};
use crate::spec::At;
use knarr_node::name::{Hex, RepoPath};
use knarr_node::net::WgKey;
use ssh_key::{Algorithm, HashAlg, PublicKey};
use std::fmt;
use std::str::FromStr;

/// A public SSH key: its type and base64, without options and comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SshKey(String);

impl SshKey {
    /// Returns type and base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the fingerprint as ssh-keygen(1) prints it, `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let key = PublicKey::from_openssh(&self.0).expect("it was parsed when it was made");
        key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The fewest bits of an RSA key that nobody breaks. Source: NIST SP 800-131A Rev. 2, table 2; sshd refuses below 1024.
const RSA: usize = 2048;

fn rsa_bits(key: &PublicKey) -> Option<usize> {
    let modulus = key.key_data().rsa()?.n.as_positive_bytes()?;
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(modulus.len() * 8 - unused)
}

/// Says in words of ours why a text is no key.
fn why(text: &str, error: &ssh_key::Error) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let typed = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| first.starts_with(start));
    if matches!(error, ssh_key::Error::AlgorithmUnknown) {
        format!("sshd knows no type `{first}`")
    } else if typed {
        "it is mistyped, or was not copied as a whole".to_owned()
    } else {
        "it does not begin with a type such as `ssh-ed25519`".to_owned()
    }
}

impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SshKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("PRIVATE KEY") {
            return Err("it is a private key, which must never be in a repository".to_owned());
        }
        let mut key = PublicKey::from_openssh(text.trim()).map_err(|error| why(text, &error))?;
        if matches!(key.algorithm(), Algorithm::Dsa) {
            return Err("sshd refuses DSA keys".to_owned());
        }
        if let Some(bits) = rsa_bits(&key).filter(|bits| *bits < RSA) {
            return Err(format!("an RSA key of {bits} bits is too short, {RSA} are the least"));
        }
        key.set_comment("");
        key.to_openssh().map(|text| Self(text.trim().to_owned())).map_err(|error| error.to_string())
    }
}

impl Check<'_> {
    pub(super) fn ssh_key(&mut self, path: &RepoPath, word: &At<String>) -> Option<SshKey> {
        let parsed = word.parse();
        parsed.map_err(|why| self.findings.add(Place::of(path, word), Fault::BadSshKey { why })).ok()
    }

    pub(super) fn age(&mut self, path: &RepoPath, word: &At<String>) -> Option<String> {
        let valid = word.parse::<age::x25519::Recipient>().is_ok();
        if !valid {
            self.findings.add(Place::of(path, word), Fault::BadAgeRecipient {});
        }
        valid.then(|| word.value.clone())
    }

    pub(super) fn wireguard(&mut self, path: &RepoPath, word: &At<String>) -> Option<WgKey> {
        let parsed = word.parse();
        parsed.map_err(|_| self.findings.add(Place::of(path, word), Fault::BadWireguardKey {})).ok()
    }

    pub(super) fn machine(&mut self, path: &RepoPath, word: &At<String>) -> Option<Hex> {
        let parsed = word.parse();
        parsed.map_err(|_| self.findings.add(Place::of(path, word), Fault::BadMachine {})).ok()
    }
}
