//! What was rendered before, as the commits have it: so that nobody's work under rendered/ is taken for a merge's, nor a
//! merge's for somebody's. Reads objects only.

use super::history::{HEADS, list};
use super::{History, Merged, merge};
use crate::emit::Past;
use crate::secrets::digest;
use git2::{Commit, Oid, Sort};
use knarr_node::name::RepoPath;
use std::collections::BTreeSet;
use std::path::Path;

/// How many lists of outputs are searched, newest first: an older render is no side of a merge any more.
const LISTS: usize = 1000;

/// How many commits back a merge is looked for that nobody rendered after.
const MERGES: usize = 50;

/// Commits that are brought onto HEAD one by one, and do not know where they stand.
pub(super) const PICKED: [&str; 2] = ["CHERRY_PICK_HEAD", "REBASE_HEAD"];

impl Past for History {
    fn made(&self, path: &RepoPath, bytes: &[u8]) -> bool {
        self.listed(bytes) || self.merges().iter().any(|sides| self.gives(sides, path, bytes))
    }

    fn last(&self, path: &RepoPath) -> Option<Vec<u8>> {
        let bytes = self.blob(&self.head()?, path)?;
        self.listed(&bytes).then_some(bytes)
    }
}

/// Three commits that git brings together: where both sides began, ours, and theirs.
type Merge<'a> = [Commit<'a>; 3];

impl History {
    fn head(&self) -> Option<Commit<'_>> {
        self.named("HEAD")
    }

    fn named(&self, name: &str) -> Option<Commit<'_>> {
        self.0.revparse_single(name).ok()?.peel_to_commit().ok()
    }

    fn blob(&self, commit: &Commit<'_>, path: &RepoPath) -> Option<Vec<u8>> {
        let entry = commit.tree().ok()?.get_path(Path::new(path.as_str())).ok()?;
        Some(self.0.find_blob(entry.id()).ok()?.content().to_owned())
    }

    /// Whether some commit's list of outputs has these bytes, under whatever name: then git has them, too.
    fn listed(&self, bytes: &[u8]) -> bool {
        let hash = digest(bytes).hex();
        self.lists().iter().any(|list| {
            let text =
                self.0.find_blob(*list).map(|blob| String::from_utf8_lossy(blob.content()).into_owned());
            text.is_ok_and(|text| text.contains(hash.as_str()))
        })
    }

    /// Returns the lists of outputs of all commits that have a name, newest first.
    fn lists(&self) -> Vec<Oid> {
        let Ok(mut walk) = self.0.revwalk() else { return Vec::new() };
        let heads = HEADS.iter().filter_map(|name| Some(self.named(name)?.id()));
        for head in heads {
            let _ = walk.push(head); // it was found a moment ago
        }
        let _ = walk.push_glob("refs/*"); // a name that leads nowhere adds nothing
        let _ = walk.set_sorting(Sort::TIME);
        let mut seen = BTreeSet::new();
        let list = |id: Oid| list(&self.0.find_commit(id).ok()?);
        // A shallow clone ends where a parent is missing.
        walk.map_while(Result::ok).filter_map(list).filter(|id| seen.insert(*id)).take(LISTS).collect()
    }

    /// Returns the merges that may have made what lies there: those under way, and the last ones of this branch.
    fn merges(&self) -> Vec<Merge<'_>> {
        let Some(head) = self.head() else { return Vec::new() };
        let based = |ours: &Commit<'_>, theirs: &Commit<'_>| {
            self.0.find_commit(self.0.merge_base(ours.id(), theirs.id()).ok()?).ok()
        };
        let merging = self.named("MERGE_HEAD");
        let under_way = merging.and_then(|theirs| Some([based(&head, &theirs)?, head.clone(), theirs]));
        let picked = PICKED.iter().filter_map(|name| {
            let theirs = self.named(name)?;
            Some([theirs.parent(0).ok()?, head.clone(), theirs])
        });
        let reverted = self.named("REVERT_HEAD").and_then(|undone| {
            let before = undone.parent(0).ok()?;
            Some([undone, head.clone(), before])
        });
        let line = std::iter::successors(Some(head.clone()), |commit| commit.parent(0).ok()).take(MERGES);
        let done = line.filter_map(|commit| {
            let (ours, theirs) = (commit.parent(0).ok()?, commit.parent(1).ok()?);
            Some([based(&ours, &theirs)?, ours, theirs])
        });
        under_way.into_iter().chain(picked).chain(reverted).chain(done).collect()
    }

    /// Whether git makes these bytes of three files, each of which a render wrote.
    fn gives(&self, sides: &Merge<'_>, path: &RepoPath, bytes: &[u8]) -> bool {
        let files: Option<Vec<Vec<u8>>> = sides.iter().map(|commit| self.blob(commit, path)).collect();
        let Some([base, ours, theirs]) =
            files.as_deref().filter(|files| files.iter().all(|it| self.listed(it)))
        else {
            return false;
        };
        let merged = merge(base, ("", ours), ("", theirs));
        merged.is_ok_and(|merged| merged == Merged::Clean(bytes.to_owned()))
    }
}
