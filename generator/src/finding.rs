//! What is wrong with a repository: all of it at once, each with its place and what to type.

#[macro_use]
mod list;
mod annotate;
mod fault;
mod near;
mod show;

pub use annotate::{Issue, github, gitlab};
pub use fault::{Fault, entries};
pub use list::Entry;
pub use near::{did_you_mean, near};
pub use show::{Row, rows, text};

use crate::spec::At;
use knarr_node::name::RepoPath;
use std::collections::BTreeMap;
use std::ops::Range;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Said, and nothing more.
    Warning,
}

impl Severity {
    /// Returns what comes of a finding of this weight.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Error => "nothing is rendered or shipped while it is there",
            Self::Warning => "it is said, and nothing is held up",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place in a file that people write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// Which bytes of it, as start and end; none for the whole file.
    pub span: Option<(usize, usize)>,
}

impl Place {
    /// Returns the whole file.
    pub fn file(path: &RepoPath) -> Self {
        Self { path: path.clone(), span: None }
    }

    /// Returns where a value stands in a file.
    pub fn of<T>(path: &RepoPath, value: &At<T>) -> Self {
        Self { path: path.clone(), span: value.span.as_ref().map(|Range { start, end }| (*start, *end)) }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: Place,
}

/// All that is wrong, in the order of files and places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    sorted: BTreeMap<(Place, &'static str, usize), Finding>,
    errors: usize,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.errors += usize::from(finding.fault.severity() == Severity::Error);
        self.sorted.insert((finding.place.clone(), finding.fault.code(), self.sorted.len()), finding);
    }

    /// Adds a fault at its place.
    pub fn add(&mut self, place: Place, fault: Fault) {
        self.push(Finding { fault, place });
    }

    /// Adds all that others are.
    pub fn append(&mut self, others: Self) {
        others.sorted.into_values().for_each(|finding| self.push(finding));
    }

    /// Returns all, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.sorted.values()
    }

    /// Whether the same was said of the same place already.
    pub fn has(&self, finding: &Finding) -> bool {
        let (place, code) = (&finding.place, finding.fault.code());
        let alike = (place.clone(), code, 0)..=(place.clone(), code, usize::MAX);
        self.sorted.range(alike).any(|(_, there)| there == finding)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Counts those of one weight.
    pub fn count(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.sorted.len() - self.errors,
        }
    }

    /// Whether nothing may be written.
    pub fn refuse(&self) -> bool {
        self.errors > 0
    }
}
