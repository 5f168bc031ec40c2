//! Sealing keys from text: Secrets of a cluster in JSON or YAML, alone or in a `List`, or PEM.

use super::Ring;
use crate::seal::pair::{ACTIVE, Hidden, LABEL};
use crate::seal::pem::{blocks, is_pem, is_private};
use crate::seal::{Certificate, KeyError, Pair, SealingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use knarr_node::name::{BadName, ClusterName};
use serde::Deserialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Sealing keys that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// Neither Kubernetes objects nor PEM; a parser's own words could quote the key.
    #[error("it is neither a Secret in YAML or JSON nor a key in PEM")]
    Format,
    /// None of it is a sealing key.
    #[error("no sealing key is in it")]
    Empty,
    /// A Secret that is none.
    #[error("Secret `{name}`: {source}")]
    Secret {
        /// Its name.
        name: String,
        /// Why not.
        source: KeyError,
    },
    /// A Secret whose name Kubernetes would not take.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A key in PEM that is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// As much of a Secret, or of a List of them, as makes sealing keys.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(rename = "tls.crt")]
    certificate: Option<Hidden>,
    #[serde(rename = "tls.key")]
    key: Option<Hidden>,
}

impl Ring {
    /// Reads keys as the controller keeps them, or as PEM: PKCS#1 or PKCS#8, each with its certificate or without one.
    ///
    /// A key without a certificate gets one of `cluster`, which seals from `since`.
    pub fn read(text: &str, cluster: &ClusterName, since: Timestamp) -> Result<Self, RingError> {
        let pairs = if is_pem(text) { pem(text, cluster, since)? } else { secrets(text)? };
        let rings = pairs.into_iter().map(Self::from);
        rings.reduce(|ring, more| ring.with(more).0).ok_or(RingError::Empty)
    }
}

fn secrets(text: &str) -> Result<Vec<Pair>, RingError> {
    let objects: Vec<Object> = match serde_json::from_str(text) {
        Ok(object) => vec![object],
        Err(_) => serde_saphyr::from_multiple(text).map_err(|_| RingError::Format)?,
    };
    let objects = objects.into_iter().flat_map(|mut object| {
        let items = std::mem::take(&mut object.items);
        std::iter::once(object).chain(items)
    });
    objects.filter(is_sealing_key).map(|secret| pair(&secret)).collect()
}

/// Whether the controller would take it; a key that is marked `compromised` is none.
fn is_sealing_key(object: &Object) -> bool {
    object.kind == "Secret" && object.metadata.labels.get(LABEL).is_some_and(|value| value == ACTIVE)
}

fn pair(secret: &Object) -> Result<Pair, RingError> {
    let name = &secret.metadata.name;
    let refuse = |source| RingError::Secret { name: name.clone(), source };
    let [key, certificate] = [&secret.data.key, &secret.data.certificate].map(|text| decoded(text.as_ref()));
    let key = SealingKey::read(&key.ok_or(refuse(KeyError::Read))?).map_err(refuse)?;
    let certificate = certificate.ok_or(refuse(KeyError::Certificate))?;
    Pair::with(key, &certificate, name.parse()?).map_err(refuse)
}

fn decoded(text: Option<&Hidden>) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(STANDARD.decode(text?.0.as_bytes()).ok()?);
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// Reads blocks of PEM: a certificate belongs to the key that it is of, wherever it stands.
fn pem(text: &str, cluster: &ClusterName, since: Timestamp) -> Result<Vec<Pair>, RingError> {
    let (keys, certificates): (Vec<&str>, Vec<&str>) = blocks(text).partition(|block| is_private(block));
    let pair = |block: &&str| {
        let key = SealingKey::read(block)?;
        let is_its = |pem: &&&str| Certificate::read(pem.as_bytes()).is_ok_and(|read| read.id == key.id);
        let own = certificates.iter().find(is_its);
        Ok(match own {
            Some(pem) => Pair::named(key, pem)?,
            None => Pair::of(key, cluster, since)?,
        })
    };
    keys.iter().map(pair).collect()
}
