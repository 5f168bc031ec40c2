//! The guard's own unit: it outlives knarrd, and takes a stage back that nobody proved in time.

use super::now;
use crate::child::{Confined, Limits, Said};
use crate::guard::{BootTime, settle_armed};
use crate::journal::{FileStorage, Journal, JournalError};
use crate::lock::{LockError, take};
use crate::paths::Paths;
use knarr_node::Act;
use knarr_node::causes::chain;
use knarr_node::name::AbsPath;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

const UNIT: &str = "knarr-guard.service";
const LIMITS: Limits = Limits { time: Duration::from_secs(20), memory: 1 << 30, file: 1 << 20 };
/// After the deadline knarrd itself has this time to take the stage back.
const GRACE: Duration = Duration::from_secs(4);
/// How long the guard waits for the lock of a pass that it has killed.
const LOCK: Duration = Duration::from_secs(30);

/// Starts the unit, from the copy of knarrd that was proven, or from `program` when there is none yet.
pub(super) fn arm(paths: &Paths, program: &AbsPath, deadline: BootTime) -> Result<(), String> {
    disarm();
    let proven = paths.kept("proven/knarrd");
    let program = if proven.exists() { proven } else { program.as_str().into() };
    let mut child = Confined::new("systemd-run", Path::new("/"), LIMITS);
    let words =
        ["--quiet", "--collect", "--unit", UNIT, "--description", "Takes back what cuts this machine off"];
    child.command().args(words).arg("--").arg(program).arg("guard");
    child.command().args([deadline.to_string(), std::process::id().to_string()]);
    match child.run(Vec::new()) {
        Ok(Said { success: true, .. }) => Ok(()),
        Ok(said) => Err(said.err),
        Err(error) => Err(chain(&error)),
    }
}

/// Ends the unit. One that stays finds nothing to do.
pub(super) fn disarm() {
    let mut child = Confined::new("systemctl", Path::new("/"), LIMITS);
    child.command().args(["stop", UNIT]);
    if let Err(error) = child.run(Vec::new()) {
        tracing::debug!(%error, "the guard's unit stays for now");
    }
}

/// What the guard's unit needs.
pub struct Standing<'a> {
    /// Where knarrd's files lie.
    pub paths: &'a Paths,
    /// Until when the stage must be settled.
    pub deadline: BootTime,
    /// The process that does the pass.
    pub pass: u32,
    /// Opens the machine.
    pub open: Box<dyn FnOnce() -> Result<Box<dyn Act>, String>>,
}

/// A guard that could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StandError {
    /// The pass holds on although it was killed.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal fails.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The machine cannot be opened.
    #[error("cannot open this machine: {0}")]
    Host(String),
    /// Something stays as the stage left it.
    #[error("not everything could be taken back: {0}")]
    Stays(String),
}

/// Waits until the stage must be settled, and takes it back when it is not: knarrd hangs, or is dead.
///
/// # Errors
/// What keeps it from doing so; systemd's journal shows it.
pub fn stand(standing: Standing<'_>) -> Result<(), StandError> {
    let Standing { paths, deadline, pass, open } = standing;
    while now() < deadline + GRACE {
        sleep(Duration::from_secs(1).min((deadline + GRACE).since(now())));
    }
    if Journal::look_armed(&journal(paths))?.is_none_or(|armed| armed > now()) {
        return Ok(());
    }
    tracing::warn!("a change of the network was not proven in time; it is taken back");
    end(pass);
    let _lock = take(paths, LOCK, || ())?;
    let mut host = open().map_err(StandError::Host)?;
    let settled = settle_armed(&mut *host, &mut Journal::open(Box::new(journal(paths)))?)?;
    let troubles = settled.into_iter().flat_map(|settled| settled.troubles);
    let stays: Vec<String> = troubles.map(|(id, why)| format!("{id}: {why}")).collect();
    if stays.is_empty() { Ok(()) } else { Err(StandError::Stays(stays.join("; "))) }
}

fn journal(paths: &Paths) -> FileStorage {
    FileStorage::new(paths.kept("journal"))
}

/// Ends the process of the pass, which systemd starts anew if it was the daemon.
fn end(pass: u32) {
    let program = std::fs::read_link(format!("/proc/{pass}/exe")).unwrap_or_default();
    let ours = program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("knarrd"));
    let pid = i32::try_from(pass).ok().and_then(Pid::from_raw).filter(|_| ours);
    // A process that is gone already needs no end.
    let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
}
