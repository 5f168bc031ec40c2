//! What git's index holds: the next commit, before it is one. Reads objects only.

use super::history::cannot;
use super::past::PICKED;
use super::{GitError, History};
use crate::each::each_with;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use git2::{
    Index, IndexEntry, IndexEntryExtendedFlag, ObjectType, Oid, Repository, Tree, TreeWalkMode,
    TreeWalkResult,
};
use knarr_node::name::RepoPath;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names the index of a commit of some files only, which git makes for it. Source: git(1), "GIT_INDEX_FILE".
const INDEX: &str = "GIT_INDEX_FILE";

/// Bits of an entry: what kind of file it is, and the kind of those that are no links and no repositories.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;

/// Bits of an entry that is one side of a conflict. Source: gitformat-index(5), "stage".
const STAGE: u16 = 0x3000;

/// A file in the index.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is.
    pub path: RepoPath,
    /// Whether the commit would bring it, or change it.
    pub is_new: bool,
    id: Oid,
    /// How many bytes the file of the work tree had that was staged.
    length: u32,
}

impl History {
    /// Returns the files of at most so many bytes that the next commit would have, without those of conflicts.
    ///
    /// What a commit has that is being merged or picked is not new. What lies in rendered/ is always said to be new.
    pub fn staged(&self, most: u32) -> Result<Vec<Entry>, GitError> {
        self.index(most).map_err(cannot("the index"))
    }

    fn index(&self, most: u32) -> Result<Vec<Entry>, git2::Error> {
        let index =
            std::env::var_os(INDEX).map_or_else(|| self.0.index(), |path| Index::open(path.as_ref()))?;
        let heads = ["HEAD", "MERGE_HEAD"].iter().chain(&PICKED);
        let trees = heads.filter_map(|name| self.0.revparse_single(name).ok()?.peel_to_tree().ok());
        let there = trees.map(|tree| committed(&tree)).collect::<Result<Vec<_>, _>>()?;
        let entry = |entry: IndexEntry| {
            let (path, id) = (String::from_utf8(entry.path).ok()?, entry.id);
            let is_new = there.iter().all(|files| files.get(&path) != Some(&id));
            Some(Entry { path: path.parse().ok()?, is_new, id, length: entry.file_size })
        };
        Ok(index.iter().filter(|entry| is_file(entry) && entry.file_size <= most).filter_map(entry).collect())
    }

    /// Does `work` with the path and bytes of each of some files, on all cores: who needs an object has a repository of its own,
    /// for of one libgit2 reads one object at a time.
    pub fn with_each<R: Send>(
        &self,
        entries: &[Entry],
        work: impl Fn(&RepoPath, &[u8]) -> R + Sync,
    ) -> Result<Vec<R>, GitError> {
        let again = |error: &git2::Error| git2::Error::new(error.code(), error.class(), error.message());
        let (root, place) = (self.0.workdir(), self.0.path());
        let read = |repository: &OnceCell<Result<Repository, git2::Error>>, entry: &Entry| {
            if let Some(bytes) = root.and_then(|root| entry.unchanged(root)) {
                return Ok(work(&entry.path, &bytes));
            }
            let repository = repository.get_or_init(|| Repository::open(place));
            let objects = repository.as_ref().map_err(again)?.odb()?;
            Ok(work(&entry.path, objects.read(entry.id)?.data()))
        };
        let named = |repository: &_, entry: &Entry| {
            read(repository, entry).map_err(cannot(&format!("`{}`", entry.path)))
        };
        each_with(entries, OnceCell::new, named).into_iter().collect()
    }
}

impl Entry {
    /// Returns the file of the work tree where it is just what is staged, which it mostly is. What proves that is git's name for
    /// its bytes, found in a fraction of the time in which the object is unpacked. Source: git-hash-object(1), gitglossary(7), "blob".
    fn unchanged(&self, root: &Path) -> Option<Vec<u8>> {
        let path = root.join(self.path.as_str());
        let there = fs::symlink_metadata(&path).ok()?;
        if !there.is_file() || there.len() != u64::from(self.length) {
            return None; // nor is a pipe waited for
        }
        let bytes = fs::read(path).ok()?;
        let mut name = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        name.update(format!("blob {}\0", bytes.len()).as_bytes());
        name.update(&bytes);
        (name.finish().as_ref() == self.id.as_bytes()).then_some(bytes)
    }
}

/// Whether an entry is a file that would be committed as it is there.
fn is_file(entry: &IndexEntry) -> bool {
    let is_promised = entry.flags_extended & IndexEntryExtendedFlag::INTENT_TO_ADD.bits() != 0;
    entry.mode & KIND == FILE && entry.flags & STAGE == 0 && !is_promised
}

/// Returns the files of a commit, but for rendered ones, of which there are many.
fn committed(tree: &Tree<'_>) -> Result<BTreeMap<String, Oid>, git2::Error> {
    let mut files = BTreeMap::new();
    tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
        let path = format!("{parent}{}", entry.name().unwrap_or_default());
        if path == "rendered" {
            return TreeWalkResult::Skip;
        }
        if entry.kind() == Some(ObjectType::Blob) {
            files.insert(path, entry.id());
        }
        TreeWalkResult::Ok
    })?;
    Ok(files)
}
