//! A systemd unit that runs with what it reads now.

use super::{Gate, Minor, Snapshot};
use crate::name::{AbsPath, UnitName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A systemd unit. Its file is `/etc/systemd/system/<name>`, or the distribution's where `text` is missing.
///
/// A unit that has an `[Install]` section, or no text, is enabled and active; one without the section is only
/// installed, since something else (a timer, a socket) starts it. Each start is recorded with what it read,
/// so that a restart which a crash prevented is still seen as missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its name with the type.
    pub name: UnitName,
    /// The unit file; none for a unit of the distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Files and links that it reads at its start: it restarts when one of them changed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<AbsPath>,
    /// What must be so before it is changed or started. Another list of gates changes nothing on the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Gate>,
    /// The version of its data once it has run: what is older cannot read them, so there is no way back below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Minor>,
    /// How its data are saved before `floor` rises. Another list changes nothing on the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshot: Vec<Snapshot>,
    /// How it was found, where that is not what a State would want. Never in a State, only in `from` of a
    /// [`crate::Change`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Was>,
}

/// How a unit was found before Knarr changed it, so that undo returns exactly that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Was {
    /// Whether systemd starts it at boot or on its trigger.
    pub enabled: bool,
    /// Whether it ran, or had run to its end.
    pub active: bool,
    /// Whether Knarr had made it so; else it was there before.
    pub ours: bool,
}

impl Unit {
    /// Makes a unit as a State wants it.
    pub fn new(name: UnitName, text: Option<String>, reads: BTreeSet<AbsPath>) -> Self {
        Self { name, text, reads, waits: Vec::new(), floor: None, snapshot: Vec::new(), was: None }
    }

    /// Whether the machine itself keeps it enabled and active.
    pub fn starts(&self) -> bool {
        self.text.as_ref().is_none_or(|text| text.lines().any(|line| line.trim() == "[Install]"))
    }
}
