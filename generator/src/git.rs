//! git: the system's program for commits, pushes and configuration, libgit2 for reading objects.

mod first;
mod history;
mod merge;
mod past;
mod search;
mod staged;

pub use first::First;
pub use history::{History, Side};
pub use merge::{Merged, merge};
pub use search::Found;
pub use staged::Entry;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// git that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is missing.
    #[error("cannot run `{program}`")]
    Missing {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// The command line.
        command: String,
        /// The last lines of what it said.
        said: String,
    },
    /// The work tree holds what no commit has.
    #[error("there are changes here that are not committed")]
    Dirty,
    /// libgit2 could not read the repository.
    #[error("cannot read {what} from git")]
    Read {
        /// What was wanted.
        what: String,
        /// Why not.
        source: git2::Error,
    },
}

impl GitError {
    /// Says what to type.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { program, .. } if program == "git" => Some("apt install git".to_owned()),
            Self::Missing { .. } => Some("apt install openssh-client".to_owned()),
            Self::Dirty => Some("commit them, or: git stash -u".to_owned()),
            Self::Failed { .. } | Self::Read { .. } => None,
        }
    }
}

/// A work tree, for the system's git.
#[derive(Clone, Debug)]
pub struct Git {
    root: PathBuf,
    hooks: Hooks,
}

/// Whether git runs the programs that stand ready for its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hooks {
    Run,
    /// They may be those of a branch that nobody has read.
    Rest,
}

impl Git {
    /// Returns git in the work tree at `root`.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), hooks: Hooks::Run }
    }

    /// Returns git in the work tree at `root`, which runs no hook: what lies there may be a stranger's.
    pub fn without_hooks(root: &Path) -> Self {
        Self { root: root.to_owned(), hooks: Hooks::Rest }
    }

    /// Runs git and returns what it wrote to standard output, without the last line feed.
    ///
    /// # Errors
    /// [`GitError::Failed`] with what it said when it did not succeed.
    pub fn run(&self, args: &[&str]) -> Result<String, GitError> {
        let output = self.output(args)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
        }
        Err(GitError::Failed { command: format!("git {}", args.join(" ")), said: said(&output) })
    }

    /// Runs git and returns how it ended; it may ask for a passphrase on the terminal.
    pub fn output(&self, args: &[&str]) -> Result<Output, GitError> {
        let mut git = Command::new("git");
        if self.hooks == Hooks::Rest {
            git.args(["-c", "core.hooksPath=/dev/null"]);
        }
        git.current_dir(&self.root).args(args).env("LC_ALL", "C").stdin(Stdio::null());
        git.output().map_err(|source| GitError::Missing { program: "git".to_owned(), source })
    }

    /// Returns a setting, from wherever git reads it.
    pub fn config(&self, key: &str) -> Result<Option<String>, GitError> {
        let output = self.output(&["config", "--get", key])?;
        let text = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
        Ok(Some(text).filter(|text| output.status.success() && !text.is_empty()))
    }

    /// Sets a setting of this clone.
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), GitError> {
        self.run(&["config", "--local", key, value]).map(drop)
    }

    /// Commits all changes, signed; returns the commit. Nothing to commit is an error of git's. No hook looks at it: who
    /// commits here has checked all.
    pub fn commit(&self, message: &str) -> Result<String, GitError> {
        self.run(&["add", "--all"])?;
        self.run(&["commit", "--quiet", "-S", "--no-verify", "-m", message])?;
        self.run(&["rev-parse", "HEAD"])
    }

    /// Pushes the current commit to a branch of a remote, which plain `git pull` and `git push` mean from then on.
    pub fn push(&self, remote: &str, branch: &str) -> Result<(), GitError> {
        self.run(&["push", "--quiet", "-u", remote, &format!("HEAD:refs/heads/{branch}")]).map(drop)
    }

    /// Whether the work tree differs from the last commit, files that git does not know yet included.
    pub fn is_dirty(&self) -> Result<bool, GitError> {
        Ok(!self.run(&["status", "--porcelain"])?.is_empty())
    }

    /// Refuses to mix what is not committed into what is signed.
    ///
    /// # Errors
    /// [`GitError::Dirty`] when the work tree differs from the last commit.
    pub fn clean(&self) -> Result<(), GitError> {
        if self.is_dirty()? { Err(GitError::Dirty) } else { Ok(()) }
    }
}

/// Runs another program (ssh-keygen, ssh-add) and returns how it ended.
pub fn program(command: &mut Command) -> Result<Output, GitError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| GitError::Missing { program, source })
}

/// Returns the last lines that a program said, for people.
pub fn said(output: &Output) -> String {
    let all = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(all);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("; ")
}
