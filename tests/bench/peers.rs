//! The programs beside which Knarr is measured; those of Python in an environment of their own, made once.

use std::path::PathBuf;
use std::process::Command;

const PYTHON: [&str; 2] = ["wg-meshconf==2.5.1", "ansible-core==2.19.14"];

/// Where the peers lie.
pub(crate) struct Peers {
    python: Option<PathBuf>,
    pub(crate) kubeseal: Option<PathBuf>,
    pub(crate) kustomize: Option<PathBuf>,
    pub(crate) helm: Option<PathBuf>,
}

impl Peers {
    /// Makes what is missing, as far as that can be had here.
    pub(crate) fn ready() -> Self {
        let cache = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/knarr");
        let python = cache.join("bench-python");
        let there = python.join("bin/ansible-pull").exists() || install(&python);
        let built =
            |words: &[&str], program: &str| Some(folder(words)?.join(program)).filter(|path| path.exists());
        Self {
            python: there.then_some(python),
            kubeseal: built(&["--where"], "programs/kubeseal"),
            kustomize: built(&["--bench", "--where"], "kustomize"),
            helm: built(&["--bench", "--where"], "helm"),
        }
    }

    /// Returns a program of the Python environment.
    pub(crate) fn python(&self, program: &str) -> Option<PathBuf> {
        Some(self.python.as_ref()?.join("bin").join(program)).filter(|path| path.exists())
    }
}

fn install(folder: &PathBuf) -> bool {
    let run = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))
        && run(Command::new(folder.join("bin/pip")).args(["install", "--quiet"]).args(PYTHON))
}

/// Returns the folder of real programs that the script names, if it can.
fn folder(words: &[&str]) -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/build");
    let output = Command::new(script).args(words).output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}
