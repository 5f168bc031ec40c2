//! A file that is too big for a repository: known by its digest, fetched from anywhere.

use crate::name::{AbsPath, ArtifactName, BadName, Hex, KeptName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A program or manifest with exactly these bytes, in the machine's store.
///
/// It never changes: another version is another artifact, and a link decides which one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its name, for people and for what uses it.
    pub name: ArtifactName,
    /// SHA-256 of its bytes.
    pub sha256: Hex,
    /// Where it is had from, tried in order.
    pub from: Vec<Source>,
}

impl Artifact {
    /// Returns where the bytes lie below the store `folder`: a file of root that everybody may run.
    ///
    /// # Panics
    /// Never: a path and 64 digits make a path.
    pub fn place(folder: &AbsPath, sha256: &Hex) -> AbsPath {
        format!("{folder}/{sha256}").parse().expect("digits are a file's name")
    }
}

/// Where an artifact is had from: an address, or a file on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// By HTTP or HTTPS; the digest decides, so the way need not be trusted.
    Url(String),
    /// A file on the machine, e.g. of an air-gap folder.
    Path(AbsPath),
    /// What the journal kept before a change. Never in a State, only in `from` of a [`crate::Change`].
    Kept(KeptName),
}

impl FromStr for Source {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic()) && text.len() <= 2048;
        if let Some(name) = text.strip_prefix("kept:") {
            name.parse().map(Self::Kept)
        } else if text.starts_with('/') {
            text.parse().map(Self::Path)
        } else if (text.starts_with("https://") || text.starts_with("http://")) && plain(text) {
            Ok(Self::Url(text.to_owned()))
        } else {
            let rule = "an http or https address, or an absolute path";
            Err(BadName { what: "a place of an artifact", text: text.to_owned(), rule })
        }
    }
}

impl TryFrom<String> for Source {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> String {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::Path(path) => write!(f, "{path}"),
            Self::Kept(name) => write!(f, "kept:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_path() {
        for good in ["https://example.org/k3s%2B1", "http://192.0.2.1/k3s", "/srv/mirror/k3s", "kept:12-3"] {
            assert_eq!(good.parse::<Source>().unwrap().to_string(), good);
        }
        for bad in ["", "k3s", "ftp://x/k3s", "https://x/a b", "/srv/../k3s", "kept:x", "file:///k3s"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
