//! Data that do not go back to an older program, and how they are saved before they go forward.

use crate::name::{AbsPath, BadName, Stamp, numeral};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the data of a unit are saved. The first way of a list whose first path is there counts; where none is, there are
/// no data yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Files, and folders with all below.
    pub of: Vec<AbsPath>,
    /// A program that saves them while the unit runs, with a folder as its last argument; without one they are copied
    /// while the unit is stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// A minor version, as Kubernetes counts and K3s names its channels, e.g. `v1.36`; ordered by age. An older one does not
/// read all data of a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minor {
    /// Always 1 so far.
    pub major: u32,
    /// Counts up.
    pub minor: u32,
}

impl Minor {
    /// Returns the one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { minor: self.minor + 1, ..self }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.major, self.minor)
    }
}

impl FromStr for Minor {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let read = || {
            let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
            Some(Self { major: numeral(major)?, minor: numeral(minor)? })
        };
        let rule = "v and two numbers, e.g. v1.36";
        read().ok_or_else(|| BadName { what: "a minor version", text: text.to_owned(), rule })
    }
}

impl TryFrom<String> for Minor {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Minor> for String {
    fn from(minor: Minor) -> String {
        minor.to_string()
    }
}

/// What a snapshot is taken before: the version that comes, and when the pass began that brings it. A pass that goes on
/// after a crash finds its own again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The version that comes.
    pub floor: Minor,
    /// When the pass began, e.g. `20261121T142448Z`.
    pub at: Stamp,
}

impl Before {
    /// Returns the name of the snapshot, e.g. `before-v1.37-20261121T142448Z`.
    pub fn name(&self) -> String {
        format!("before-{}-{}", self.floor, self.at)
    }

    /// Returns the order of a snapshot's name among others: the time that it ends with. None for another name.
    pub fn age(name: &str) -> Option<Stamp> {
        name.strip_prefix("before-")?.rsplit_once('-')?.1.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_is_ordered_by_its_numbers() {
        let minor = |text: &str| text.parse::<Minor>().unwrap();
        assert!(minor("v1.9") < minor("v1.36") && minor("v1.36") < minor("v2.0"));
        assert_eq!(minor("v1.36").to_string(), "v1.36");
        for bad in ["1.36", "v1.36.2", "v1.036", "v1", ""] {
            assert!(bad.parse::<Minor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_tells_its_age() {
        let at: Stamp = "20261121T142448Z".parse().unwrap();
        let name = Before { floor: "v1.37".parse().unwrap(), at: at.clone() }.name();
        assert_eq!(name, "before-v1.37-20261121T142448Z");
        assert_eq!(Before::age(&name), Some(at));
        assert_eq!(Before::age("before-v1.37"), None);
    }
}
