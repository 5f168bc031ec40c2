//! What commits hold, read with libgit2.

use super::GitError;
use knarr_node::name::RepoPath;
use knarr_node::outputs::{self, Outputs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The commits of a repository.
pub struct History(pub(super) git2::Repository);

/// Files of one commit, by path.
pub type Side = BTreeMap<RepoPath, Vec<u8>>;

/// Heads that a merge, rebase, cherry-pick or revert under way brings together.
pub(super) const HEADS: [&str; 7] =
    ["HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD", "ORIG_HEAD", "FETCH_HEAD"];

pub(super) fn cannot(what: &str) -> impl FnOnce(git2::Error) -> GitError {
    let what = what.to_owned();
    move |source| GitError::Read { what, source }
}

impl History {
    /// Opens the repository of a work tree; none when git does not know the folder.
    ///
    /// Nobody hashes an object again that is read, which takes as long as to unpack it: git has done so when it came, and does when
    /// it sends it.
    pub fn open(root: &Path) -> Option<Self> {
        git2::opts::strict_hash_verification(false);
        git2::Repository::open(root).ok().map(Self)
    }

    /// Returns the full id of the commit that `name` means, e.g. `HEAD` or `origin/main`.
    pub fn commit(&self, name: &str) -> Result<String, GitError> {
        let found = self.0.revparse_single(name).and_then(|object| object.peel_to_commit());
        found.map(|commit| commit.id().to_string()).map_err(cannot(&format!("commit `{name}`")))
    }

    /// Returns the commit from which two others went apart; none when this clone knows of none.
    pub fn fork(&self, one: &str, two: &str) -> Result<Option<String>, GitError> {
        let [one, two] = [self.commit(one)?, self.commit(two)?];
        let id = |text: &str| git2::Oid::from_str(text).map_err(cannot("a commit's id"));
        Ok(self.0.merge_base(id(&one)?, id(&two)?).ok().map(|id| id.to_string()))
    }

    /// Whether the clone has only the newest commits.
    pub fn is_shallow(&self) -> bool {
        self.0.is_shallow()
    }

    /// Returns the folder for hooks within git's own, where no branch gets to.
    pub fn hooks(&self) -> PathBuf {
        self.0.commondir().join("knarr-hooks")
    }

    /// Whether git leaves a file, or all files of a folder, out of commits: they are ignored, and it knows none of them yet.
    pub fn leaves_out(&self, path: &Path) -> bool {
        let known = |index: git2::Index| {
            index.get_path(path, 0).is_some() || index.find_prefix(format!("{}/", path.display())).is_ok()
        };
        self.0.status_should_ignore(path).unwrap_or(false) && !self.0.index().is_ok_and(known)
    }

    /// Returns a setting as this clone has it; none when it is missing.
    pub fn config(&self, key: &str) -> Option<String> {
        self.0.config().and_then(|config| config.get_string(key)).ok()
    }

    /// Returns all files below `folder` in the commit that `name` means.
    pub fn files(&self, name: &str, folder: &str) -> Result<Side, GitError> {
        let what = format!("`{folder}` of commit `{name}`");
        self.read(name, folder).map_err(cannot(&what))
    }

    fn read(&self, name: &str, folder: &str) -> Result<Side, git2::Error> {
        let tree = self.0.revparse_single(name)?.peel_to_tree()?;
        let Ok(entry) = tree.get_path(Path::new(folder)) else { return Ok(Side::new()) };
        let below = entry.to_object(&self.0)?.peel_to_tree()?;
        let mut files = Side::new();
        below.walk(git2::TreeWalkMode::PreOrder, |parent, entry| {
            let path = format!("{folder}/{parent}{}", entry.name().unwrap_or_default());
            if let (Ok(path), Ok(blob)) =
                (path.parse(), entry.to_object(&self.0).and_then(|o| o.peel_to_blob()))
            {
                files.insert(path, blob.content().to_owned());
            }
            git2::TreeWalkResult::Ok
        })?;
        Ok(files)
    }

    /// Returns one file of the commit that `name` means; none when it is not there.
    pub fn file(&self, name: &str, path: &str) -> Option<Vec<u8>> {
        let tree = self.0.revparse_single(name).ok()?.peel_to_tree().ok()?;
        let file = tree.get_path(Path::new(path)).ok()?.to_object(&self.0).ok()?;
        Some(file.as_blob()?.content().to_owned())
    }

    /// Returns the first commit of the branch.
    pub fn first(&self) -> Option<String> {
        let head = self.0.head().ok()?.peel_to_commit().ok();
        let line = std::iter::successors(head, |commit| commit.parent(0).ok());
        line.last().map(|commit| commit.id().to_string())
    }

    /// Returns the lists of outputs of HEAD, its parents, and what is being merged into it.
    ///
    /// A file that one of them explains was rendered by somebody: a merge brought it here, no person edited it.
    pub fn outputs(&self) -> Vec<Outputs> {
        let heads = HEADS.iter().filter_map(|name| self.0.revparse_single(name).ok()?.peel_to_commit().ok());
        let near = heads.flat_map(|commit| commit.parents().chain([commit.clone()]).collect::<Vec<_>>());
        let lists: BTreeSet<git2::Oid> = near.filter_map(|commit| list(&commit)).collect();
        lists.into_iter().filter_map(|id| self.parsed(id)).collect()
    }

    fn parsed(&self, list: git2::Oid) -> Option<Outputs> {
        serde_saphyr::from_slice(self.0.find_blob(list).ok()?.content()).ok()
    }
}

/// Returns a commit's list of outputs.
pub(super) fn list(commit: &git2::Commit<'_>) -> Option<git2::Oid> {
    let entry = commit.tree().ok()?.get_path(Path::new(outputs::PATH)).ok()?;
    (entry.kind() == Some(git2::ObjectType::Blob)).then(|| entry.id())
}
