//! Who answers, and when: plain values that the journal keeps.

use knarr_node::name::NodeName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::num::ParseIntError;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

/// Who answers at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// Nodes with which full packets go both ways over the mesh.
    pub mesh: BTreeSet<NodeName>,
    /// Nodes that dialled our sshd, at the address that people use unless the State closes that.
    pub ssh: BTreeSet<NodeName>,
    /// Nodes that have accepted the commit which is applied.
    pub aware: BTreeSet<NodeName>,
    /// Whether a git remote answers.
    pub git: bool,
    /// Whether a person dialled in from outside.
    pub operator: bool,
    /// Whether that person sits at the machine itself, and is asked to log in.
    #[serde(default)]
    pub asked: bool,
}

/// A moment in milliseconds since the boot, time asleep included (CLOCK_BOOTTIME). No setting of the clock moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootTime(u64);

impl BootTime {
    /// Returns the moment so long after the boot.
    pub fn after_boot(span: Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns the time from `earlier` to this moment, or nothing when that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for BootTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for BootTime {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl Add<Duration> for BootTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(Self::after_boot(span).0))
    }
}
