//! want − have, for files: what a render must write, and what it must not touch.

use super::stray::fault;
use super::{Output, Sealed, Tree, yaml};
use crate::finding::{Findings, Place};
use crate::secrets::digest;
use knarr_node::name::RepoPath;
use knarr_node::outputs::{self, Encrypted, Outputs};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::iter;

/// One step of a render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write these bytes.
    Write(RepoPath, String),
    /// Decrypt the sources and encrypt them to the recipients.
    Seal(RepoPath, Sealed),
    /// Remove what is no longer rendered.
    Remove(RepoPath),
}

impl Step {
    /// Returns the file.
    pub fn path(&self) -> &RepoPath {
        match self {
            Self::Write(path, _) | Self::Seal(path, _) | Self::Remove(path) => path,
        }
    }
}

/// What is remembered of renders before this one. Asked only of what the lists nearby do not explain.
pub trait Past {
    /// Whether a render made these bytes, or git of what renders made; then no person's work is lost with them.
    fn made(&self, path: &RepoPath, bytes: &[u8]) -> bool;
    /// Returns a file as the last commit has it, if a render made it so.
    fn last(&self, path: &RepoPath) -> Option<Vec<u8>>;
}

/// What explains the files that lie there.
pub struct Known<'a> {
    /// The list of outputs on the disk, and those of renders that did not come to their end.
    pub here: Vec<Outputs>,
    /// Those of the commits that a merge brought together; read when one file is not explained by the first.
    pub near: Near<'a>,
    /// All that the commits have; none where there is no git.
    pub past: Option<&'a dyn Past>,
    /// Files, or folders, in which a person's work is to be dropped.
    pub discard: &'a [RepoPath],
}

/// Lists of outputs that somebody may ask for.
pub type Near<'a> = LazyCell<Vec<Outputs>, Box<dyn FnOnce() -> Vec<Outputs> + 'a>>;

impl Known<'_> {
    /// Returns all lists; the later are read when the first do not do.
    pub(super) fn lists(&self) -> impl Iterator<Item = &Outputs> {
        self.here.iter().chain(iter::once_with(|| self.near.iter()).flatten())
    }

    /// Whether a render wrote these bytes, or a merge, or a person who does without them.
    fn ours(&self, path: &RepoPath, bytes: &[u8]) -> bool {
        let there = digest(bytes);
        let written = |list: &Outputs| list.0.get(path).is_some_and(|output| output.digest() == there);
        let dropped = |discard: &RepoPath| {
            path.as_str()
                .strip_prefix(discard.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        conflicted(bytes)
            || self.lists().any(written)
            || self.discard.iter().any(dropped)
            || self.past.is_some_and(|past| past.made(path, bytes))
    }
}

/// Compares what is to be rendered with what lies there.
///
/// What nothing known explains was edited by a person, unless git left conflict marks in it.
pub fn diff(
    tree: &Tree,
    there: &BTreeMap<RepoPath, Vec<u8>>,
    known: &Known<'_>,
    findings: &mut Findings,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for (path, output) in &tree.0 {
        let bytes = there.get(path);
        match output {
            Output::Text(_) if bytes.is_some_and(|bytes| output.is(bytes)) => continue,
            Output::Sealed(sealed) if bytes.is_some_and(|bytes| fresh(path, sealed, bytes, known)) => {
                continue;
            }
            Output::Text(text) => steps.push(Step::Write(path.clone(), text.clone())),
            Output::Sealed(sealed) => steps.push(Step::Seal(path.clone(), sealed.clone())),
        }
        if let Some(bytes) = bytes.filter(|bytes| !known.ours(path, bytes)) {
            findings.add(Place::file(path), fault(path, bytes, Some(output), known));
        }
    }
    for (path, bytes) in
        there.iter().filter(|(path, _)| !tree.0.contains_key(*path) && path.as_str() != outputs::PATH)
    {
        if known.ours(path, bytes) {
            steps.push(Step::Remove(path.clone()));
        } else {
            findings.add(Place::file(path), fault(path, bytes, None, known));
        }
    }
    steps
}

/// Whether git left its marks of a conflict: the lines between which both sides stand.
fn conflicted(bytes: &[u8]) -> bool {
    let begins = |mark: &[u8]| bytes.split(|b| *b == b'\n').any(|line| line.starts_with(mark));
    begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}

/// Whether a list says: these bytes are these secrets, to these recipients.
fn fresh(path: &RepoPath, sealed: &Sealed, bytes: &[u8], known: &Known<'_>) -> bool {
    let now = outputs::Output::Encrypted(encrypted(sealed, bytes));
    known.lists().any(|list| list.0.get(path) == Some(&now))
}

fn encrypted(sealed: &Sealed, bytes: &[u8]) -> Encrypted {
    Encrypted { sha256: digest(bytes).hex(), to: sealed.to.clone(), of: sealed.sources() }
}

/// Returns the list of outputs after the steps; `sealed` has the bytes of what was encrypted anew.
pub fn outputs(
    tree: &Tree,
    there: &BTreeMap<RepoPath, Vec<u8>>,
    sealed: &BTreeMap<RepoPath, Vec<u8>>,
) -> String {
    let line = |(path, output): (&RepoPath, &Output)| {
        let output = match output {
            Output::Text(text) => outputs::Output::Plain(digest(text.as_bytes())),
            Output::Sealed(seal) => {
                let bytes = sealed.get(path).or_else(|| there.get(path));
                outputs::Output::Encrypted(encrypted(seal, bytes.map(Vec::as_slice).unwrap_or_default()))
            }
        };
        (path.clone(), output)
    };
    let list = Outputs(tree.0.iter().map(line).collect());
    if list.0.is_empty() {
        return String::new();
    }
    yaml::to_string(&list, yaml::Line::EachEntry).expect("paths and digests are text")
}
