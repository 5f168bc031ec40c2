//! K3s's versions, and which step from one to another may be taken.

use knarr_node::item::Minor;
use knarr_node::name::{BadName, numeral};
use std::fmt;
use std::str::FromStr;

/// A released version, e.g. `v1.36.2+k3s1`; ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Kubernetes' minor version.
    pub minor: Minor,
    /// Its patch.
    pub patch: u32,
    /// K3s's own count.
    pub k3s: u32,
}

impl Version {
    /// Whether a cluster may go from here to `next` in one step.
    ///
    /// # Errors
    /// [`BadStep`] back, or over a minor version. Source: K3s documentation, upgrades/manual.md, v1.36.
    pub fn step(self, next: Self) -> Result<(), BadStep> {
        let first = self.minor.next();
        if next < self {
            return Err(BadStep::Back { from: self, to: next });
        }
        let near = [self.minor, first].contains(&next.minor);
        if near { Ok(()) } else { Err(BadStep::Skips { from: self, to: next, first }) }
    }
}

/// A step that K3s does not survive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStep {
    /// To an older version.
    #[error("{to} is older than {from}, and Kubernetes never goes back")]
    Back {
        /// The version so far.
        from: Version,
        /// The version that was asked for.
        to: Version,
    },
    /// Over a minor version.
    #[error("from {from} to {to} skips a minor version, which Kubernetes does not survive")]
    Skips {
        /// The version so far.
        from: Version,
        /// The version that was asked for.
        to: Version,
        /// The minor version that comes first.
        first: Minor,
    },
}

impl BadStep {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Back { .. } => {
                "to go back restore a snapshot: docs/reliability.md#going-back-to-a-snapshot".to_owned()
            }
            Self::Skips { first, .. } => format!("knarr upgrade k3s {first}, ship it, and then the next one"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { minor, patch, k3s } = self;
        write!(f, "{minor}.{patch}+k3s{k3s}")
    }
}

impl FromStr for Version {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let read = || {
            let (version, k3s) = text.split_once("+k3s")?;
            let (minor, patch) = version.rsplit_once('.')?;
            Some(Self { minor: minor.parse().ok()?, patch: numeral(patch)?, k3s: numeral(k3s)? })
        };
        let rule = "a release as K3s names it, e.g. v1.36.2+k3s1";
        read().ok_or_else(|| BadName { what: "a version of K3s", text: text.to_owned(), rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_is_as_k3s_names_its_releases() {
        assert_eq!(version("v1.36.2+k3s1").to_string(), "v1.36.2+k3s1");
        for bad in [
            "1.36.2+k3s1",
            "v1.36.2",
            "v1.36+k3s1",
            "v1.36.02+k3s1",
            "v1.36.2.1+k3s1",
            "v1.36.2-k3s1",
            "latest",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
        let mut all = ["v1.36.10+k3s1", "v1.36.9+k3s2", "v1.36.9+k3s10", "v1.37.0+k3s1"].map(version);
        all.sort();
        assert_eq!(
            all.map(|version| version.to_string()).join(" "),
            "v1.36.9+k3s2 v1.36.9+k3s10 v1.36.10+k3s1 v1.37.0+k3s1"
        );
    }

    #[test]
    fn a_step_goes_forward_and_over_no_minor_version() {
        let step = |to: &str| version("v1.36.2+k3s1").step(version(to)).map_err(|bad| bad.help());
        for good in ["v1.36.2+k3s1", "v1.36.2+k3s2", "v1.36.9+k3s1", "v1.37.5+k3s1"] {
            assert_eq!(step(good), Ok(()), "{good}");
        }
        assert!(step("v1.38.0+k3s1").unwrap_err().starts_with("knarr upgrade k3s v1.37, ship it"));
        assert!(
            step("v1.36.1+k3s1").is_err() && step("v1.35.9+k3s9").is_err() && step("v2.0.0+k3s1").is_err()
        );
    }
}
