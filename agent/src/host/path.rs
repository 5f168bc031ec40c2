//! Files and links: made beside their place, then put there by one rename.

use super::os::{Kind, Meta, Os};
use super::{Fault, Host};
use knarr_node::item::{Check, File, Link};
use knarr_node::name::{AbsPath, KeptName, Mode};
use knarr_node::{Body, Item, Seen};
use zeroize::Zeroizing;

/// What a place of the file system is to hold.
enum Content {
    File(Zeroizing<Vec<u8>>, Meta),
    Link(String),
}

impl<O: Os> Host<O> {
    pub(super) fn see_path(&self, path: &AbsPath, like: Option<&Item>) -> Result<Seen, Fault> {
        let Some(place) = self.os.stat(path.as_str())? else { return Ok(Seen::Absent) };
        let there = match place.kind {
            Kind::Folder => return Err(Fault::Folder(path.to_string())),
            Kind::Other => return Err(Fault::Special(path.to_string())),
            Kind::Link(to) => link(path, &to, unseen()),
            Kind::File => file(path, place.meta, unseen()),
        };
        match like {
            Some(like) if self.holds(path, like)? => Ok(Seen::Is(like.clone())),
            Some(_) | None => Ok(Seen::Is(there)),
        }
    }

    /// Whether a path holds exactly what an item says.
    fn holds(&self, path: &AbsPath, like: &Item) -> Result<bool, Fault> {
        let wanted = if let Item::File(file) = like {
            self.content(file)?
        } else if let Item::Link(link) = like {
            Content::Link(link.to.to_string())
        } else {
            return Ok(false);
        };
        match (content_at(&self.os, path.as_str())?, wanted) {
            (Some(Content::File(bytes, meta)), Content::File(wanted, as_wanted)) => {
                Ok(meta == as_wanted && bytes == wanted)
            }
            (Some(Content::Link(to)), Content::Link(wanted)) => Ok(to == wanted),
            (_, _) => Ok(false),
        }
    }

    /// Returns what a file is to hold. What was kept comes back with its owners, or as the link that it was.
    fn content(&self, file: &File) -> Result<Content, Fault> {
        let meta = Meta::root(file.mode.bits());
        match &file.body {
            Body::Text(text) => Ok(Content::File(Zeroizing::new(text.clone().into_bytes()), meta)),
            Body::Secret(name) => {
                let value = self.secrets.get(name).ok_or_else(|| Fault::NoSecret(name.clone()))?;
                Ok(Content::File(value.clone(), meta))
            }
            Body::Kept(name) => {
                let kept = self.kept_path(name);
                let content = content_at(&self.os, &kept)?.ok_or_else(|| missing(&kept))?;
                Ok(match content {
                    Content::File(bytes, was) => Content::File(bytes, Meta { mode: file.mode.bits(), ..was }),
                    Content::Link(to) => Content::Link(to),
                })
            }
        }
    }

    /// Copies what lies there into the kept folder, mode 0600 but with its owners, or as the link that it is.
    pub(super) fn keep_path(&mut self, path: &AbsPath, name: &KeptName) -> Result<Option<Item>, Fault> {
        let Seen::Is(_) = self.see_path(path, None)? else { return Ok(None) };
        let Some(content) = content_at(&self.os, path.as_str())? else { return Ok(None) };
        let kept = self.kept_path(name);
        self.make_private(&self.kept_folder())?;
        match content {
            Content::Link(to) => {
                swap_in_link(&mut self.os, &kept, &to)?;
                Ok(Some(link(path, &to, name.clone())))
            }
            Content::File(bytes, meta) => {
                swap_in(&mut self.os, &kept, &bytes, Meta { mode: 0o600, ..meta })?;
                Ok(Some(file(path, meta, name.clone())))
            }
        }
    }

    /// Makes a folder that only root may enter.
    pub(super) fn make_private(&mut self, folder: &str) -> Result<(), Fault> {
        if self.os.stat(folder)?.is_some() {
            return Ok(());
        }
        make_parents(&mut self.os, folder)?;
        self.os.make_folder(folder, 0o700)?;
        self.os.sync(parent(folder))
    }

    pub(super) fn put_file(&mut self, file: &File) -> Result<(), Fault> {
        let content = self.content(file)?;
        let path = file.path.as_str();
        match file.check {
            None => put(&mut self.os, path, &content),
            Some(Check::Sudoers) => put_checked_before(&mut self.os, path, &content),
            Some(Check::Sshd) => put_checked_after(&mut self.os, path, &content),
        }
    }
}

/// Puts a file in its place once its check accepts it.
fn put_checked_before(os: &mut impl Os, path: &str, content: &Content) -> Result<(), Fault> {
    let Content::File(bytes, meta) = content else { return put(os, path, content) };
    swap_in_if(os, path, bytes, *meta, |os, temporary| os.accepts(Check::Sudoers, temporary))
}

/// Puts a file in its place, and what was there back when the whole configuration is refused.
///
/// After a crash in between the journal takes it back, for nobody knows what the check would have said.
fn put_checked_after(os: &mut impl Os, path: &str, content: &Content) -> Result<(), Fault> {
    let before = content_at(os, path)?;
    put(os, path, content)?;
    let verdict = os.accepts(Check::Sshd, path);
    if verdict.is_err() {
        match &before {
            Some(before) => put(os, path, before)?,
            None => take_away(os, path)?,
        }
    }
    verdict
}

