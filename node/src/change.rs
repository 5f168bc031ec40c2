//! One step from what is there to what is wanted, with its way back.

use crate::item::{Gate, Id, Item, Minor, Unit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A step: `from` is there, `to` is wanted. Its inverse is the swap.
///
/// Never both are missing, and their ids are equal. Equal sides mean a unit that restarts for what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    id: Id,
    from: Option<Item>,
    to: Option<Item>,
}

/// How a change comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// By the change with both sides swapped.
    Swap(Box<Change>),
    /// By nothing: what was made stays, and does no harm. The reason is for people.
    Keep(&'static str),
    /// Not at all: it stands alone in its stage. The reason is for people.
    Never(&'static str),
}

/// What a change does to those who use the machine, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nobody notices.
    Live,
    /// A service is away while it restarts.
    ServiceRestart,
    /// There is no way back.
    CannotBeUndone,
}

impl Change {
    /// Makes the change to a wanted item.
    ///
    /// # Panics
    /// When the ids differ: the caller looked up `from` by the id of `to`.
    pub fn to(from: Option<Item>, to: Item) -> Self {
        assert!(from.as_ref().is_none_or(|item| item.id() == to.id()), "both sides of a change have one id");
        Self { id: to.id(), from, to: Some(to) }
    }

    /// Makes the change that takes an item away.
    pub fn away(from: Item) -> Self {
        Self { id: from.id(), from: Some(from), to: None }
    }

    /// Returns what it changes.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Returns what is there before.
    pub fn from(&self) -> Option<&Item> {
        self.from.as_ref()
    }

    /// Returns what is wanted after.
    pub fn wanted(&self) -> Option<&Item> {
        self.to.as_ref()
    }

    /// Returns the same step with what the journal kept as its `from`.
    #[must_use]
    pub fn kept(&self, from: Option<Item>) -> Self {
        Self { id: self.id.clone(), from, to: self.to.clone() }
    }

    /// Returns the step with both sides swapped.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self { id: self.id.clone(), from: self.to.clone(), to: self.from.clone() }
    }

    /// Returns how it comes back.
    pub fn back(&self) -> Back {
        if let Some(Item::Sysctl(to)) = &self.to
            && let Some(why) = to.one_way()
        {
            return Back::Never(why);
        }
        if self.raised().is_some() || self.lowered().is_some() {
            return Back::Never("what is older does not read the data that it leaves");
        }
        match (&self.from, &self.to) {
            (None, Some(Item::Account(_))) => Back::Keep("the account and its files stay; keys and sudo go"),
            (None, Some(Item::Dir(_))) => Back::Keep("the folder stays"),
            (_, _) => Back::Swap(Box::new(self.swapped())),
        }
    }

    /// Returns the unit that an older version of its program runs, whose data do not come back from the one that it gets.
    pub fn raised(&self) -> Option<&Unit> {
        let (Some(Item::Unit(from)), Some(Item::Unit(to))) = (&self.from, &self.to) else { return None };
        (from.floor < to.floor).then_some(to)
    }

    /// Returns the versions of a unit's data and of the program that it would get, when that does not read them. Such a
    /// change is never made: somebody has to bring older data first.
    pub fn lowered(&self) -> Option<(Minor, Minor)> {
        let (Some(Item::Unit(from)), Some(Item::Unit(to))) = (&self.from, &self.to) else { return None };
        Some((from.floor?, to.floor?)).filter(|(from, to)| from > to)
    }

    /// Whether a snapshot is taken before it is made.
    pub fn saves(&self) -> bool {
        self.raised().is_some_and(|unit| !unit.snapshot.is_empty())
    }

    /// Returns what must be so before it is made. The way back waits for nothing.
    pub fn waits(&self) -> &[Gate] {
        match &self.to {
            Some(Item::Unit(unit)) => &unit.waits,
            Some(_) | None => &[],
        }
    }

    /// Returns what it does to those who use the machine.
    pub fn impact(&self) -> Impact {
        match (self.back(), &self.from, &self.to) {
            (Back::Never(_), _, _) => Impact::CannotBeUndone,
            (_, Some(Item::Unit(unit)), _) if unit.starts() => Impact::ServiceRestart,
            _ => Impact::Live,
        }
    }

    /// Returns the verb for people: `make`, `change`, `start`, `restart` or `remove`.
    pub fn verb(&self) -> &'static str {
        match (&self.from, &self.to) {
            (None, _) => "make",
            (_, None) => "remove",
            (Some(Item::Unit(from)), Some(Item::Unit(to)))
                if from.text == to.text && from.reads == to.reads =>
            {
                if from.was.is_some_and(|was| !was.active) { "start" } else { "restart" }
            }
            _ => "change",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb(), self.id)
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::ServiceRestart => "service restart",
            Self::CannotBeUndone => "cannot be undone",
        })
    }
}
