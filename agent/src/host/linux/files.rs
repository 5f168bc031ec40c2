//! Files by system calls that follow no link of anybody but root.

use crate::host::Fault;
use crate::host::os::{Kind, Meta, Place};
use crate::host::path::parent;
use aws_lc_rs::digest::{Context, SHA256};
use knarr_node::name::{Digest, Hex};
use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

/// How many links a path may go through, as in the kernel.
const LINKS: usize = 40;

pub(super) fn stat(path: &str) -> Result<Option<Place>, Fault> {
    let Some((folder, name)) = place(path)? else { return Ok(None) };
    let Some(stat) = absent(fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW), path)? else {
        return Ok(None);
    };
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link(target(&folder, name, path)?),
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Kind::Other,
    };
    let meta = Meta { mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid };
    Ok(Some(Place { kind, meta }))
}

pub(super) fn read(path: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(Fault::io(path))?;
    Ok(bytes)
}

pub(super) fn names(path: &str) -> Result<Vec<String>, Fault> {
    let Some(folder) = open_folder(path)? else { return Ok(Vec::new()) };
    let entries = fs::Dir::read_from(folder).map_err(|e| fault(path, e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| fault(path, e))?;
        names.extend(
            entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | "..")).map(str::to_owned),
        );
    }
    Ok(names)
}

pub(super) fn make_folder(path: &str, mode: u32) -> Result<(), Fault> {
    let (folder, name) = found(path)?;
    match fs::mkdirat(&folder, name, Mode::from_raw_mode(mode)) {
        Ok(()) => {
            let new = open_within(&folder, name).map_err(|e| fault(path, e))?;
            fs::fchmod(new, Mode::from_raw_mode(mode)).map_err(|e| fault(path, e))
        }
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(fault(path, error)),
    }
}

pub(super) fn remove_folder(path: &str) -> Result<(), Fault> {
    let Some((folder, name)) = place(path)? else { return Ok(()) };
    match fs::unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(error) => Err(fault(path, error)),
    }
}

/// The file is private until it has its owners and its mode.
pub(super) fn write(path: &str, bytes: &[u8], meta: Meta) -> Result<(), Fault> {
    let (folder, name) = found(path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(|e| fault(path, e))?;
    let mut file = File::from(fd);
    file.write_all(bytes).map_err(Fault::io(path))?;
    let owners = (Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)));
    fs::fchown(&file, owners.0, owners.1).map_err(|e| fault(path, e))?;
    fs::fchmod(&file, Mode::from_raw_mode(meta.mode)).map_err(|e| fault(path, e))
}

/// Copies without holding the whole file in memory.
pub(super) fn copy(from: &str, to: &str, meta: Meta) -> Result<(), Fault> {
    write(to, &[], Meta::root(0o600))?;
    let (folder, name) = found(to)?;
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(folder, name, flags, Mode::empty()).map_err(|e| fault(to, e))?;
    let mut file = File::from(fd);
    io::copy(&mut open(from)?, &mut file).map_err(Fault::io(to))?;
    let owners = (Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)));
    fs::fchown(&file, owners.0, owners.1).map_err(|e| fault(to, e))?;
    fs::fchmod(&file, Mode::from_raw_mode(meta.mode)).map_err(|e| fault(to, e))?;
    file.sync_all().map_err(Fault::io(to))
}

pub(super) fn size(path: &str) -> Result<u64, Fault> {
    open(path)?.metadata().map(|file| file.len()).map_err(Fault::io(path))
}

pub(super) fn room(folder: &str) -> Result<u64, Fault> {
    let there = open_folder(folder)?.ok_or_else(|| fault(folder, Errno::NOENT))?;
    let disk = fs::fstatvfs(there).map_err(|e| fault(folder, e))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

pub(super) fn link(path: &str, to: &str) -> Result<(), Fault> {
    let (folder, name) = found(path)?;
    fs::symlinkat(to, folder, name).map_err(|e| fault(path, e))
}

pub(super) fn sync(path: &str) -> Result<(), Fault> {
    if path == "/" {
        let top = open_folder(path)?.ok_or_else(|| fault(path, Errno::NOENT))?;
        return fs::fsync(top).map_err(|e| fault(path, e));
    }
    let (folder, name) = found(path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = fs::openat(&folder, name, flags, Mode::empty());
    let fd = match opened {
        Err(Errno::LOOP) => open_folder(path)?.ok_or_else(|| fault(path, Errno::NOENT))?,
        other => other.map_err(|e| fault(path, e))?,
    };
    fs::fsync(fd).map_err(|e| fault(path, e))
}

pub(super) fn rename(from: &str, to: &str) -> Result<(), Fault> {
    let (folder, old) = found(from)?;
    let (_, new) = split(to);
    fs::renameat(&folder, old, &folder, new).map_err(|e| fault(to, e))
}

pub(super) fn remove(path: &str) -> Result<(), Fault> {
    let Some((folder, name)) = place(path)? else { return Ok(()) };
    match fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(fault(path, error)),
    }
}

/// Both names lie on one disk.
pub(super) fn link_hard(path: &str, second: &str) -> Result<(), Fault> {
    let ((old_folder, old), (new_folder, new)) = (found(path)?, found(second)?);
    fs::linkat(old_folder, old, new_folder, new, AtFlags::empty()).map_err(|e| fault(second, e))
}

pub(super) fn digest(path: &str) -> Result<Hex, Fault> {
    digest_of(open(path)?).map_err(Fault::io(path))
}

/// Returns the SHA-256 digest of all that `file` still gives.
pub fn digest_of(mut file: impl Read) -> io::Result<Hex> {
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest::of_sha256(context.finish().as_ref()).hex()),
            length => context.update(&piece[..length]),
        }
    }
}

