use super::*;
use std::process::Command;

/// A clone with a history of files.
struct Clone(tempfile::TempDir);

impl Clone {
    fn new() -> Self {
        let clone = Self(tempfile::tempdir().unwrap());
        clone.git(&["init", "-q", "-b", "main"]);
        clone
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(args).current_dir(self.0.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "me").env(format!("GIT_{who}_EMAIL"), "me@example.org");
        }
        let output = git.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits `text` as the file `path`.
    fn commit(&self, path: &str, text: &str) -> Oid {
        let file = self.0.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", text]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn repo(&self) -> Repo {
        Repo { git: Repository::open(self.0.path()).unwrap() }
    }
}

#[test]
fn a_folder_was_touched_by_the_last_commit_that_changed_anything_in_it() {
    let clone = Clone::new();
    let first = clone.commit("apps/shop/a", "one");
    let second = clone.commit("apps/shop/deep/b", "two");
    let other = clone.commit("motd", "three");
    let repo = clone.repo();
    assert_eq!(repo.touched(&other, "apps/shop", None).unwrap(), second);
    assert_eq!(repo.touched(&other, "apps/shop/a", None).unwrap(), first);
    assert_eq!(repo.touched(&other, "apps/none", None).unwrap(), first, "there never was such a folder");
}

#[test]
fn a_merge_touches_what_its_branch_did() {
    let clone = Clone::new();
    clone.commit("apps/shop/a", "one");
    clone.git(&["checkout", "-q", "-b", "side"]);
    clone.commit("apps/shop/a", "two");
    clone.git(&["checkout", "-q", "main"]);
    clone.commit("motd", "three");
    clone.git(&["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    let merged: Oid = clone.git(&["rev-parse", "HEAD"]).parse().unwrap();
    let last = clone.commit("motd", "four");
    assert_eq!(clone.repo().touched(&last, "apps/shop", None).unwrap(), merged);
}

#[test]
fn a_commit_that_is_followed_stays_while_the_folder_is_the_same_there() {
    let clone = Clone::new();
    let first = clone.commit("apps/shop/a", "one");
    let second = clone.commit("motd", "two");
    let third = clone.commit("apps/shop/a", "three");
    let repo = clone.repo();
    assert_eq!(repo.touched(&second, "apps/shop", Some(&second)).unwrap(), second);
    assert_eq!(repo.touched(&third, "apps/shop", Some(&second)).unwrap(), third);
    clone.git(&["checkout", "-q", "-b", "stray", first.as_str()]);
    let stray = clone.commit("other", "four");
    assert_eq!(repo.touched(&second, "apps/shop", Some(&stray)).unwrap(), first, "it is not in the history");
    assert_eq!(repo.touched(&second, "apps/shop", Some(&"0".repeat(40).parse().unwrap())).unwrap(), first);
}
