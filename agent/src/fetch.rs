//! Fetches the followed branch by the system's git, a confined child with a configuration of its own.

use crate::child::{ChildError, Confined, Limits, Said};
use crate::identity::write_private;
use crate::paths::Paths;
use crate::repo::Repo;
use knarr_node::name::Oid;
use knarr_node::state::Git;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Host keys that a person told at the enrolment.
const PINNED: &str = "known_hosts";

/// Host keys of the commit that was accepted last: who may sign may move the origin.
const ACCEPTED: &str = "accepted_hosts";

/// How much one fetch may use, and how large the copy may grow.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For git and all its children.
    pub child: Limits,
    /// The whole repository on the disk, in bytes.
    pub total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        let child = Limits { time: Duration::from_mins(1), memory: 2 << 30, file: 256 << 20 };
        Self { child, total: 1 << 30 }
    }
}

/// A remote from which nothing came.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// git or ssh could not be run, or took too much.
    #[error("cannot fetch from `{remote}`")]
    Child {
        /// The address.
        remote: String,
        /// What went wrong.
        source: ChildError,
    },
    /// git said no.
    #[error("cannot fetch from `{remote}`: {said}")]
    Refused {
        /// The address.
        remote: String,
        /// The line in which git or ssh says why.
        said: String,
    },
    /// The branch is no name that git takes.
    #[error("`{0}` is not the name of a branch")]
    Branch(String),
    /// The copy is too large.
    #[error("the repository has {size} MiB, more than {most} MiB")]
    TooLarge {
        /// Its size on the disk.
        size: u64,
        /// The most that it may have.
        most: u64,
    },
    /// No remote is named.
    #[error("no remote is named")]
    NoRemote,
}

impl FetchError {
    /// Says what to type.
    pub fn help(&self) -> String {
        match self {
            Self::Child { source: ChildError::Start { .. }, .. } => {
                "apt install git openssh-client".to_owned()
            }
            Self::Child { remote, .. } => {
                format!("git ls-remote {remote}   (from here; it is tried again by itself)")
            }
            Self::Refused { said, .. } if said.contains("Host key verification failed") => {
                "knarr node refresh NAME, if the git host really has a new key".to_owned()
            }
            Self::Refused { .. } => {
                "knarr doctor, on your own machine; it is tried again by itself".to_owned()
            }
            Self::Branch(_) | Self::NoRemote => {
                "correct `git:` in cluster.yaml, then `knarr ship`".to_owned()
            }
            Self::TooLarge { .. } => "take large files out of the repository".to_owned(),
        }
    }
}

/// What a fetch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The branch is here, at [`crate::repo::SEEN`].
    Branch,
    /// The remote answers but has no such branch yet.
    Nothing,
}

/// Fetches the branch from the first remote that answers.
///
/// # Errors
/// The first remote's, when none answers.
pub fn fetch(git: &[&Git], paths: &Paths, bounds: &Bounds) -> Result<Fetched, FetchError> {
    let mut first = None;
    let mut tried: Vec<&str> = Vec::new();
    for (remote, branch) in git.iter().flat_map(|git| git.remotes.iter().map(|remote| (remote, &git.branch)))
    {
        if tried.contains(&remote.as_str()) {
            continue;
        }
        tried.push(remote);
        let from = From { remote, branch, to: crate::repo::SEEN, protocols: "ssh:https:file" };
        match fetch_one(&from, paths, bounds) {
            Ok(fetched) => return Ok(fetched),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or(FetchError::NoRemote))
}

/// Fetches the branch from another node's listener, to [`crate::repo::PEER`].
///
/// # Errors
/// When nothing comes from there.
pub fn fetch_from_node(
    url: &str,
    branch: &str,
    paths: &Paths,
    bounds: &Bounds,
) -> Result<Fetched, FetchError> {
    fetch_one(&From { remote: url, branch, to: crate::repo::PEER, protocols: "http" }, paths, bounds)
}

/// What is fetched, from where and where to.
struct From<'a> {
    remote: &'a str,
    branch: &'a str,
    to: &'a str,
    /// What git may speak, as GIT_ALLOW_PROTOCOL has it: plain HTTP only inside the mesh.
    protocols: &'a str,
}

