//! The drop-in beside a unit: it says what Knarr made, and has each start noted.

use super::Start;
use knarr_node::item::{Minor, Unit};
use knarr_node::name::{AbsPath, UnitName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the drop-in says of a unit that Knarr made or feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Whether the unit file is Knarr's too.
    pub(super) ours: bool,
    pub(super) reads: BTreeSet<AbsPath>,
    /// The version whose data it may have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) floor: Option<Minor>,
}

impl Note {
    /// Returns what is noted of a unit; nothing of one that Knarr neither made nor feeds.
    pub(super) fn of(unit: &Unit) -> Option<Self> {
        let ours = unit.text.is_some() && unit.was.is_none_or(|was| was.ours);
        let (reads, floor) = (unit.reads.clone(), unit.floor);
        (ours || !reads.is_empty()).then_some(Self { ours, reads, floor })
    }

    /// Reads the note out of a drop-in.
    pub(super) fn parse(drop_in: &str) -> Option<Self> {
        drop_in.lines().find_map(|line| serde_json::from_str(line.strip_prefix("# ")?).ok())
    }

    /// Returns the drop-in. With a start, systemd calls `program` before the unit reads anything; that may fail
    /// without harm to the unit.
    pub(super) fn text(&self, unit: &UnitName, start: Option<&Start>, program: &AbsPath) -> String {
        let note = serde_json::to_string(self).expect("a note is plain JSON");
        let head = format!("# Written by knarrd: what {unit} reads, so that it restarts for it.\n# {note}\n");
        let Some(start) = start else { return head };
        let mut words = vec![quoted(unit.as_str()), quoted(&start.loaded)];
        words.extend(start.reads.iter().map(|path| quoted(path.as_str())));
        let program = quoted(&format!("-+{program}"));
        format!("{head}[Service]\nExecStartPre={program} started {}\n", words.join(" "))
    }
}

/// Returns a word as systemd.syntax(7) and systemd.service(5) quote it.
fn quoted(word: &str) -> String {
    let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{word}\"")
}
