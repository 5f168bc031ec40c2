//! knarrd itself: the version that the State's envelope names is tried by one pass of its own, and the one before comes
//! back unless that pass ends.
//!
//! All else of a machine is an item. This is not, because who would make it is what it replaces: so the program that
//! runs now is copied, and a unit of its own holds that copy ready until the new one has proven itself.

use crate::boot::{copy, installed};
use crate::child::{ChildError, Confined, Limits};
use crate::contact::{now, patience};
use crate::guard::BootTime;
use crate::host::digest_of;
use crate::identity::write_private;
use crate::paths::Paths;
use knarr_node::Item;
use knarr_node::causes::chain;
use knarr_node::item::{Artifact, Source};
use knarr_node::name::{AbsPath, Hex};
use knarr_node::report::Outcome;
use knarr_node::state::Envelope;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

const NAME: &str = "knarrd";
const UNIT: &str = "knarr-trial.service";
const DAEMON: &str = "knarrd.service";
const LIMITS: Limits = Limits { time: Duration::from_mins(1), memory: 1 << 30, file: 1 << 20 };

/// Another version of knarrd cannot be tried, or the one before cannot be put back.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// A file cannot be read or written.
    #[error("cannot exchange knarrd")]
    Io(#[from] io::Error),
    /// systemd does not answer.
    #[error("systemd cannot be asked")]
    Child(#[from] ChildError),
    /// systemd refuses.
    #[error("systemd refuses: {0}")]
    Systemd(String),
}

/// A version that has not finished a pass yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trial {
    /// Where it was put.
    program: AbsPath,
    /// What it is.
    sha256: Hex,
    /// Whether the version before could fetch the commits: then this one must, too.
    fetched: bool,
}

/// What the envelope says of knarrd on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// This is the version that is wanted, or none is named.
    Right,
    /// Another one is wanted.
    Other(Artifact),
    /// Another one is wanted that did not finish a pass here.
    Refused(String),
}

impl Own {
    /// Compares what `envelope` names for this kind of machine with the program that runs.
    ///
    /// # Errors
    /// When the program that runs cannot be read.
    pub fn of(envelope: &Envelope, paths: &Paths) -> io::Result<Self> {
        let Some(artifact) = artifact(envelope, std::env::consts::ARCH) else { return Ok(Self::Right) };
        if artifact.sha256 == *running()? {
            return Ok(Self::Right);
        }
        let refused = fs::read_to_string(refused(paths)).is_ok_and(|hex| hex == artifact.sha256.to_string());
        Ok(if refused { Self::Refused(envelope.version.clone()) } else { Self::Other(artifact) })
    }

    /// Returns the item that brings another version into the machine's store.
    pub fn item(&self) -> Option<Item> {
        if let Self::Other(artifact) = self { Some(Item::Artifact(artifact.clone())) } else { None }
    }

    /// Returns how a pass stands whose machine refused a version.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Right | Self::Other(_) => Outcome::Converged,
            Self::Refused(version) => Outcome::Stalled {
                why: format!(
                    "knarrd {version} did not finish a pass here; {} runs on",
                    env!("CARGO_PKG_VERSION")
                ),
                way_out: "git revert the commit that names it, or `knarrd retry` here".to_owned(),
            },
        }
    }
}

/// Returns the program that `envelope` names for machines of the kind `arch`, which is called as Rust does.
fn artifact(envelope: &Envelope, arch: &str) -> Option<Artifact> {
    let (sha256, word) = match arch {
        "x86_64" => (envelope.amd64.clone()?, "amd64"),
        "aarch64" => (envelope.arm64.clone()?, "arm64"),
        _ => return None,
    };
    let place = |place: &String| place.replace("{arch}", word).parse::<Source>().ok();
    let from = envelope.from.iter().filter_map(place).collect();
    Some(Artifact { name: NAME.parse().expect("it is a name"), sha256, from })
}

