//! Reads commits and files from the local copy of the repository. It never speaks to the network.

use aws_lc_rs::digest::{SHA256, digest};
use git2::{ErrorCode, ObjectType, Repository, TreeWalkMode, TreeWalkResult};
use knarr_node::name::{Digest, Oid, RepoPath};
use knarr_node::outputs;
use knarr_node::trust::{Link, approvals};
use std::collections::BTreeMap;
use std::path::Path;

/// Where the newest fetched commit is noted.
pub const SEEN: &str = "refs/knarr/seen";
/// Where the last accepted commit is noted, so that git never collects it.
pub const ACCEPTED: &str = "refs/knarr/accepted";
/// Where the commit whose State was loaded last is noted, for the same reason.
pub const APPLIED: &str = "refs/knarr/applied";

/// Where what another node gave is noted.
pub const PEER: &str = "refs/knarr/peer";

/// What other nodes and Argo CD may read: only refs below `refs/namespaces/<this>/`.
pub const NAMESPACE: &str = "accepted";

/// No file that is read may be longer, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// The local copy cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// libgit2 failed.
    #[error("cannot {doing} in /var/lib/knarr/repo.git")]
    Git {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: git2::Error,
    },
    /// A file is too long to be read.
    #[error("`{path}` of commit {commit} has {size} bytes, more than {LARGEST}")]
    TooLarge {
        /// The file.
        path: String,
        /// The commit, short.
        commit: String,
        /// Its length in bytes.
        size: usize,
    },
}

/// How a tip lies to the last accepted commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// These commits follow it along first parents, oldest first.
    Follows(Vec<Link>),
    /// The tip is older: somebody set the branch back.
    Behind,
    /// The tip does not have it among its first parents.
    Rewritten,
}

/// A commit's signature.
pub struct Signed {
    /// As it stands in the commit.
    pub signature: Vec<u8>,
    /// What it covers: all of the commit but itself.
    pub payload: Vec<u8>,
}

/// A bare repository.
pub struct Repo {
    git: Repository,
}

fn failed(doing: impl Into<String>) -> impl FnOnce(git2::Error) -> RepoError {
    move |source| RepoError::Git { doing: doing.into(), source }
}

/// Turns what may be missing into an option.
fn or_none<T>(found: Result<T, git2::Error>, doing: &str) -> Result<Option<T>, RepoError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(failed(doing)(error)),
    }
}

fn ours(id: git2::Oid) -> Oid {
    id.to_string().parse().expect("libgit2 prints 40 hexadecimal digits")
}

fn theirs(id: &Oid) -> git2::Oid {
    git2::Oid::from_str(id.as_str()).expect("a commit id has 40 hexadecimal digits")
}

