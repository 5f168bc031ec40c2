//! Where the journal's bytes lie: one file, or a simulated disk that crashes.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A place for bytes that outlives a crash.
pub trait Storage {
    /// Returns all bytes, or none when nothing was ever stored.
    fn read(&self) -> io::Result<Option<Vec<u8>>>;
    /// Adds bytes at the end; durable only after [`Storage::sync`].
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes all that was appended durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Swaps everything for `bytes`, durably: a crash leaves the old or the new.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A file of mode 0600.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    open: Option<File>,
}

impl FileStorage {
    /// Names the file; its folder exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), open: None }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        match &mut self.open {
            Some(file) => Ok(file),
            empty => Ok(empty.insert(File::options().append(true).open(&self.path)?)),
        }
    }
}

impl Storage for FileStorage {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open = None;
        let temporary = self.path.with_extension("new");
        let mut file: File = private(&temporary)?.into();
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

fn private(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    Ok(fd)
}