/// Returns the digest of the program that runs, which stays the same however long it does.
fn running() -> io::Result<&'static Hex> {
    static RUNNING: OnceLock<Hex> = OnceLock::new();
    if let Some(hex) = RUNNING.get() {
        return Ok(hex);
    }
    let hex = digest_of(File::open("/proc/self/exe")?)?;
    Ok(RUNNING.get_or_init(|| hex))
}

/// Settles a trial of the program that runs, which has just finished a pass.
///
/// # Errors
/// When the trial's notes stay; the version before comes back then.
pub fn finished(paths: &Paths, fetched: bool) -> io::Result<()> {
    let Some(trial) = trial(paths)?.filter(|trial| fetched || !trial.fetched) else { return Ok(()) };
    if trial.sha256 == *running()? { clear(paths) } else { Ok(()) }
}

/// Puts `artifact`, which lies in the store, in the place of the program that runs, and starts it.
///
/// # Errors
/// When it cannot be started; the program that runs stays then.
pub fn try_out(paths: &Paths, artifact: &Artifact, fetched: bool) -> Result<(), OwnError> {
    let program = installed()?;
    if Path::new(program.as_str()).starts_with(paths.state()) || trial(paths)?.is_some() {
        return Ok(());
    }
    let store = paths.kept("store").join(artifact.sha256.to_string());
    DirBuilder::new().recursive(true).mode(0o700).create(folder(paths))?;
    copy(Path::new("/proc/self/exe"), &before(paths))?;
    let trial = Trial { program, sha256: artifact.sha256.clone(), fetched };
    write_private(&note(paths), &serde_json::to_vec(&trial).expect("it is plain data"))?;
    let put = watch(paths).and_then(|()| Ok(copy(&store, Path::new(trial.program.as_str()))?));
    if let Err(error) = put {
        clear(paths)?;
        return Err(error);
    }
    tracing::info!("knarrd {} is tried; the one before comes back unless it finishes a pass", trial.sha256);
    systemctl(&["restart", "--no-block", DAEMON])
}

/// Starts the unit that waits for the end of the trial.
fn watch(paths: &Paths) -> Result<(), OwnError> {
    let deadline = now() + patience(paths);
    let mut child = Confined::new("systemd-run", Path::new("/"), LIMITS);
    child.command().args(["--quiet", "--collect", "--unit", UNIT]);
    child.command().args(["--description", "Puts knarrd back unless it finishes a pass", "--"]);
    child.command().arg(before(paths)).args(["trial", &deadline.to_string()]);
    said(child)
}

/// Waits for the end of the trial, and puts the program before back when there is none by `deadline`.
///
/// # Errors
/// When it cannot be put back.
pub fn stand(paths: &Paths, deadline: BootTime) -> Result<(), OwnError> {
    while now() < deadline {
        if trial(paths)?.is_none() {
            return Ok(());
        }
        sleep(Duration::from_millis(500).min(deadline.since(now())));
    }
    let Some(trial) = trial(paths)? else { return Ok(()) };
    tracing::warn!("knarrd {} finished no pass; the one before comes back", trial.sha256);
    write_private(&refused(paths), trial.sha256.to_string().as_bytes())?;
    put_back(paths)?;
    systemctl(&["reset-failed", DAEMON])?;
    systemctl(&["restart", DAEMON])
}

/// Puts the program before back, if one is on trial: also after a boot, for then nobody waits for its end.
///
/// # Errors
/// When it cannot be read or written.
pub fn put_back(paths: &Paths) -> io::Result<()> {
    let Some(trial) = trial(paths)? else { return Ok(()) };
    copy(&before(paths), Path::new(trial.program.as_str()))?;
    clear(paths)
}

/// Lets a version be tried again that did not finish a pass.
///
/// # Errors
/// When the note of it stays.
pub fn forgive(paths: &Paths) -> io::Result<()> {
    remove(&refused(paths))
}

