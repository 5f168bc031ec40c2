//! Which commits the machines follow, as seen from a clone: the walk is node's own, git judges the signatures.

use crate::git::{Git, GitError};
use crate::tame::tame;
use knarr_node::name::{Oid, RepoPath};
use knarr_node::trust::{self, Accepted, By, Judge, Link, RECOVERY, SIGNERS, approvals};
use std::io::Write;
use tempfile::NamedTempFile;

/// Where this clone remembers the newest commit that it found accepted. It is never pushed.
pub const MARK: &str = "refs/knarr/accepted";

/// A history that cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// git did not do what was asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// No commit of the history is signed by those that it names itself.
    #[error("no commit of `{0}` is signed by one of its own signers")]
    NoBeginning(String),
    /// No room for the list of signers.
    #[error("cannot write a temporary file")]
    Temporary(#[source] std::io::Error),
}

impl AcceptError {
    /// Says what to type.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.help(),
            Self::NoBeginning(_) => {
                Some("knarr setup, then sign a commit: git commit --amend --no-edit -S".to_owned())
            }
            Self::Temporary(_) => Some("make room in the folder for temporary files".to_owned()),
        }
    }
}

/// Reads a full commit id that git printed.
fn oid(text: &str) -> Result<Oid, GitError> {
    text.trim().parse().map_err(|error: knarr_node::name::BadName| GitError::Failed {
        command: "git rev-parse".to_owned(),
        said: error.to_string(),
    })
}

/// Returns the commit that `name` means; none when there is none.
pub fn commit(git: &Git, name: &str) -> Result<Option<Oid>, GitError> {
    let output = git.output(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| oid(&text)).transpose()
}

/// Whether `old` lies on the first parents of `new`.
pub fn is_below(git: &Git, old: &Oid, new: &Oid) -> Result<bool, GitError> {
    Ok(old == new || first_parents(git, None, new)?.contains(old))
}

/// Whether `old` is somewhere in the history of `new`.
pub fn is_ancestor(git: &Git, old: &Oid, new: &Oid) -> Result<bool, GitError> {
    Ok(git.output(&["merge-base", "--is-ancestor", old.as_str(), new.as_str()])?.status.success())
}

/// Returns the commits along first parents, oldest first, from behind `old` to `new`.
fn first_parents(git: &Git, old: Option<&Oid>, new: &Oid) -> Result<Vec<Oid>, GitError> {
    let range = old.map_or_else(|| new.to_string(), |old| format!("{old}..{new}"));
    let listed =
        git.run(&["--no-replace-objects", "rev-list", "--first-parent", "--reverse", &range, "--"])?;
    listed.lines().map(oid).collect()
}

/// Returns what machines accept of the history of `tip`, and what they do not.
///
/// It starts at the newest of `known` and of this clone's mark that lies below `tip`, else at the first commit that
/// one of its own signers signed.
///
/// # Errors
/// [`AcceptError::NoBeginning`] when nothing in the history can be believed.
pub fn accepted(git: &Git, tip: &Oid, known: &[Oid]) -> Result<Accepted, AcceptError> {
    let all = first_parents(git, None, tip)?;
    let mut judge = GitJudge::new(git);
    let mark = commit(git, MARK)?;
    let believed = all.iter().rposition(|id| known.contains(id) || mark.as_ref() == Some(id));
    let begin = match believed {
        Some(at) => at,
        None => judge.beginning(&all)?.ok_or_else(|| AcceptError::NoBeginning(tip.short().to_owned()))?,
    };
    let chain: Vec<Link> = all[begin + 1..].iter().map(|id| link(git, id)).collect::<Result<_, _>>()?;
    trust::accept(all[begin].clone(), &chain, &mut judge)
}

/// Notes that machines may have accepted `id`, for it was seen at the origin.
pub fn remember(git: &Git, id: &Oid) -> Result<(), GitError> {
    git.run(&["update-ref", "--create-reflog", MARK, id.as_str()]).map(drop)
}