fn fetch_one(what: &From<'_>, paths: &Paths, bounds: &Bounds) -> Result<Fetched, FetchError> {
    let From { remote, branch, to, protocols } = *what;
    let from = format!("refs/heads/{branch}");
    if !git2::Reference::is_valid_name(&from) {
        return Err(FetchError::Branch(branch.to_owned()));
    }
    small_enough(paths, bounds)?;
    let mut child = Confined::new("git", &paths.state(), bounds.child);
    configure(&mut child, paths);
    child.command().env("GIT_ALLOW_PROTOCOL", protocols);
    let target = format!("+{from}:{to}");
    child.command().args([
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
    ]);
    child.command().args(["--", remote, &target]);
    let said =
        child.run(Vec::new()).map_err(|source| FetchError::Child { remote: remote.to_owned(), source });
    if !said.as_ref().is_ok_and(|said| said.success) {
        sweep(&paths.kept("repo.git/objects/pack"));
    }
    judge(remote, &from, &said?)?.map_or_else(|| small_enough(paths, bounds).map(|()| Fetched::Branch), Ok)
}

/// Returns nothing when the branch came.
fn judge(remote: &str, from: &str, said: &Said) -> Result<Option<Fetched>, FetchError> {
    // Source: git 2.39, remote.c: "couldn't find remote ref %s".
    match said.success {
        true => Ok(None),
        false if said.err.contains(&format!("couldn't find remote ref {from}")) => Ok(Some(Fetched::Nothing)),
        false => Err(FetchError::Refused { remote: remote.to_owned(), said: reason(&said.err) }),
    }
}

/// Returns the first line that says why; git's own last lines only advise.
fn reason(err: &str) -> String {
    let noise =
        ["Could not read from remote", "Please make sure", "and the repository exists", "Warning:", "@@@"];
    let lines = || err.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines().find(|line| !noise.iter().any(|noise| line.contains(noise)));
    let line = telling.or_else(|| lines().next()).unwrap_or("git said nothing");
    line.trim_start_matches("fatal: ").chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Nothing outside of this list configures git: no system or user file, no hook, no prompt, no other protocol.
fn configure(child: &mut Confined, paths: &Paths) {
    let settings = [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "credential.helper=",
        "protocol.version=2",
        "fetch.fsckObjects=true",
        // Always one pack, whose length the limit of a file bounds; never thousands of loose files.
        "fetch.unpackLimit=1",
        "gc.autoDetach=false",
        "maintenance.auto=true",
        "pack.threads=1",
        "core.packedGitWindowSize=32m",
        "core.packedGitLimit=256m",
        "http.followRedirects=false",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=30",
    ];
    for setting in settings {
        child.command().args(["-c", setting]);
    }
    let environment = [
        ("GIT_DIR", paths.kept("repo.git").to_string_lossy().into_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ("GIT_ASKPASS", "/bin/false".to_owned()),
        ("GIT_SSH_VARIANT", "ssh".to_owned()),
        ("GIT_SSH_COMMAND", ssh(paths)),
    ];
    child.command().envs(environment);
}

/// Returns the command line of ssh: no configuration, no agent, pinned host keys, the deploy key.
fn ssh(paths: &Paths) -> String {
    let quoted = |name: &str| format!("'{}'", paths.kept(name).to_string_lossy().replace('\'', "'\\''"));
    format!(
        "ssh -F /dev/null -oBatchMode=yes -oStrictHostKeyChecking=yes -oUserKnownHostsFile={}' '{} \
         -oGlobalKnownHostsFile=/dev/null -oIdentitiesOnly=yes -oIdentityAgent=none -oIdentityFile={} \
         -oConnectTimeout=10 -oServerAliveInterval=10 -oServerAliveCountMax=2 -oForwardAgent=no -oClearAllForwardings=yes",
        quoted(PINNED),
        quoted(ACCEPTED),
        quoted("deploy.key"),
    )
}

/// Keeps the host keys of an accepted commit for the next fetch; without them the pinned ones count alone.
pub fn keep_hosts(repo: &Repo, commit: &Oid, paths: &Paths) {
    let Ok(hosts) = repo.file(commit, ".knarr/known_hosts") else { return };
    let (path, hosts) = (paths.kept(ACCEPTED), hosts.unwrap_or_default());
    if fs::read(&path).unwrap_or_default() == hosts {
        return;
    }
    if let Err(error) = write_private(&path, &hosts) {
        tracing::warn!(%error, "the host keys of the commit are not kept");
    }
}

fn small_enough(paths: &Paths, bounds: &Bounds) -> Result<(), FetchError> {
    let size = size(&paths.kept("repo.git"));
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    if size <= bounds.total {
        return Ok(());
    }
    Err(FetchError::TooLarge { size: mib(size), most: mib(bounds.total) })
}

/// Returns the bytes of all files below a folder; what cannot be read counts as nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(one).sum()
}

/// Removes what a git that was killed left behind.
fn sweep(packs: &Path) {
    let Ok(entries) = fs::read_dir(packs) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp_")) {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, "a leftover of git stays");
        }
    }
}