fn trial(paths: &Paths) -> io::Result<Option<Trial>> {
    match fs::read(note(paths)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn clear(paths: &Paths) -> io::Result<()> {
    remove(&note(paths))?;
    remove(&before(paths))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn systemctl(words: &[&str]) -> Result<(), OwnError> {
    let mut child = Confined::new("systemctl", Path::new("/"), LIMITS);
    child.command().args(words);
    said(child)
}

fn said(child: Confined) -> Result<(), OwnError> {
    let said = child.run(Vec::new())?;
    if said.success { Ok(()) } else { Err(OwnError::Systemd(said.err)) }
}

fn folder(paths: &Paths) -> PathBuf {
    paths.kept("own")
}
fn note(paths: &Paths) -> PathBuf {
    folder(paths).join("trial.json")
}
fn before(paths: &Paths) -> PathBuf {
    folder(paths).join("before")
}
fn refused(paths: &Paths) -> PathBuf {
    folder(paths).join("refused")
}

/// Says in the log why a version is not tried; the pass was good all the same.
pub fn warn(tried: Result<(), OwnError>) {
    if let Err(error) = tried {
        tracing::warn!("knarrd stays as it is for now: {}", chain(&error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(sha256: &Hex) -> Envelope {
        Envelope {
            format: 1,
            version: "9.0.0".to_owned(),
            amd64: Some(sha256.clone()),
            arm64: Some(sha256.clone()),
            from: vec!["https://example.org/knarrd-{arch}".to_owned()],
        }
    }

    fn world(program: &str) -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        DirBuilder::new().recursive(true).create(super::folder(&paths)).unwrap();
        let program = folder.path().join(program);
        fs::write(&program, "the new one").unwrap();
        fs::write(before(&paths), "the one before").unwrap();
        let program = program.to_string_lossy().parse().unwrap();
        let trial = Trial { program, sha256: running().unwrap().clone(), fetched: true };
        fs::write(note(&paths), serde_json::to_vec(&trial).unwrap()).unwrap();
        (folder, paths)
    }

    fn other() -> Hex {
        "ab".repeat(32).parse().unwrap()
    }

    #[test]
    fn each_kind_of_machine_has_its_own_address() {
        let at = |arch| artifact(&envelope(&other()), arch).map(|artifact| artifact.from[0].to_string());
        assert_eq!(at("x86_64").unwrap(), "https://example.org/knarrd-amd64");
        assert_eq!(at("aarch64").unwrap(), "https://example.org/knarrd-arm64");
        assert_eq!(at("riscv64"), None);
    }

    #[test]
    fn the_program_that_runs_is_right_and_needs_no_download() {
        let (_folder, paths) = world("knarrd");
        assert_eq!(Own::of(&envelope(running().unwrap()), &paths).unwrap(), Own::Right);
        assert!(matches!(Own::of(&envelope(&other()), &paths).unwrap(), Own::Other(_)));
    }

    #[test]
    fn a_version_that_was_put_back_is_refused_until_it_is_forgiven() {
        let (_folder, paths) = world("knarrd");
        fs::write(refused(&paths), other().to_string()).unwrap();
        let own = Own::of(&envelope(&other()), &paths).unwrap();
        assert_eq!(own, Own::Refused("9.0.0".to_owned()));
        assert!(matches!(own.outcome(), Outcome::Stalled { .. }));
        forgive(&paths).unwrap();
        assert!(matches!(Own::of(&envelope(&other()), &paths).unwrap(), Own::Other(_)));
    }

    #[test]
    fn a_pass_without_fetch_proves_nothing_where_the_one_before_could_fetch() {
        let (_folder, paths) = world("knarrd");
        finished(&paths, false).unwrap();
        assert!(trial(&paths).unwrap().is_some());
        finished(&paths, true).unwrap();
        assert!(trial(&paths).unwrap().is_none() && !before(&paths).exists());
    }

    #[test]
    fn after_a_boot_in_the_middle_of_a_trial_the_one_before_is_back() {
        let (folder, paths) = world("knarrd");
        put_back(&paths).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("knarrd")).unwrap(), "the one before");
        assert!(trial(&paths).unwrap().is_none());
        put_back(&paths).unwrap();
    }
}
