//! What a machine does before its network comes up: the mesh and the table of the last proven pass, without git, D-Bus,
//! network or clock. It never decides anything, and a machine whose knarrd is dead boots into it all the same.

use crate::paths::Paths;
use knarr_node::name::AbsPath;
use knarr_node::{Act, Change, Id, Item, Owned, Seen};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The state of the last proven pass cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// A file cannot be read or written.
    #[error("cannot {verb} `{path}`")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is not what knarrd wrote.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl BootError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "run it as root, and look at `df -h /var/lib/knarr`",
            Self::Damaged { .. } => "rm /var/lib/knarr/proven/state.json, then `knarrd once`",
        }
    }
}

/// What a boot needs to know of the last proven pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Where knarrd itself was then: what a boot runs is a copy.
    pub program: AbsPath,
    /// The machine's network, in order.
    pub items: Vec<Item>,
}

impl Proven {
    /// Reads what [`remember`] wrote; none on a machine where no pass was proven yet.
    pub fn read(paths: &Paths) -> Result<Option<Self>, BootError> {
        let path = paths.kept(STATE);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|source| BootError::Damaged { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(BootError::Io { verb: "read", path, source }),
        }
    }
}

const FOLDER: &str = "proven";
const STATE: &str = "proven/state.json";
/// The copy of knarrd that knarr-boot.service runs: what replaces the installed one cannot cut the machine off.
const PROGRAM: &str = "proven/knarrd";

/// Remembers durably what the next boot makes, after a pass whose network was proven; the same again writes nothing.
pub fn remember(paths: &Paths, items: &[Item]) -> Result<(), BootError> {
    write(paths, items.iter().filter(|item| is_made(&item.id())).cloned().collect())
}

/// Remembers what the next boot makes, after these changes of a pass that was taken back.
pub fn follow(paths: &Paths, changes: &[Change]) -> Result<(), BootError> {
    let Some(Proven { mut items, .. }) = Proven::read(paths)? else { return Ok(()) };
    for change in changes.iter().filter(|change| is_made(change.id())) {
        items.retain(|item| item.id() != *change.id());
        items.extend(change.wanted().cloned());
    }
    // A tunnel needs its device.
    items.sort_by_key(|item| !matches!(item, Item::Table(_) | Item::Device(_)));
    write(paths, items)
}

fn write(paths: &Paths, items: Vec<Item>) -> Result<(), BootError> {
    let path = paths.kept(STATE);
    let failed = |source| BootError::Io { verb: "write", path: path.clone(), source };
    let proven = Proven { program: installed().map_err(failed)?, items };
    if Proven::read(paths).is_ok_and(|there| there.as_ref() == Some(&proven)) {
        return Ok(());
    }
    make_folder(paths).map_err(failed)?;
    let text = serde_json::to_vec(&proven).expect("items are plain data");
    crate::identity::write_private(&path, &text).map_err(failed)
}

/// Copies the knarrd that runs now to where the next boot finds it, after it did a whole pass; the same again copies
/// nothing.
pub fn keep_program(paths: &Paths) -> Result<(), BootError> {
    let path = paths.kept(PROGRAM);
    make_folder(paths)
        .and_then(|()| copy(Path::new("/proc/self/exe"), &path))
        .map_err(|source| BootError::Io { verb: "write", path, source })
}

