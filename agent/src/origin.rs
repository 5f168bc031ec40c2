//! Watches an origin on this machine itself: a commit there calls for a pass at once.

use crate::paths::Paths;
use crate::repo::{Repo, SEEN};
use knarr_node::name::Oid;
use knarr_node::state::Git;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Where commits come from, as far as that is here.
#[derive(Debug)]
pub struct Origin {
    branches: watch::Sender<Vec<Branch>>,
    called: Notify,
}

/// A branch of a repository on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Branch {
    folder: PathBuf,
    name: String,
}

impl Default for Origin {
    fn default() -> Self {
        Self { branches: watch::Sender::new(Vec::new()), called: Notify::new() }
    }
}

impl Origin {
    /// Takes where commits come from. Addresses of other machines are nothing to watch.
    pub fn is(&self, git: &[&Git]) {
        let mut branches: Vec<Branch> = Vec::new();
        for (remote, name) in
            git.iter().flat_map(|git| git.remotes.iter().map(|remote| (remote, &git.branch)))
        {
            let branch = local(remote).map(|folder| Branch { folder, name: name.clone() });
            branches.extend(branch.filter(|branch| !branches.contains(branch)));
        }
        self.branches.send_if_modified(|known| {
            let new = *known != branches;
            *known = branches;
            new
        });
    }

    /// Waits until there is a commit that was not fetched yet.
    pub async fn calls(&self) {
        self.called.notified().await;
    }

    /// Watches for ever. What cannot be watched is found by the timer.
    pub async fn watch(&self, paths: &Paths) {
        let mut branches = self.branches.subscribe();
        loop {
            let here = branches.borrow_and_update().clone();
            let stirred = Arc::new(Notify::new());
            let _watcher = watcher(&here, stirred.clone());
            tokio::select! {
                changed = branches.changed() => if changed.is_err() { return },
                () = self.call(&here, &stirred, paths) => {}
            }
        }
    }

    /// Calls for a pass whenever something stirred and a commit is new, for ever.
    async fn call(&self, branches: &[Branch], stirred: &Notify, paths: &Paths) {
        loop {
            stirred.notified().await;
            let (branches, paths) = (branches.to_vec(), paths.clone());
            let new = tokio::task::spawn_blocking(move || has_new(&branches, &paths)).await;
            if new.unwrap_or(true) {
                self.called.notify_one();
            }
        }
    }
}

/// Returns the repository's folder, if it is on this machine.
fn local(remote: &str) -> Option<PathBuf> {
    let path = Path::new(remote.strip_prefix("file://").unwrap_or(remote));
    let inside = path.join(".git");
    path.is_absolute().then(|| if inside.is_dir() { inside } else { path.to_owned() })
}

/// Makes a watcher of the folders where git writes refs; it lives as long as it is wanted.
fn watcher(branches: &[Branch], stirred: Arc<Notify>) -> Option<RecommendedWatcher> {
    if branches.is_empty() {
        return None;
    }
    // Reading is no change: a fetch of ours reads.
    let on_event = move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            stirred.notify_one();
        }
    };
    let made = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        for Branch { folder, .. } in branches {
            // packed-refs lies beside refs/.
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            watcher.watch(&folder.join("refs/heads"), RecursiveMode::Recursive)?;
        }
        Ok(watcher)
    });
    made.inspect_err(
        |error| tracing::warn!(%error, "a local origin cannot be watched; the timer finds its commits"),
    )
    .ok()
}

/// Whether a branch has another tip than what was fetched last. What cannot be read may have.
fn has_new(branches: &[Branch], paths: &Paths) -> bool {
    let seen = Repo::open(&paths.kept("repo.git")).and_then(|repo| repo.noted(SEEN)).ok().flatten();
    branches.iter().any(|Branch { folder, name }| {
        let tip = git2::Repository::open(folder)
            .and_then(|origin| origin.refname_to_id(&format!("refs/heads/{name}")));
        tip.map_or(true, |tip| Some(tip.to_string()) != seen.as_ref().map(Oid::to_string))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Duration;

    fn git(folder: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "me").env(format!("GIT_{who}_EMAIL"), "me@example.org");
        }
        assert!(git.status().unwrap().success(), "git {args:?}");
    }

    #[tokio::test]
    async fn a_push_to_a_local_origin_calls_for_a_pass_and_a_fetch_from_it_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, paths) = (folder.path(), Paths::below(folder.path().join("root")));
        std::fs::create_dir_all(paths.state()).unwrap();
        git(path, &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        git(path, &["clone", "-q", "origin.git", "clone"]);
        git(path, &["init", "-q", "--bare", paths.kept("repo.git").to_str().unwrap()]);
        let origin = Arc::new(Origin::default());
        let remote = format!("file://{}", path.join("origin.git").display());
        let git_of =
            Git { remotes: vec!["git@example.org:a.git".into(), remote.clone()], branch: "main".into() };
        origin.is(&[&git_of]);
        let watching = {
            let (origin, paths) = (origin.clone(), paths.clone());
            tokio::spawn(async move { origin.watch(&paths).await })
        };
        let soon = Duration::from_secs(20);
        for text in ["one", "two"] {
            git(&path.join("clone"), &["commit", "-q", "--allow-empty", "-m", text]);
            // The watch may begin after the first push; then the next one is told.
            let pushed = async {
                loop {
                    git(&path.join("clone"), &["push", "-q", "-f", "origin", "HEAD:main", "HEAD:other"]);
                    git(&path.join("clone"), &["push", "-q", "origin", ":other"]);
                    if tokio::time::timeout(Duration::from_secs(1), origin.calls()).await.is_ok() {
                        return;
                    }
                }
            };
            tokio::time::timeout(soon, pushed).await.expect("the push calls");
            git(&paths.kept("repo.git"), &["fetch", "-q", &remote, "+main:refs/knarr/seen"]);
        }
        assert!(!has_new(&[Branch { folder: path.join("origin.git"), name: "main".into() }], &paths));
        watching.abort();
    }
}
