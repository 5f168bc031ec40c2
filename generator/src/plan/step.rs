//! One change of one machine, as a plan tells it. Pure.

use knarr_node::item::Gate;
use knarr_node::name::NodeName;
use knarr_node::state::Envelope;
use knarr_node::{Back, Change, Impact};
use serde::Serialize;

/// One change of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `make`, `change`, `start`, `restart`, `remove`, or `try` for another knarrd.
    pub verb: &'static str,
    /// What, e.g. `path /etc/motd`.
    pub what: String,
    /// What it does to those who use the machine.
    pub impact: Impact,
    /// Whether it counts only when contact is proven after it.
    pub guarded: bool,
    /// Whether the machine takes a snapshot before it.
    pub snapshot: bool,
    /// The machines that come first: each is to have settled at the same commit, unless it does not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<NodeName>,
    /// How it comes back.
    pub way_back: WayBack,
    /// Why it does not come back, or what stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Why the machine refuses it: it leaves this, and what belongs to it, as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// How a change comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WayBack {
    /// What was there before is put back.
    Swap,
    /// What was made stays, and does no harm.
    Keep,
    /// Not at all.
    Never,
}

impl Step {
    pub(super) fn of(change: &Change, guarded: bool) -> Self {
        let (way_back, why) = match change.back() {
            Back::Swap(_) => (WayBack::Swap, None),
            Back::Keep(why) => (WayBack::Keep, Some(why)),
            Back::Never(why) => (WayBack::Never, Some(why)),
        };
        let (verb, what, snapshot) = (change.verb(), change.id().to_string(), change.saves());
        let after = change.waits().iter().filter_map(settled).collect();
        let refused = change.lowered();
        let refused = refused.map(|(of, to)| format!("its data are of {of}, which {to} does not read"));
        Self { verb, what, impact: change.impact(), guarded, snapshot, after, way_back, why, refused }
    }

    /// Returns what becomes of knarrd itself, which is no item; nothing where no other program is named.
    pub(super) fn knarrd(old: &Envelope, new: &Envelope) -> Option<Self> {
        let other = old.version != new.version;
        let differs =
            [(&old.amd64, &new.amd64), (&old.arm64, &new.arm64)].into_iter().any(|pair| match pair {
                (Some(old), Some(new)) => old != new,
                (None, Some(_)) => other,
                (_, None) => false,
            });
        differs.then(|| Self {
            verb: "try",
            what: format!("knarrd {}", new.version),
            impact: Impact::Live,
            guarded: false,
            snapshot: false,
            after: Vec::new(),
            way_back: WayBack::Swap,
            why: None,
            refused: None,
        })
    }
}

fn settled(gate: &Gate) -> Option<NodeName> {
    match gate {
        Gate::Settled(node) => Some(node.clone()),
        Gate::Url { .. } | Gate::Data(_) => None,
    }
}