impl Repo {
    /// Opens the repository at `path`, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        let there = or_none(Repository::open_bare(path), "open the repository")?;
        let made = there.map_or_else(|| Repository::init_bare(path), Ok);
        Ok(Self { git: made.map_err(failed("make the repository"))? })
    }

    /// Returns the commit that `name` notes.
    pub fn noted(&self, name: &str) -> Result<Option<Oid>, RepoError> {
        or_none(self.git.refname_to_id(name), "read a ref").map(|id| id.map(ours))
    }

    /// Notes a commit under `name`.
    pub fn note(&self, name: &str, commit: &Oid) -> Result<(), RepoError> {
        if self.noted(name)?.as_ref() == Some(commit) {
            return Ok(());
        }
        let noted = self.git.reference(name, theirs(commit), true, "knarrd");
        noted.map(drop).map_err(failed("note a commit"))
    }

    /// Shows `commit` to other nodes as `branch`, and nothing else.
    pub fn show(&self, branch: &str, commit: &Oid) -> Result<(), RepoError> {
        let space = format!("refs/namespaces/{NAMESPACE}");
        let (head, shown) = (format!("{space}/HEAD"), format!("{space}/refs/heads/{branch}"));
        let there = or_none(self.git.find_reference(&head), "read a ref")?;
        let is_head =
            there.is_some_and(|there| there.symbolic_target().ok().flatten() == Some(shown.as_str()));
        if is_head && self.noted(&shown)?.as_ref() == Some(commit) {
            return Ok(());
        }
        self.note(&shown, commit)?;
        let symbolic = self.git.reference_symbolic(&head, &shown, true, "knarrd");
        symbolic.map_err(failed("show a commit"))?;
        let others = self.git.references_glob(&format!("{space}/refs/*")).map_err(failed("list refs"))?;
        for mut other in others.flatten().filter(|other| other.name().ok() != Some(&shown)) {
            other.delete().map_err(failed("remove a ref"))?;
        }
        Ok(())
    }

    /// Whether the commit is here.
    pub fn has(&self, commit: &Oid) -> bool {
        self.git.find_commit(theirs(commit)).is_ok()
    }

    /// Walks first parents from `tip` down to `floor`.
    pub fn chain(&self, floor: &Oid, tip: &Oid) -> Result<Chain, RepoError> {
        let mut links = Vec::new();
        let mut next = Some(theirs(tip));
        while let Some(id) = next.filter(|id| *id != theirs(floor)) {
            let commit = self.git.find_commit(id).map_err(failed("walk the commits"))?;
            next = commit.parent_ids().next();
            links.push(commit);
        }
        match next {
            Some(_) => links
                .iter()
                .rev()
                .map(|commit| self.link(commit))
                .collect::<Result<_, _>>()
                .map(Chain::Follows),
            None => Ok(self.behind_or_rewritten(floor, tip)),
        }
    }

    /// Whether `tip` goes back to `commit`, or is it.
    pub fn is_ancestor(&self, commit: &Oid, tip: &Oid) -> Result<bool, RepoError> {
        if commit == tip {
            return Ok(true);
        }
        self.git.graph_descendant_of(theirs(tip), theirs(commit)).map_err(failed("compare two commits"))
    }

    /// Returns the newest commit along first parents from `tip` that touched `path`. When `path` is at `known`, an
    /// older commit, as it is at `tip`, that is the answer without a walk.
    pub fn touched(&self, tip: &Oid, path: &str, known: Option<&Oid>) -> Result<Oid, RepoError> {
        let now = self.entry(tip, path)?;
        if let Some(known) = known
            && self.has(known)
            && self.is_ancestor(known, tip)?
            && self.entry(known, path)? == now
        {
            return Ok(known.clone());
        }
        let mut touched = tip.clone();
        loop {
            let commit = self.git.find_commit(theirs(&touched)).map_err(failed("walk the commits"))?;
            match commit.parent_id(0).map(ours) {
                Ok(parent) if self.entry(&parent, path)? == now => touched = parent,
                Ok(_) | Err(_) => return Ok(touched),
            }
        }
    }

    /// Returns the id of a file or folder of a commit, which is another one when anything in it is.
    fn entry(&self, commit: &Oid, path: &str) -> Result<Option<git2::Oid>, RepoError> {
        let found = self.tree(commit)?.get_path(Path::new(path)).map(|entry| entry.id());
        or_none(found, "find a folder")
    }

    fn behind_or_rewritten(&self, floor: &Oid, tip: &Oid) -> Chain {
        match self.git.graph_descendant_of(theirs(floor), theirs(tip)) {
            Ok(true) => Chain::Behind,
            Ok(false) | Err(_) => Chain::Rewritten,
        }
    }

    fn link(&self, commit: &git2::Commit<'_>) -> Result<Link, RepoError> {
        let parent = commit.parent(0).ok().map(|parent| tree(&parent)).transpose()?;
        let diff = self.git.diff_tree_to_tree(parent.as_ref(), Some(&tree(commit)?), None);
        let diff = diff.map_err(failed("compare two commits"))?;
        let sides = diff.deltas().flat_map(|delta| {
            [delta.old_file().path(), delta.new_file().path()]
                .map(|path| path.map(|path| path.to_string_lossy().into_owned()))
        });
        let touches = sides.flatten().map(|path| path.parse().unwrap_or_else(|_| odd_path())).collect();
        Ok(Link {
            id: ours(commit.id()),
            approves: approvals(&String::from_utf8_lossy(commit.message_raw_bytes())),
            touches,
        })
    }

    /// Returns the SSH signature of a commit and the bytes that it covers, or nothing when it has none.
    pub fn signature(&self, commit: &Oid) -> Result<Option<Signed>, RepoError> {
        let found = or_none(self.git.extract_signature(&theirs(commit), None), "read a signature")?;
        Ok(found
            .map(|(signature, payload)| Signed { signature: signature.to_vec(), payload: payload.to_vec() }))
    }

    /// Returns the bytes of one file of a commit, or nothing when there is no such file.
    pub fn file(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, RepoError> {
        let tree = self.tree(commit)?;
        let Some(entry) = or_none(tree.get_path(Path::new(path)), "find a file")? else { return Ok(None) };
        if entry.kind() != Some(ObjectType::Blob) {
            return Ok(None);
        }
        self.blob(commit, path, entry.id()).map(Some)
    }

    /// Returns the digest of each file under rendered/, without the list of them.
    pub fn rendered(&self, commit: &Oid) -> Result<BTreeMap<RepoPath, Digest>, RepoError> {
        let tree = self.tree(commit)?;
        let mut found = Vec::new();
        let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
            match entry.kind() {
                Some(ObjectType::Tree) if path == "rendered" || path.starts_with("rendered/") => {
                    TreeWalkResult::Ok
                }
                _ if path.starts_with("rendered/") => {
                    found.push((path, entry.id(), entry.kind() == Some(ObjectType::Blob)));
                    TreeWalkResult::Ok
                }
                _ => TreeWalkResult::Skip,
            }
        });
        walked.map_err(failed("read rendered/"))?;
        found.retain(|(path, _, _)| path != outputs::PATH);
        found.into_iter().map(|(path, id, blob)| self.digest(commit, &path, id, blob)).collect()
    }

    /// What is not a file has the digest of nothing, which no render writes.
    fn digest(
        &self,
        commit: &Oid,
        path: &str,
        id: git2::Oid,
        blob: bool,
    ) -> Result<(RepoPath, Digest), RepoError> {
        let bytes = if blob { self.blob(commit, path, id)? } else { Vec::new() };
        let digest = Digest::of_sha256(digest(&SHA256, &bytes).as_ref());
        Ok((path.parse().unwrap_or_else(|_| odd_path()), digest))
    }

    fn blob(&self, commit: &Oid, path: &str, id: git2::Oid) -> Result<Vec<u8>, RepoError> {
        let objects = self.git.odb().map_err(failed("read objects"))?;
        let (size, _) = objects.read_header(id).map_err(failed(format!("read `{path}`")))?;
        if size > LARGEST {
            let commit = commit.short().to_owned();
            return Err(RepoError::TooLarge { path: path.to_owned(), commit, size });
        }
        let blob = self.git.find_blob(id).map_err(failed(format!("read `{path}`")))?;
        Ok(blob.content().to_vec())
    }

    fn tree(&self, commit: &Oid) -> Result<git2::Tree<'_>, RepoError> {
        let commit = self.git.find_commit(theirs(commit));
        commit.and_then(|commit| commit.tree()).map_err(failed("read a commit"))
    }
}

fn tree<'repo>(commit: &git2::Commit<'repo>) -> Result<git2::Tree<'repo>, RepoError> {
    commit.tree().map_err(failed("read a tree"))
}

/// Stands for a path that no render writes and nobody may touch.
fn odd_path() -> RepoPath {
    "rendered/(a name that is not plain text)".parse().expect("it is a path")
}

#[cfg(test)]
mod tests;
