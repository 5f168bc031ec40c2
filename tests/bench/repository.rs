//! A repository with one machine, as `knarr new` and `knarr node add` leave it, and knarr run in it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Returns a machine of the examples, without what is on it.
fn edge() -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/three-machines/nodes/edge.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let machine = text.split("\nhost:").next().unwrap_or_default();
    format!("{machine}\n")
}

/// A home with a clone in it.
pub(crate) struct Repository(TempDir);

impl Repository {
    /// Makes it with the knarr that lies beside this program.
    pub(crate) fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let home = repository.home();
        std::fs::create_dir_all(home.join(".ssh")).unwrap();
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.join(".ssh/id_ed25519"));
        assert!(keygen.status().unwrap().success());
        std::fs::write(home.join(".gitconfig"), "[user]\nname = me\nemail = me@example.org\n").unwrap();
        let words = ["new", "bench", "--domain", "bench.example", "--recovery", "kit.txt"];
        run(home, home, &words, Path::new("/dev/null"));
        std::fs::create_dir(repository.clone().join("nodes")).unwrap();
        std::fs::write(repository.clone().join("nodes/edge.yaml"), edge()).unwrap();
        repository.knarr(&["render"], Path::new("/dev/null"));
        repository
    }

    pub(crate) fn home(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn clone(&self) -> PathBuf {
        self.home().join("bench")
    }

    /// Runs knarr in the clone with a file as its standard input.
    pub(crate) fn knarr(&self, words: &[&str], input: &Path) {
        run(self.home(), &self.clone(), words, input);
    }

    /// Stages all that is there.
    pub(crate) fn stage(&self) {
        let status = command("git", self.home(), &self.clone()).args(["add", "--all"]).status();
        assert!(status.unwrap().success());
    }

    /// Runs knarr in the clone and returns the most memory that it had, in MiB.
    pub(crate) fn peak(&self, words: &[&str]) -> f64 {
        peak(command("python3", self.home(), &self.clone()), words)
    }
}

fn run(home: &Path, folder: &Path, words: &[&str], input: &Path) {
    let mut command = command(beside("knarr"), home, folder);
    command.args(words).stdin(File::open(input).unwrap()).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "{words:?}");
}

fn command(program: impl AsRef<OsStr>, home: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", home).env("XDG_CONFIG_HOME", home.join(".config"));
    command.env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
    command
}

/// Says the most memory that a program and its children had, in KiB. Source: getrusage(2), `ru_maxrss`.
const PEAK: &str = "import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)";

/// Has Python run knarr, and returns the most memory that it had, in MiB.
pub(crate) fn peak(mut python: Command, words: &[&str]) -> f64 {
    let output = python.args(["-c", PEAK]).arg(beside("knarr")).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().unwrap() / 1024.0
}

/// Returns a program of the same build: this one lies in `deps` below it.
pub(crate) fn beside(program: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().unwrap().parent().unwrap().join(program)
}
