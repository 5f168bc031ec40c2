//! A work tree of its own beside the clone, in which a merge is made: whatever happens, also a power cut, the clone is as
//! it was until a new commit is at the origin.

use super::Branch;
use crate::accept::commit;
use crate::disk::Repo;
use crate::error::CliError;
use crate::git::{Git, GitError, said};
use knarr_node::name::Oid;
use std::path::{Path, PathBuf};

/// The folder of that work tree, in the clone's own folder of git.
const FOLDER: &str = "knarr-land";

/// Settings of the operator that would make another merge of it than everybody's.
const SETTINGS: [&str; 4] = ["-c", "rerere.enabled=false", "-c", "merge.renormalize=false"];

/// The work tree; it vanishes when it is dropped.
#[derive(Debug)]
pub struct Room {
    clone: Git,
    folder: PathBuf,
}

impl Room {
    /// Makes the work tree with the files of a commit; one that was left behind by a crash vanishes.
    pub fn make(root: &Path, clone: &Git, at: &Oid) -> Result<Self, CliError> {
        let git_dir = clone.run(&["rev-parse", "--git-common-dir"])?;
        let made = Self { clone: clone.clone(), folder: root.join(git_dir).join(FOLDER) };
        made.clear();
        clone.run(&["worktree", "add", "--quiet", "--detach", &made.path(), at.as_str()])?;
        Ok(made)
    }

    fn path(&self) -> String {
        self.folder.display().to_string()
    }

    fn clear(&self) {
        if self.folder.exists() {
            let _ = std::fs::remove_dir_all(&self.folder); // what is left makes `worktree add` fail, and say so
        }
        let _ = self.clone.output(&["worktree", "prune"]); // as above
    }

    /// Returns its files.
    pub fn repo(&self) -> Repo {
        Repo::at(&self.folder)
    }

    /// Returns git in it, which runs no hook.
    pub fn git(&self) -> Git {
        Git::without_hooks(&self.folder)
    }

    /// Merges a branch into it, without a commit. Conflicts under rendered/ stay there: they are rendered away.
    ///
    /// # Errors
    /// When git cannot merge files that people write, or a link that the branch brings leads out of the repository.
    pub fn merge(&self, branch: &Branch) -> Result<(), CliError> {
        let git = self.git();
        let mut args = SETTINGS.to_vec();
        args.extend(["merge", "--quiet", "--no-ff", "--no-commit", "--no-stat", "--no-verify-signatures"]);
        args.push(branch.tip.as_str());
        let ended = git.output(&args)?;
        let unmerged = git.run(&["diff", "--name-only", "--diff-filter=U", "-z"])?;
        let unmerged: Vec<&str> = unmerged.split('\0').filter(|path| !path.is_empty()).collect();
        if !ended.status.success() && unmerged.is_empty() {
            let command = format!("git merge {}", branch.name);
            return Err(GitError::Failed { command, said: said(&ended) }.into());
        }
        let written: Vec<&str> = unmerged.into_iter().filter(|path| !path.starts_with("rendered/")).collect();
        if !written.is_empty() {
            return Err(conflict(branch, &written));
        }
        self.refuse_links()
    }

    fn refuse_links(&self) -> Result<(), CliError> {
        let git = self.git();
        let raw = git.run(&["diff-index", "--cached", "--raw", "--no-renames", "-z", "HEAD"])?;
        let mut fields = raw.split('\0');
        while let (Some(entry), Some(path)) = (fields.next(), fields.next()) {
            let words: Vec<&str> = entry.split(' ').collect();
            let [_, "120000", _, blob, _] = words[..] else { continue };
            let target = git.run(&["cat-file", "blob", blob])?;
            if leads_out(path, &target) {
                let why = format!(
                    "the branch brings a link that leads out of the repository: {path:?} → {target:?}"
                );
                return Err(CliError::user(why).help("put the file itself there; nothing was changed here"));
            }
        }
        Ok(())
    }

    /// Makes the signed merge commit of all that lies there.
    pub fn commit(&self, message: &str) -> Result<Oid, CliError> {
        let git = self.git();
        git.run(&["commit", "--quiet", "-S", "--no-verify", "-m", message])
            .map_err(|error| CliError::from(error).help("knarr doctor; nothing was changed here"))?;
        commit(&git, "HEAD")?.ok_or_else(|| CliError::bug("the new commit is gone"))
    }

    /// Says to git what lies there now; what a branch has git ignore counts, too.
    pub fn stage(&self) -> Result<(), CliError> {
        let may_be =
            "if an attribute is why, take it out of .gitattributes in the branch; nothing was changed here";
        self.git()
            .run(&["add", "--all", "--force"])
            .map(drop)
            .map_err(|error| CliError::from(error).help(may_be))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.clear();
    }
}

fn conflict(branch: &Branch, files: &[&str]) -> CliError {
    let list: Vec<String> = files.iter().map(|file| file.escape_debug().to_string()).collect();
    let why = format!("git cannot merge what people wrote on both sides:\n  {}", list.join("\n  "));
    CliError::user(why).help(format!(
        "nothing was changed here. Merge it by hand: git merge --no-commit {}, edit, git add --all, then knarr ship -m \"land {}\"",
        branch.known_as, branch.name
    ))
}

/// Whether a link at `path` leads above the top of the repository, or into git's own folder.
fn leads_out(path: &str, target: &str) -> bool {
    let mut depth = path.matches('/').count();
    if target.starts_with('/') {
        return true;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            part if part.eq_ignore_ascii_case(".git") => return true,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_may_lead_to_files_of_the_repository_only() {
        for (path, target, out) in [
            ("host/motd", "issue", false),
            ("host/motd", "../people/me.yaml", false),
            ("host/motd", "../../etc/shadow", true),
            ("host/motd", "a/../../../x", true),
            ("motd", "..", true),
            ("motd", "/etc/shadow", true),
            ("host/motd", "../.git/config", true),
        ] {
            assert_eq!(leads_out(path, target), out, "{path} → {target}");
        }
    }
}
