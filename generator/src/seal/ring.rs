//! All sealing keys of a repository, newest first: the first seals, each opens.

mod read;

use super::{KeyId, Pair, SealingKey};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

pub use read::RingError;

/// Sealing keys; at least one.
#[derive(Debug)]
pub struct Ring(Vec<Pair>);

/// What `secrets/sealing-keys.age` holds: the Secrets that the controller reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<super::pair::Manifest<'a>>,
}

impl From<Pair> for Ring {
    fn from(pair: Pair) -> Self {
        Self(vec![pair])
    }
}

impl Ring {
    /// Adds a key; its place is by its certificate's day, as in the controller. Whether it is new.
    /// Source: sealed-secrets v0.27.1, cmd/controller/main.go, `--key-order-priority=CertNotBefore`.
    pub fn add(&mut self, pair: Pair) -> bool {
        let new = !self.0.iter().any(|there| there.id() == pair.id());
        if new {
            self.0.push(pair);
            self.0.sort_by(|a, b| (b.certificate.since, a.id()).cmp(&(a.certificate.since, b.id())));
        }
        new
    }

    /// Adds all keys of another ring, and says which are new.
    #[must_use]
    pub fn with(mut self, other: Self) -> (Self, Vec<KeyId>) {
        let added = other.0.into_iter().filter_map(|pair| {
            let id = pair.id().clone();
            self.add(pair).then_some(id)
        });
        let added = added.collect();
        (self, added)
    }

    /// Drops all keys but one that is there.
    pub fn keep(&mut self, id: &KeyId) {
        self.0.retain(|pair| pair.id() == id);
    }

    /// Returns a time before that of all certificates.
    pub fn before(&self) -> Timestamp {
        let oldest = self.0.last().expect("a ring has a key").certificate.since;
        oldest.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Takes a retired key out; none when it is not there, or is the one that seals.
    pub fn take(&mut self, id: &KeyId) -> Option<Pair> {
        let at = self.retired().iter().position(|pair| pair.id() == id)?;
        Some(self.0.remove(at + 1))
    }

    /// Returns the key that seals.
    pub fn newest(&self) -> &Pair {
        self.0.first().expect("a ring has a key")
    }

    /// Returns the keys that only open.
    pub fn retired(&self) -> &[Pair] {
        self.0.get(1..).expect("a ring has a key")
    }

    /// Returns all keys, newest first.
    pub fn pairs(&self) -> &[Pair] {
        &self.0
    }

    pub(super) fn into_keys(self) -> Vec<SealingKey> {
        self.0.into_iter().map(|pair| pair.key).collect()
    }

    /// Returns the certificates in PEM, the one that seals first: kubeseal's `--cert` takes the first, too.
    pub fn certificates(&self) -> String {
        self.0.iter().map(|pair| pair.pem.as_str()).collect()
    }

    /// Returns the Secrets of the controller as a `List`, in JSON.
    pub fn manifest(&self) -> Zeroizing<Vec<u8>> {
        let items = self.0.iter().map(Pair::manifest).collect();
        let list = List { api_version: "v1", kind: "List", items };
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024 * self.0.len())); // grows no more
        serde_json::to_writer_pretty(&mut *bytes, &list).expect("texts are JSON");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests;
