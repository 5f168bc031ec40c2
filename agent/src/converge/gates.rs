//! What comes before a unit is changed, and what lies where nothing else should. It changes nothing.

use super::Pass;
use knarr_node::item::{Dir, Gate};
use knarr_node::name::{Digest, HttpsUrl};
use knarr_node::report::{self, Trouble};
use knarr_node::{Change, Id, Item};
use std::collections::BTreeSet;

impl Pass<'_> {
    /// Whether the change has to wait; then it is left alone, and the outcome says for what.
    pub(super) fn waits(&mut self, change: &Change) -> bool {
        let Id::Unit(unit) = change.id() else { return false };
        let closed = change.waits().iter().find_map(|gate| Some((gate.clone(), self.closed(gate)?)));
        if let Some((gate, why)) = closed {
            self.done.troubles.insert(change.id().clone(), Trouble::Held);
            self.done.waits.push(report::Gate::Unit { unit: unit.clone(), gate, why });
            return true;
        }
        false
    }

    /// Returns why a gate is closed, if it is.
    fn closed(&mut self, gate: &Gate) -> Option<String> {
        match gate {
            Gate::Url { at, ca } => self.nowhere(at, ca),
            Gate::Settled(node) => self.outside.settled(node, &self.cause.commit).err(),
            Gate::Data(folder) => match self.host.names(folder) {
                Ok(names) if names.is_empty() => {
                    Some(format!("`{folder}` is empty, and what starts there would begin anew"))
                }
                Ok(_) => None,
                Err(why) => Some(why.0),
            },
        }
    }

    /// Returns why none of the addresses gives the right bytes, if none does.
    fn nowhere(&self, addresses: &[HttpsUrl], ca: &Digest) -> Option<String> {
        let mut reasons = Vec::new();
        for at in addresses {
            match self.host.digest_at(at) {
                Ok(found) if found == *ca => return None,
                Ok(found) => reasons.push(format!("{at} gives other bytes: {found}, not {ca}")),
                Err(why) => reasons.push(why.0),
            }
        }
        Some(reasons.join(", and "))
    }

    /// Says what lies in wanted folders and is not listed.
    pub(super) fn report_strangers(&mut self, want: &[Item]) {
        for dir in want.iter().filter_map(|item| if let Item::Dir(dir) = item { Some(dir) } else { None }) {
            let strangers = self.strangers(dir);
            if !strangers.is_empty() {
                self.done.troubles.entry(Id::Dir(dir.path.clone())).or_insert(Trouble::Strangers(strangers));
            }
        }
    }

    /// What cannot be listed is no stranger: the folder itself is in trouble then.
    fn strangers(&self, dir: &Dir) -> BTreeSet<String> {
        let there = self.host.names(&dir.path).unwrap_or_default();
        there.difference(&dir.only).cloned().collect()
    }
}
