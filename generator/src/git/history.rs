//! What commits hold, read with libgit2.

use super::GitError;
use knarr_node::name::RepoPath;
use knarr_node::outputs::{self, Outputs};
use std::collections::BTreeMap;
use std::path::Path;

/// The commits of a repository.
pub struct History(git2::Repository);

/// Files of one commit, by path.
pub type Side = BTreeMap<RepoPath, Vec<u8>>;

/// Heads that a merge, rebase or cherry-pick under way brings together.
const HEADS: [&str; 5] = ["HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "ORIG_HEAD"];

fn cannot(what: &str) -> impl FnOnce(git2::Error) -> GitError {
    let what = what.to_owned();
    move |source| GitError::Read { what, source }
}

impl History {
    /// Opens the repository of a work tree; none when git does not know the folder.
    pub fn open(root: &Path) -> Option<Self> {
        git2::Repository::open(root).ok().map(Self)
    }

    /// Returns the full id of the commit that `name` means, e.g. `HEAD` or `origin/main`.
    pub fn commit(&self, name: &str) -> Result<String, GitError> {
        let found = self.0.revparse_single(name).and_then(|object| object.peel_to_commit());
        found.map(|commit| commit.id().to_string()).map_err(cannot(&format!("commit `{name}`")))
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

    /// Returns the lists of outputs of HEAD, its parents, and what is being merged into it.
    ///
    /// A file that one of them explains was rendered by somebody: a merge brought it here, no person edited it.
    pub fn outputs(&self) -> Vec<Outputs> {
        let heads = HEADS.iter().filter_map(|name| self.0.revparse_single(name).ok()?.peel_to_commit().ok());
        let near = heads.flat_map(|commit| commit.parents().chain([commit.clone()]).collect::<Vec<_>>());
        near.filter_map(|commit| self.list(&commit)).collect()
    }

    fn list(&self, commit: &git2::Commit<'_>) -> Option<Outputs> {
        let entry = commit.tree().ok()?.get_path(Path::new(outputs::PATH)).ok()?;
        let blob = entry.to_object(&self.0).ok()?.peel_to_blob().ok()?;
        serde_saphyr::from_slice(blob.content()).ok()
    }
}