/// Returns the commits that are new since another one: a line each, newest first, of which a terminal obeys nothing.
pub fn brought(git: &Git, old: &Oid, tip: &Oid) -> Result<Vec<String>, GitError> {
    let range = format!("{old}..{tip}");
    let log = git.run(&[
        "--no-replace-objects",
        "log",
        "--no-show-signature",
        "--format=%h  %an <%ae>  %s",
        &range,
    ])?;
    Ok(tame(&log).lines().map(str::to_owned).collect())
}

fn link(git: &Git, id: &Oid) -> Result<Link, GitError> {
    let message = git.run(&["--no-replace-objects", "show", "--no-patch", "--format=%B", id.as_str()])?;
    let parent = format!("{id}^1");
    let range = [
        "--no-replace-objects",
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        &parent,
        id.as_str(),
    ];
    let touched = git.run(&range)?;
    // A name that is no path of the repository is none that the recovery signer may touch either.
    let path = |name: &str| name.parse::<RepoPath>().unwrap_or_else(|_| "?".parse().expect("it is a path"));
    Ok(Link {
        id: id.clone(),
        approves: approvals(&message),
        touches: touched.split('\0').filter(|name| !name.is_empty()).map(path).collect(),
    })
}

/// Lets git check signatures, by the signers of another commit and by nothing that the user's settings say.
struct GitJudge<'a> {
    git: &'a Git,
    /// The list that was asked for last, and whose it is.
    list: Option<(Oid, NamedTempFile)>,
}

impl<'a> GitJudge<'a> {
    fn new(git: &'a Git) -> Self {
        Self { git, list: None }
    }

    /// Returns where the first commit stands that one of its own signers signed.
    fn beginning(&mut self, all: &[Oid]) -> Result<Option<usize>, AcceptError> {
        for (at, id) in all.iter().enumerate() {
            if self.by(id, id)? == By::Signer {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn names_signers(&self, commit: &Oid) -> Result<bool, GitError> {
        let blob = format!("{commit}:{SIGNERS}");
        Ok(self.git.output(&["--no-replace-objects", "cat-file", "-e", &blob])?.status.success())
    }

    /// Returns a file with the signers that a commit names.
    fn list(&mut self, commit: &Oid) -> Result<String, AcceptError> {
        if let Some((_, file)) = self.list.as_ref().filter(|(of, _)| of == commit) {
            return Ok(file.path().display().to_string());
        }
        let blob = format!("{commit}:{SIGNERS}");
        let text = self.git.run(&["--no-replace-objects", "cat-file", "blob", &blob])?;
        let mut file = NamedTempFile::new().map_err(AcceptError::Temporary)?;
        writeln!(file, "{text}").and_then(|()| file.flush()).map_err(AcceptError::Temporary)?;
        let path = file.path().display().to_string();
        self.list = Some((commit.clone(), file));
        Ok(path)
    }
}

impl Judge for GitJudge<'_> {
    type Error = AcceptError;

    /// Source: git-log(1) of git 2.39: `%G?` is G for a good signature of a listed key, `%GS` its principal, N for none.
    fn by(&mut self, commit: &Oid, under: &Oid) -> Result<By, AcceptError> {
        let nobody = |why: &str| Ok(By::Nobody(why.to_owned()));
        if !self.names_signers(commit)? {
            return nobody("it names no signers");
        }
        let list = format!("gpg.ssh.allowedSignersFile={}", self.list(under)?);
        let settings = [
            "gpg.ssh.program=ssh-keygen",
            "gpg.ssh.revocationFile=",
            "gpg.program=false",
            "gpg.x509.program=false",
            &list,
        ];
        let mut args = vec!["--no-replace-objects"];
        args.extend(settings.iter().flat_map(|setting| ["-c", setting]));
        args.extend(["show", "--no-patch", "--no-show-signature", "--format=%G?%n%GS", commit.as_str()]);
        let said = self.git.run(&args)?;
        let (verdict, who) = said.split_once('\n').unwrap_or((&said, ""));
        match (verdict, who) {
            ("G", RECOVERY) => Ok(By::Recovery),
            ("G", _) => Ok(By::Signer),
            ("N", _) => nobody("it is not signed"),
            _ => nobody("its signature is of nobody who may sign"),
        }
    }
}

#[cfg(test)]
mod tests;
