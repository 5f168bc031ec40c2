//! A home folder of its own for each test: fixed names, nothing of the machine but its programs.

use crate::folder::copy;
use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A home folder that vanishes.
pub(crate) struct Home {
    folder: TempDir,
    /// Who opens the secrets: a file, where it is not the one in this home.
    identity: Option<String>,
}

pub(crate) const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");
const ATTRIBUTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cluster-repo-template/.gitattributes");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/three-machines");

impl Home {
    /// Makes a home with nothing in it, not even a name for git.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), identity: None }
    }

    fn new() -> Self {
        let home = Self { identity: Some(format!("{KEYS}/me.txt")), ..Self::empty() };
        let config = "[user]\n name = me\n email = me@example.org\n[init]\n defaultBranch = main\n[protocol \"file\"]\n allow = always\n";
        fs::write(home.path(".gitconfig"), config).unwrap();
        home
    }

    /// Makes a home with the example as a committed clone in `harbor`.
    pub(crate) fn with_example() -> Self {
        Self::with(EXAMPLE)
    }

    /// Makes a home with a folder as a committed clone in `harbor`.
    pub(crate) fn with(folder: &str) -> Self {
        let home = Self::new();
        copy(Path::new(folder), &home.path("harbor"));
        if !home.path("harbor/.gitattributes").exists() {
            fs::copy(ATTRIBUTES, home.path("harbor/.gitattributes")).unwrap();
        }
        home.git("harbor", &["init", "--quiet"]);
        home.git("harbor", &["add", "--all"]);
        home.git("harbor", &["commit", "--quiet", "-m", "example"]);
        ssh_key(&home);
        home.knarr("harbor", &["setup"]);
        home
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replacen(from, to, 1));
    }

    pub(crate) fn command(&self, folder: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(self.path(folder));
        command
            .env("HOME", self.folder.path())
            .env("USER", "Jo.Doe")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C");
        command.envs(self.identity.iter().map(|path| ("KNARR_IDENTITY", path)));
        command
    }

    pub(crate) fn git(&self, folder: &str, args: &[&str]) -> String {
        let output = self.command(folder, "git").args(args).assert().success().get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs git and returns how it ended.
    pub(crate) fn git_ends(&self, folder: &str, args: &[&str]) -> std::process::Output {
        self.command(folder, "git").args(args).output().unwrap()
    }

    /// Runs knarr and returns what a terminal would show, and the exit code when it is not 0.
    pub(crate) fn knarr(&self, folder: &str, args: &[&str]) -> String {
        let output = self.command(folder, env!("CARGO_BIN_EXE_knarr")).args(args).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        let code = output.status.code().unwrap();
        let exit = if code == 0 { String::new() } else { format!("exit {code}\n") };
        (out + &err + &exit).replace(self.folder.path().to_str().unwrap(), "~")
    }
}

fn ssh_key(home: &Home) {
    fs::create_dir_all(home.path(".ssh")).unwrap();
    let key = home.path(".ssh/id_ed25519");
    home.command(".", "ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "me@x1", "-f"])
        .arg(&key)
        .assert()
        .success();
}

pub(crate) fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
