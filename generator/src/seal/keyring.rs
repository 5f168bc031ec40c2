//! Private keys that open sealed values: those of the repository, or of a backup of the controller's.

use super::key::SealingKey;
use super::pem::{blocks, is_pem, is_private};
use super::secret::Empty;
use super::{Given, KeyError, KeyId, OpenError, Ring, Scope, SealedSecret, Value, secrets};
use knarr_node::name::DataKey;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Private keys; which of them opened last is tried first, for files are seldom mixed.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<SealingKey>,
    last: AtomicUsize,
}

impl From<Ring> for Keyring {
    fn from(ring: Ring) -> Self {
        Self { keys: ring.into_keys(), ..Self::default() }
    }
}

impl Keyring {
    /// Reads keys: blocks of PEM, or the controller's Secrets in YAML or JSON, Lists too.
    ///
    /// # Errors
    /// When one of them cannot be read, or there is none.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let keys = if is_pem(text) {
            blocks(text).filter(|block| is_private(block)).map(SealingKey::read).collect::<Result<_, _>>()?
        } else {
            of_secrets(text)?
        };
        if keys.is_empty() { Err(KeyError::Read) } else { Ok(Self { keys, ..Self::default() }) }
    }

    /// Adds the keys of another.
    pub fn join(&mut self, other: Self) {
        let new = other.keys.into_iter().filter(|key| !self.has(&key.id)).collect::<Vec<_>>();
        self.keys.extend(new);
    }

    /// Whether it has the private half of a key.
    pub fn has(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|key| key.id == *id)
    }

    /// Opens a value that is bound to a label, and says which key did; `key` is for the error.
    ///
    /// # Errors
    /// What the key says that came furthest: that a value was changed is known by its own key only.
    pub fn open(&self, label: &[u8], key: &DataKey, text: &str) -> Result<(&KeyId, Value), OpenError> {
        let mut said = OpenError::Refused { key: key.clone() };
        let first = self.last.load(Ordering::Relaxed);
        let order = (first..self.keys.len()).chain(0..first.min(self.keys.len()));
        for (at, with) in order.filter_map(|at| Some((at, self.keys.get(at)?))) {
            match with.open_bound(label, key, text) {
                Ok(value) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok((&with.id, value));
                }
                Err(OpenError::Refused { .. }) => {}
                Err(error) => said = error,
            }
        }
        Err(said)
    }

    /// Opens all values of a sealed Secret.
    ///
    /// # Errors
    /// One for each value that does not open.
    pub fn open_all(&self, sealed: &SealedSecret) -> Result<BTreeMap<DataKey, Value>, Vec<OpenError>> {
        let (label, mut errors) = (sealed.label(), Vec::new());
        let mut values = BTreeMap::new();
        for (key, text) in &sealed.spec.encrypted_data {
            match self.open(&label, key, text) {
                Ok((_, value)) => drop(values.insert(key.clone(), value)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }
}

fn of_secrets(text: &str) -> Result<Vec<SealingKey>, KeyError> {
    let given = Given { scope: Some(Scope::ClusterWide), empty: Empty::Allowed, ..Given::default() };
    let found = secrets(text, &given).map_err(|_| KeyError::Read)?;
    let key = |found: super::Found| {
        let plain = found.secret.map_err(|_| KeyError::Read)?;
        let key = plain.values.get("tls.key").ok_or(KeyError::Read)?;
        SealingKey::read(std::str::from_utf8(&key.0).map_err(|_| KeyError::Read)?)
    };
    found.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests;
