//! What commits hold, looked for by content, newest first. A folder that was looked through is not read again, so that a long
//! history costs what changed in it.

use super::history::cannot;
use super::{GitError, History};
use git2::{ObjectType, Oid, Sort, Tree};
use jiff::Timestamp;
use knarr_node::name::RepoPath;
use std::collections::BTreeSet;

/// A file that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The commit's full id.
    pub commit: String,
    /// When it was committed.
    pub at: Timestamp,
    /// Where the file is.
    pub path: RepoPath,
}

/// Looks for files whose bytes are as wanted.
struct Search<'a, F> {
    repo: &'a git2::Repository,
    is: F,
    /// What was looked at, and held none.
    without: BTreeSet<Oid>,
}

impl<F: FnMut(&[u8]) -> bool> Search<'_, F> {
    /// Returns the first file of a tree that is as wanted.
    fn tree(&mut self, tree: &Tree<'_>, above: &str) -> Result<Option<RepoPath>, git2::Error> {
        for entry in tree {
            let path = format!("{above}{}", entry.name().unwrap_or_default());
            if self.without.contains(&entry.id()) {
                continue;
            }
            let found = match entry.kind() {
                Some(ObjectType::Tree) => {
                    self.tree(&self.repo.find_tree(entry.id())?, &format!("{path}/"))?
                }
                Some(ObjectType::Blob) => self.file(entry.id(), &path)?,
                _ => None,
            };
            if found.is_some() {
                return Ok(found);
            }
            self.without.insert(entry.id());
        }
        Ok(None)
    }

    fn file(&mut self, id: Oid, path: &str) -> Result<Option<RepoPath>, git2::Error> {
        let Ok(path) = path.parse() else { return Ok(None) }; // no file of ours has such a name
        let blob = self.repo.find_blob(id)?;
        Ok((self.is)(blob.content()).then_some(path))
    }
}

impl History {
    /// Returns the newest commit of this branch, by first parents, that holds a file as wanted.
    ///
    /// In a shallow clone it ends with the commits that are there.
    pub fn last_with(&self, is: impl FnMut(&[u8]) -> bool) -> Result<Option<Found>, GitError> {
        let mut search = Search { repo: &self.0, is, without: BTreeSet::new() };
        self.line(&mut search).map_err(cannot("the commits of this branch"))
    }

    fn line<F: FnMut(&[u8]) -> bool>(
        &self,
        search: &mut Search<'_, F>,
    ) -> Result<Option<Found>, git2::Error> {
        let mut walk = self.0.revwalk()?;
        walk.push_head()?;
        walk.simplify_first_parent()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        for id in walk {
            let commit = self.0.find_commit(id?)?;
            if let Some(path) = search.tree(&commit.tree()?, "")? {
                let at = Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
                return Ok(Some(Found { commit: commit.id().to_string(), at, path }));
            }
        }
        Ok(None)
    }

    /// Returns the first branch with commits that HEAD has not, and whose newest commit holds a file as wanted: its name and
    /// the file.
    pub fn branch_with(&self, is: impl FnMut(&[u8]) -> bool) -> Result<Option<(String, RepoPath)>, GitError> {
        let mut search = Search { repo: &self.0, is, without: BTreeSet::new() };
        self.branches(&mut search).map_err(cannot("the branches"))
    }

    fn branches<F: FnMut(&[u8]) -> bool>(
        &self,
        search: &mut Search<'_, F>,
    ) -> Result<Option<(String, RepoPath)>, git2::Error> {
        let head = self.0.head()?.peel_to_commit()?.id();
        for branch in self.0.branches(None)? {
            let (branch, _) = branch?;
            let commit = branch.get().peel_to_commit()?;
            let is_merged = commit.id() == head || self.0.graph_descendant_of(head, commit.id())?;
            if is_merged {
                continue;
            }
            if let Some(path) = search.tree(&commit.tree()?, "")? {
                let name = branch.name_bytes()?;
                return Ok(Some((String::from_utf8_lossy(name).into_owned(), path)));
            }
        }
        Ok(None)
    }
}
