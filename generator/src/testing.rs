//! Real repositories with real keys, for tests.

use crate::accept::commit;
use crate::git::Git;
use knarr_node::name::Oid;
use knarr_node::trust::SIGNERS;
use std::process::Command;
use tempfile::TempDir;

/// A clone in a folder of its own. Keys: `me` and `recovery` may sign, `stranger` may not.
pub(crate) struct Clone {
    pub(crate) folder: TempDir,
    pub(crate) git: Git,
}

impl Clone {
    /// Makes a repository without a commit, and the keys.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for key in ["me", "stranger", "recovery"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(folder.path().join(key));
            assert!(keygen.status().unwrap().success());
        }
        let git = Git::at(&folder.path().join("repo"));
        std::fs::create_dir(folder.path().join("repo")).unwrap();
        git.run(&["init", "-q", "--initial-branch=main"]).unwrap();
        for (key, value) in [
            ("user.name", "me"),
            ("user.email", "me@example.org"),
            ("gpg.format", "ssh"),
            ("core.hooksPath", "/dev/null"),
            ("commit.gpgsign", "false"),
        ] {
            git.set_config(key, value).unwrap();
        }
        let clone = Self { folder, git };
        clone.sign_as("me");
        clone
    }

    /// Makes a repository whose first commit names its signers.
    pub(crate) fn founded() -> Self {
        let clone = Self::empty();
        clone.signers(&[("me@example.org", "me"), ("recovery", "recovery")]);
        clone.commit("found", "me");
        clone
    }

    pub(crate) fn sign_as(&self, key: &str) {
        let path = self.folder.path().join(key);
        self.git.set_config("user.signingkey", path.to_str().unwrap()).unwrap();
    }

    pub(crate) fn line(&self, who: &str, key: &str) -> String {
        let public = std::fs::read_to_string(self.folder.path().join(format!("{key}.pub"))).unwrap();
        format!("{who} namespaces=\"git\" {}\n", public.trim())
    }

    pub(crate) fn signers(&self, all: &[(&str, &str)]) {
        let text: String = all.iter().map(|(who, key)| self.line(who, key)).collect();
        self.write(SIGNERS, &text);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("repo").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything, signed with a key.
    pub(crate) fn commit(&self, message: &str, key: &str) -> Oid {
        self.sign_as(key);
        self.git.run(&["add", "--all"]).unwrap();
        self.git.run(&["commit", "-q", "--allow-empty", "-S", "-m", message]).unwrap();
        self.sign_as("me");
        self.head()
    }

    /// Commits everything, unsigned.
    pub(crate) fn unsigned(&self, message: &str) -> Oid {
        self.git.run(&["add", "--all"]).unwrap();
        self.git.run(&["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", message]).unwrap();
        self.head()
    }

    pub(crate) fn head(&self) -> Oid {
        commit(&self.git, "HEAD").unwrap().unwrap()
    }
}
