//! A repository with many machines and apps, on the base of tests/cases, and `knarr` run in it.

use crate::folder::copy;
use crate::many;
use crate::repository::{beside, peak};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/base");
const IDENTITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../generator/tests/keys/me.txt");

/// A home with a repository in it.
pub(crate) struct Fleet(TempDir);

impl Fleet {
    /// Makes it, renders it and commits it.
    pub(crate) fn of(machines: u16, apps: u16) -> Self {
        let fleet = Self(tempfile::tempdir().unwrap());
        copy(Path::new(BASE), &fleet.root());
        many::fill(&fleet.root(), machines, apps);
        fleet.knarr(&["render"]);
        fleet.git(&["init", "-q", "-b", "main"]);
        fleet.commit();
        fleet
    }

    /// Commits all that is there.
    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "all"]);
    }

    pub(crate) fn home(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.home().join("harbor")
    }

    /// Runs knarr.
    pub(crate) fn knarr(&self, words: &[&str]) {
        self.printed(words);
    }

    /// Runs knarr, which may say that there are changes, and returns what it prints.
    pub(crate) fn printed(&self, words: &[&str]) -> String {
        let output = self.command(beside("knarr")).args(words).output().unwrap();
        let is_fine = matches!(output.status.code(), Some(0 | 2));
        assert!(is_fine, "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs knarr and returns the most memory that it had, in MiB.
    pub(crate) fn peak(&self, words: &[&str]) -> f64 {
        peak(self.command("python3"), words)
    }

    /// Runs git and returns what it says.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        let output = self.command("git").args(words).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "git {words:?} fails");
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root()).env("HOME", self.home()).env("KNARR_IDENTITY", IDENTITY);
        command.stdin(Stdio::null());
        command
    }

    /// Puts aside all that was rendered. It is not removed: for seconds ext4 would look long for inodes that were not in use
    /// just now, and all that is written next would pay for it. Source: Linux v6.18, fs/ext4/ialloc.c, recently_deleted().
    pub(crate) fn unrender(&self) {
        let aside = tempfile::tempdir_in(self.home()).unwrap().keep();
        fs::rename(self.root().join("rendered"), aside.join("rendered")).unwrap();
    }

    /// Replaces a text that a file has once.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let full = self.root().join(path);
        let text = fs::read_to_string(&full).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{path} has `{old}` once");
        fs::write(&full, text.replace(old, new)).unwrap();
    }
}