/// Swaps in a copy, unless length and time say that it is there.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let meta = source.metadata()?;
    let time = meta.modified()?;
    if fs::metadata(to)
        .is_ok_and(|there| there.len() == meta.len() && there.modified().is_ok_and(|it| it == time))
    {
        return Ok(());
    }
    let new = to.with_extension("new");
    let mut file = File::create(&new)?;
    io::copy(&mut source, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    file.set_modified(time)?;
    file.sync_all()?;
    fs::rename(&new, to)?;
    File::open(to.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn make_folder(paths: &Paths) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(paths.kept(FOLDER))?;
    File::open(paths.state())?.sync_all()
}

/// Returns where knarrd lies, also when another file lies there meanwhile.
pub(crate) fn installed() -> io::Result<AbsPath> {
    let path = std::env::current_exe()?;
    let path = path.to_string_lossy();
    // Source: proc(5), /proc/pid/exe.
    let path = path.strip_suffix(" (deleted)").unwrap_or(&path);
    path.parse().map_err(io::Error::other)
}

/// Returns what is made at boot of the items of the last proven pass: what the kernel forgets and the machine is reached
/// by. A later pass may have given something up before it was proven: that is not made again, for nobody would own it.
pub fn restored(proven: &[Item], owned: &Owned) -> Vec<Item> {
    proven.iter().filter(|item| is_made(&item.id()) && owned.has(&item.id())).cloned().collect()
}

/// Whether a boot makes it.
pub fn is_made(id: &Id) -> bool {
    matches!(id, Id::Device(_) | Id::Peer(..) | Id::Address(..) | Id::Route(_) | Id::Table(_))
}

/// Makes each item so, in order, as far as that can be; returns what failed, and why.
pub fn make(host: &mut dyn Act, items: &[Item]) -> Vec<(Id, String)> {
    let differs = |host: &dyn Act, item: &Item| host.see(&item.id(), Some(item)) != Seen::Is(item.clone());
    let mut failed = Vec::new();
    for item in items {
        if differs(host, item)
            && let Err(error) = host.act(&Change::to(None, item.clone()))
        {
            failed.push((item.id(), error.why));
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_node::item::{HostsBlock, NftTable, Route};

    fn items() -> Vec<Item> {
        let route = Route { device: "knarr0".parse().unwrap(), to: "10.210.0.0/16".parse().unwrap() };
        vec![Item::Route(route), Item::Hosts(HostsBlock::default())]
    }

    #[test]
    fn what_was_proven_is_read_back_and_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        fs::create_dir_all(paths.state()).unwrap();
        assert_eq!(Proven::read(&paths).unwrap(), None);
        remember(&paths, &items()).unwrap();
        assert_eq!(Proven::read(&paths).unwrap().unwrap().items, items()[..1]);
        let written = || fs::metadata(paths.kept(STATE)).unwrap().modified().unwrap();
        let before = written();
        remember(&paths, &items()).unwrap();
        assert_eq!(written(), before);
        remember(&paths, &[]).unwrap();
        assert_eq!(Proven::read(&paths).unwrap().unwrap().items, []);
        fs::write(paths.kept(STATE), "{").unwrap();
        assert!(matches!(Proven::read(&paths), Err(BootError::Damaged { .. })));
        remember(&paths, &items()).unwrap();
        assert!(Proven::read(&paths).unwrap().is_some());
    }

    #[test]
    fn what_was_taken_back_is_not_made_at_boot() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        follow(&paths, &[Change::away(items()[0].clone())]).unwrap();
        assert_eq!(Proven::read(&paths).unwrap(), None);
        fs::create_dir_all(paths.state()).unwrap();
        remember(&paths, &items()).unwrap();
        let table = NftTable { name: "knarr".parse().unwrap(), text: String::new() };
        let back = [Change::away(items()[1].clone()), Change::to(None, Item::Table(table.clone()))];
        follow(&paths, &back).unwrap();
        let proven = Proven::read(&paths).unwrap().unwrap().items;
        assert_eq!(proven, [Item::Table(table), items()[0].clone()]);
        follow(&paths, &[Change::away(items()[0].clone())]).unwrap();
        assert_eq!(Proven::read(&paths).unwrap().unwrap().items.len(), 1);
    }

    #[test]
    fn a_copy_runs_and_is_made_anew_only_for_another_program() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "one").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o755);
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        let first = inode(&to);
        copy(&from, &to).unwrap();
        assert_eq!(inode(&to), first);
        fs::write(&from, "other").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "other");
    }

    #[test]
    fn what_nobody_owns_any_more_is_not_made() {
        let owned = Owned::of(&items()[..1]);
        assert_eq!(restored(&items(), &owned), items()[..1]);
        assert_eq!(restored(&items(), &Owned::default()), []);
    }
}