/// A second name changes nothing of this; who writes and hides it is root, and may do anything.
pub(super) fn stamp(path: &str) -> Result<String, Fault> {
    let (folder, name) = found(path)?;
    let stat = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| fault(path, e))?;
    Ok(format!("{} {} {}.{}", stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec))
}

fn open(path: &str) -> Result<File, Fault> {
    let (folder, name) = found(path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(folder, name, flags, Mode::empty()).map(File::from).map_err(|e| fault(path, e))
}

/// A kernel parameter takes its value by one write.
pub(super) fn set(path: &str, value: &str) -> Result<(), Fault> {
    let mut file = File::options().write(true).open(path).map_err(Fault::io(path))?;
    file.write_all(format!("{value}\n").as_bytes()).map_err(Fault::io(path))
}

/// Returns the open folder above a path and the last part; none when there is no such folder.
fn place(path: &str) -> Result<Option<(OwnedFd, &str)>, Fault> {
    let (above, name) = split(path);
    Ok(open_folder(above)?.map(|folder| (folder, name)))
}

fn found(path: &str) -> Result<(OwnedFd, &str), Fault> {
    place(path)?.ok_or_else(|| fault(path, Errno::NOENT))
}

fn split(path: &str) -> (&str, &str) {
    (parent(path), path.rsplit_once('/').map_or(path, |(_, name)| name))
}

/// Opens a folder part by part. A link on the way counts only when it belongs to root; the very link that was
/// looked at is the one that is followed.
fn open_folder(path: &str) -> Result<Option<OwnedFd>, Fault> {
    let mut parts: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut way = vec![top(path)?];
    let mut links = 0;
    while let Some(part) = parts.pop() {
        match step(&mut way, &part) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let here = way.last().expect("the top is never popped");
                let Some(to) = roots_link(here, &part, path)? else { return Ok(None) };
                links += 1;
                if links > LINKS {
                    return Err(Fault::Circle(path.to_owned()));
                }
                if to.starts_with('/') {
                    way.truncate(1);
                }
                parts.extend(to.split('/').rev().map(str::to_owned));
            }
            Err(error) => return Err(fault(path, error)),
        }
    }
    Ok(way.pop())
}

fn step(way: &mut Vec<OwnedFd>, part: &str) -> Result<(), Errno> {
    match part {
        ".." if way.len() > 1 => drop(way.pop()),
        "" | "." | ".." => {}
        name => way.push(open_within(way.last().expect("the top is never popped"), name)?),
    }
    Ok(())
}

fn top(path: &str) -> Result<OwnedFd, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open("/", flags, Mode::empty()).map_err(|e| fault(path, e))
}

fn open_within(folder: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(folder, name, flags, Mode::empty())
}

/// Returns the target of root's link; none when there is no link but a file, which leads nowhere.
fn roots_link(folder: &OwnedFd, name: &str, path: &str) -> Result<Option<String>, Fault> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(folder, name, flags, Mode::empty()).map_err(|e| fault(path, e))?;
    let stat = fs::fstat(&fd).map_err(|e| fault(path, e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    if stat.st_uid != 0 {
        return Err(Fault::ForeignLink { path: path.to_owned(), link: name.to_owned() });
    }
    target(&fd, "", path).map(Some)
}

fn target(folder: &OwnedFd, name: &str, path: &str) -> Result<String, Fault> {
    let target = fs::readlinkat(folder, name, Vec::new()).map_err(|e| fault(path, e))?;
    target.into_string().map_err(|_| Fault::NotText(path.to_owned()))
}

fn absent<T>(result: Result<T, Errno>, path: &str) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(fault(path, error)),
    }
}

fn fault(path: &str, error: Errno) -> Fault {
    Fault::io(path)(error.into())
}
