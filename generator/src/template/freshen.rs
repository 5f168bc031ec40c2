//! Files that `knarr new` copied, some versions later: what each becomes. Pure.
//!
//! Which text a file had when it was copied stands in `.knarr/template.yaml`, so that what a person did to it since is
//! kept, and what the template did since is added.

use super::Texts;
use crate::git::{Merged, merge};
use knarr_node::name::RepoPath;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The template has it now.
    New,
    /// Nobody has changed it here.
    Changed,
    /// Both have changed it, in different places.
    Merged,
    /// Both have changed the same lines.
    Conflict,
    /// The template has it no more.
    Removed,
    /// It is otherwise here, and stays so.
    Kept,
}

impl Fate {
    /// Returns it in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Merged => "changed, beside what was changed here",
            Self::Conflict => "conflict: both sides changed the same lines",
            Self::Removed => "removed",
            Self::Kept => "stays as it is here",
        }
    }
}

/// One file that the template says something new of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub path: RepoPath,
    /// What becomes of it.
    pub fate: Fate,
    /// Its bytes from now on; none where nothing is written.
    pub bytes: Option<Vec<u8>>,
}

/// Returns what becomes of the files that the template had, or has now.
///
/// A file that was deleted here is not brought back.
pub fn freshen(
    base: &Texts,
    new: &Texts,
    here: &BTreeMap<RepoPath, Vec<u8>>,
    version: &str,
) -> Result<Vec<Step>, git2::Error> {
    let paths: BTreeSet<&RepoPath> = base.keys().chain(new.keys()).collect();
    let mut steps = Vec::new();
    for path in paths {
        let here = here.get(path).map(Vec::as_slice);
        let [base, new] = [base, new].map(|texts| texts.get(path).map(String::as_bytes));
        if let Some((fate, bytes)) = fate(base, new, here, version)? {
            steps.push(Step { path: path.clone(), fate, bytes });
        }
    }
    Ok(steps)
}

type Becomes = Option<(Fate, Option<Vec<u8>>)>;

fn fate(
    base: Option<&[u8]>,
    new: Option<&[u8]>,
    here: Option<&[u8]>,
    version: &str,
) -> Result<Becomes, git2::Error> {
    Ok(match (base, new, here) {
        (_, Some(new), Some(here)) if new == here => None,
        (None, Some(new), None) => Some((Fate::New, Some(new.to_owned()))),
        (Some(base), Some(new), Some(_)) if base == new => None,
        (Some(base), Some(new), Some(here)) if base == here => Some((Fate::Changed, Some(new.to_owned()))),
        (Some(base), Some(new), Some(here)) => {
            let theirs = format!("knarr {version}");
            Some(match merge(base, ("this repository", here), (&theirs, new))? {
                Merged::Clean(bytes) => (Fate::Merged, Some(bytes)),
                Merged::Conflict(bytes) => (Fate::Conflict, Some(bytes)),
            })
        }
        (Some(base), None, Some(here)) if base == here => Some((Fate::Removed, None)),
        (None, Some(_), Some(_)) | (Some(_), None, Some(_)) => Some((Fate::Kept, None)),
        (_, _, None) | (None, None, Some(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> Texts {
        files.iter().map(|(path, text)| (path.parse().unwrap(), (*text).to_owned())).collect()
    }

    fn fates(base: &[(&str, &str)], new: &[(&str, &str)], here: &[(&str, &str)]) -> Vec<(Fate, String)> {
        let here = texts(here).into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        let steps = freshen(&texts(base), &texts(new), &here, "2.0.0").unwrap();
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap_or_default()).unwrap();
        steps.into_iter().map(|step| (step.fate, text(step.bytes))).collect()
    }

    const OLD: &str = "a\nb\nc\nd\ne\n";
    const NEW: &str = "a\nb\nc\nd\nE\n";

    #[test]
    fn each_file_becomes_what_both_sides_want() {
        let is = |fate, text: &str| vec![(fate, text.to_owned())];
        let f = |text| [("f", text)];
        assert_eq!(fates(&[], &f(NEW), &[]), is(Fate::New, NEW));
        assert_eq!(fates(&f(OLD), &f(NEW), &f(OLD)), is(Fate::Changed, NEW));
        assert_eq!(fates(&f(OLD), &f(NEW), &f("A\nb\nc\nd\ne\n")), is(Fate::Merged, "A\nb\nc\nd\nE\n"));
        assert_eq!(fates(&f(OLD), &[], &f(OLD)), is(Fate::Removed, ""));
        assert_eq!(fates(&f(OLD), &[], &f("mine")), is(Fate::Kept, ""));
        assert_eq!(fates(&[], &f(NEW), &f("mine")), is(Fate::Kept, ""));
    }

    #[test]
    fn nothing_becomes_of_what_is_as_it_should_be_or_was_deleted_here() {
        let f = |text| [("f", text)];
        for (base, new, here) in [
            (&f(OLD)[..], &f(NEW)[..], &f(NEW)[..]),
            (&f(OLD), &f(OLD), &f("mine")),
            (&f(OLD), &f(NEW), &[]),
            (&f(OLD), &[], &[]),
            (&[], &f(NEW), &f(NEW)),
        ] {
            assert_eq!(fates(base, new, here), [], "{base:?} {new:?} {here:?}");
        }
    }

    #[test]
    fn a_conflict_keeps_both_sides() {
        let found = fates(&[("f", OLD)], &[("f", NEW)], &[("f", "a\nb\nc\nd\nmine\n")]);
        let text = "a\nb\nc\nd\n<<<<<<< this repository\nmine\n=======\nE\n>>>>>>> knarr 2.0.0\n";
        assert_eq!(found, [(Fate::Conflict, text.to_owned())]);
    }
}
