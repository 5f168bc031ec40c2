//! `rendered/owned.yaml`: one line for each file that a render wrote, so that a mix of two renders is seen.

use crate::name::{Digest, Hex, RepoPath};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where the list lies; it does not list itself.
pub const PATH: &str = "rendered/owned.yaml";

/// All files that one render wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outputs(pub BTreeMap<RepoPath, Output>);

/// One file that a render wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// Its digest.
    Plain(Digest),
    /// An encrypted file, which is never the same twice: it is stale when recipients or sources differ.
    Encrypted(Encrypted),
}

/// What the list says of an encrypted file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encrypted {
    /// SHA-256 of the encrypted bytes.
    pub sha256: Hex,
    /// The age recipients that can open it.
    pub to: BTreeSet<String>,
    /// The encrypted sources, each as `path@sha256:…`.
    pub of: BTreeSet<String>,
}

/// Takes a text or a map as it comes: `untagged` would keep each in a buffer first, and the list has one for every file.
impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutputVisitor)
    }
}

struct OutputVisitor;

impl<'de> Visitor<'de> for OutputVisitor {
    type Value = Output;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest, or what is known of an encrypted file")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Output, E> {
        text.parse().map(Output::Plain).map_err(E::custom)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Output, A::Error> {
        Encrypted::deserialize(MapAccessDeserializer::new(map)).map(Output::Encrypted)
    }
}

impl Output {
    /// Returns the digest of the file's bytes.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Plain(digest) => digest.clone(),
            Self::Encrypted(encrypted) => encrypted.sha256.digest(),
        }
    }
}

/// Returns the secret's name and the digest in a source, `secrets/name.age@sha256:…`.
pub fn secret(source: &str) -> Option<(&str, &str)> {
    let (path, digest) = source.split_once('@')?;
    Some((path.strip_prefix("secrets/")?.strip_suffix(".age")?, digest))
}

/// A file under rendered/ that the list does not explain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stray {
    /// The bytes are not the ones that the render wrote.
    Edited(RepoPath),
    /// The render wrote it, but it is not there.
    Missing(RepoPath),
    /// It is there, but no render wrote it.
    Foreign(RepoPath),
}

impl Outputs {
    /// Compares the list with what lies under rendered/, without the list itself. Empty means one whole render.
    pub fn strays(&self, there: &BTreeMap<RepoPath, Digest>) -> Vec<Stray> {
        let listed = self.0.iter().filter_map(|(path, output)| match there.get(path) {
            None => Some(Stray::Missing(path.clone())),
            Some(digest) if *digest != output.digest() => Some(Stray::Edited(path.clone())),
            Some(_) => None,
        });
        let foreign = there.keys().filter(|path| !self.0.contains_key(*path)).cloned().map(Stray::Foreign);
        let mut strays: Vec<Stray> = listed.chain(foreign).collect();
        strays.sort();
        strays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        text.parse().unwrap()
    }
    fn digest(digit: &str) -> Digest {
        format!("sha256:{}", digit.repeat(64)).parse().unwrap()
    }

    #[test]
    fn a_mix_of_two_renders_is_seen() {
        let outputs = Outputs(
            [("rendered/a", "1"), ("rendered/b", "2")]
                .map(|(p, d)| (path(p), Output::Plain(digest(d))))
                .into(),
        );
        let there = [("rendered/a", "1"), ("rendered/b", "3"), ("rendered/c", "4")];
        let there = there.map(|(p, d)| (path(p), digest(d))).into();
        assert_eq!(
            outputs.strays(&there),
            [Stray::Edited(path("rendered/b")), Stray::Foreign(path("rendered/c"))]
        );
        assert_eq!(outputs.strays(&BTreeMap::new()).len(), 2);
    }
}