fn put(os: &mut impl Os, path: &str, content: &Content) -> Result<(), Fault> {
    match content {
        Content::File(bytes, meta) => swap_in(os, path, bytes, *meta),
        Content::Link(to) => swap_in_link(os, path, to),
    }
}

/// Puts a whole file in its place, durably.
pub(super) fn swap_in(os: &mut impl Os, path: &str, bytes: &[u8], meta: Meta) -> Result<(), Fault> {
    swap_in_if(os, path, bytes, meta, |_, _| Ok(()))
}

/// Puts a whole file in its place, durably, unless `check` refuses it where it was made.
pub(super) fn swap_in_if<O: Os>(
    os: &mut O,
    path: &str,
    bytes: &[u8],
    meta: Meta,
    check: impl FnOnce(&mut O, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let temporary = prepare(os, path)?;
    os.write(&temporary, bytes, meta)?;
    os.sync(&temporary)?;
    if let Err(refused) = check(os, &temporary) {
        os.remove(&temporary)?;
        return Err(refused);
    }
    os.rename(&temporary, path)?;
    os.sync(parent(path))
}

/// Puts a link in its place, durably.
pub(super) fn swap_in_link(os: &mut impl Os, path: &str, to: &str) -> Result<(), Fault> {
    let temporary = prepare(os, path)?;
    os.link(&temporary, to)?;
    os.rename(&temporary, path)?;
    os.sync(parent(path))
}

/// Removes a file or link, durably, and what a crash may have left beside it.
pub(super) fn take_away(os: &mut impl Os, path: &str) -> Result<(), Fault> {
    if os.stat(parent(path))?.is_none() {
        return Ok(());
    }
    os.remove(&temporary(path))?;
    os.remove(path)?;
    os.sync(parent(path))
}

pub(super) fn remove_if_there(os: &mut impl Os, path: &str) -> Result<(), Fault> {
    if os.stat(path)?.is_some() { os.remove(path) } else { Ok(()) }
}

/// Removes what a swap that did not end left beside `path`.
pub(super) fn remove_temporary(os: &mut impl Os, path: &str) -> Result<(), Fault> {
    remove_if_there(os, &temporary(path))
}

fn prepare(os: &mut impl Os, path: &str) -> Result<String, Fault> {
    make_parents(os, path)?;
    let temporary = temporary(path);
    os.remove(&temporary)?;
    Ok(temporary)
}

/// Makes a folder and those above it, as far as they are missing, durably.
pub(super) fn make_folders(os: &mut impl Os, path: &str) -> Result<(), Fault> {
    make_parents(os, &format!("{path}/"))
}

/// Makes the folders above a path that are missing, durably.
fn make_parents(os: &mut impl Os, path: &str) -> Result<(), Fault> {
    for (end, _) in path.match_indices('/').skip(1) {
        let folder = &path[..end];
        if os.stat(folder)?.is_none() {
            os.make_folder(folder, 0o755)?;
            os.sync(parent(folder))?;
        }
    }
    Ok(())
}

/// How names begin that are only there while a change is made.
const TEMPORARY: &str = ".knarr.";

/// Whether a name is one that a change leaves only when it does not end.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Returns the one name beside `path` under which its next content is made: a later try finds and replaces it.
///
/// The dots keep it out of sudoers.d, cron.d and the `*.conf` folders.
fn temporary(path: &str) -> String {
    format!("{}/{TEMPORARY}{:08x}", parent(path).trim_end_matches('/'), crc32fast::hash(path.as_bytes()))
}

/// Returns the folder above a path.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

fn content_at(os: &impl Os, path: &str) -> Result<Option<Content>, Fault> {
    let Some(place) = os.stat(path)? else { return Ok(None) };
    match place.kind {
        Kind::File => Ok(Some(Content::File(Zeroizing::new(os.read(path)?), place.meta))),
        Kind::Link(to) => Ok(Some(Content::Link(to))),
        Kind::Folder => Err(Fault::Folder(path.to_owned())),
        Kind::Other => Err(Fault::Special(path.to_owned())),
    }
}

fn file(path: &AbsPath, meta: Meta, name: KeptName) -> Item {
    let mode = Mode::of_bits(meta.mode);
    Item::File(File { path: path.clone(), mode, check: None, body: Body::Kept(name) })
}

/// Returns a link as an item; one with a relative target is only known by what was kept.
fn link(path: &AbsPath, to: &str, name: KeptName) -> Item {
    match to.parse() {
        Ok(to) => Item::Link(Link { path: path.clone(), to }),
        Err(_) => file(path, Meta::root(0o777), name),
    }
}

/// The name for bytes that were seen, and not kept: no byte of the machine gets into a plan.
fn unseen() -> KeptName {
    "0-0".parse().expect("two numbers joined by a hyphen")
}

fn missing(path: &str) -> Fault {
    Fault::io(path)(std::io::ErrorKind::NotFound.into())
}
