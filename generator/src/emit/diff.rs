//! want − have, for files: what a render must write, and what it must not touch.

use super::stray::fault;
use super::{Output, Sealed, Tree, yaml};
use crate::finding::{Findings, Place};
use crate::secrets::digest;
use knarr_node::name::{Digest, RepoPath};
use knarr_node::outputs::{self, Outputs};
use std::collections::BTreeMap;

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
    /// Lists of outputs: the one on the disk, and those of the commits that a merge brought together.
    pub lists: Vec<Outputs>,
    /// All that the commits have; none where there is no git.
    pub past: Option<&'a dyn Past>,
    /// Files, or folders, in which a person's work is to be dropped.
    pub discard: &'a [RepoPath],
}

impl Known<'_> {
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
            || self.lists.iter().any(written)
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
            Output::Text(text) if bytes.is_some_and(|bytes| bytes == text.as_bytes()) => continue,
            Output::Sealed(sealed) if bytes.is_some_and(|bytes| fresh(path, sealed, bytes, &known.lists)) => {
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

fn fresh(path: &RepoPath, sealed: &Sealed, bytes: &[u8], known: &[Outputs]) -> bool {
    record(path, sealed, &digest(bytes), known).is_some()
}

/// Returns the line that says: these bytes are these secrets, to these recipients.
fn record<'a>(
    path: &RepoPath,
    sealed: &Sealed,
    there: &Digest,
    known: &'a [Outputs],
) -> Option<&'a outputs::Output> {
    let of_now = sealed.sources();
    let says = |output: &&outputs::Output| match output {
        outputs::Output::Encrypted { to, of, .. } => {
            *to == sealed.to && *of == of_now && output.digest() == *there
        }
        outputs::Output::Plain(_) => false,
    };
    known.iter().filter_map(|list| list.0.get(path)).find(says)
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
                let bytes =
                    sealed.get(path).or_else(|| there.get(path)).map(Vec::as_slice).unwrap_or_default();
                outputs::Output::Encrypted {
                    sha256: digest(bytes).hex(),
                    to: seal.to.clone(),
                    of: seal.sources(),
                }
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
