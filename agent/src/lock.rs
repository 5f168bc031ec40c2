//! One pass at a time on a machine.

use crate::paths::Paths;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The right to change this machine, until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// The lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file cannot be made or locked.
    #[error("cannot lock `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another pass took too long.
    #[error("another pass is still running after {} s", .0.as_secs())]
    Busy(Duration),
}

impl LockError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "run it as root",
            Self::Busy(_) => "systemctl status knarrd",
        }
    }
}

/// Takes the lock, and waits at most `patience` for another pass; `waiting` is called once when there is one.
pub fn take(paths: &Paths, patience: Duration, waiting: impl FnOnce()) -> Result<Lock, LockError> {
    let path = paths.run().join("lock");
    let io = |source| LockError::Io { path: path.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(paths.run()).map_err(io)?;
    let file = File::options().create(true).append(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => return Ok(Lock(file)),
        Err(TryLockError::Error(source)) => return Err(io(source)),
        Err(TryLockError::WouldBlock) => waiting(),
    }
    let (send, locked) = channel();
    // After a time-out the thread holds on until the other pass ends; then it gives the lock back at once.
    thread::spawn(move || send.send(file.lock().map(|()| file)));
    match locked.recv_timeout(patience) {
        Ok(file) => Ok(Lock(file.map_err(io)?)),
        Err(_) => Err(LockError::Busy(patience)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_pass_waits_for_the_first_one() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        let first = take(&paths, Duration::ZERO, || panic!("nobody else is here")).unwrap();
        assert!(matches!(take(&paths, Duration::from_millis(50), || ()), Err(LockError::Busy(_))));
        let (send, waits) = channel();
        let second = {
            let paths = paths.clone();
            thread::spawn(move || take(&paths, Duration::from_secs(20), || send.send(()).unwrap()).is_ok())
        };
        waits.recv().unwrap();
        drop(first);
        assert!(second.join().unwrap());
    }
}
