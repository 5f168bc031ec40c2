//! A disk whose names and contents reach it only when they are synced.

use knarrd::host::{Kind, Meta, Place};
use std::collections::BTreeMap;
use std::io;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A file, by its number.
    File(usize),
    Link(String),
    Folder(Meta),
}

/// A file: what programs see, and what would be left after the power went.
#[derive(Clone, Debug)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    meta: Meta,
}

#[derive(Clone, Default)]
pub(super) struct Disk {
    names: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    inodes: Vec<Inode>,
}

/// Folders that live in memory.
const MEMORY: [&str; 2] = ["/run/", "/proc/"];

impl Disk {
    pub(super) fn stat(&self, path: &str) -> Option<Place> {
        Some(match self.names.get(path)? {
            Node::File(number) => Place { kind: Kind::File, meta: self.inodes[*number].meta },
            Node::Link(to) => Place { kind: Kind::Link(to.clone()), meta: Meta::root(0o777) },
            Node::Folder(meta) => Place { kind: Kind::Folder, meta: *meta },
        })
    }

    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        match self.names.get(path)? {
            Node::File(number) => Some(self.inodes[*number].now.clone()),
            Node::Link(_) | Node::Folder(_) => None,
        }
    }

    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let below = |path: &String| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        self.names.keys().filter_map(below).filter(|name| !name.contains('/')).collect()
    }

    pub(super) fn any_below(&self, prefix: &str, word: &str) -> bool {
        let has = |path: &str| String::from_utf8_lossy(&self.read(path).unwrap_or_default()).contains(word);
        self.names.keys().any(|path| path.starts_with(prefix) && has(path))
    }

    pub(super) fn put(&mut self, path: &str, node: Node) -> io::Result<()> {
        if !self.names.contains_key(parent(path)) && parent(path) != "/" {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.names.insert(path.to_owned(), node);
        Ok(())
    }

    pub(super) fn write(&mut self, path: &str, bytes: &[u8], meta: Meta) -> io::Result<()> {
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.inodes.push(Inode { now: bytes.to_vec(), durable: Vec::new(), meta });
        self.put(path, Node::File(self.inodes.len() - 1))
    }

    pub(super) fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.inode(path).ok_or(io::ErrorKind::NotFound)?.now.extend(bytes);
        Ok(())
    }

    pub(super) fn sync(&mut self, path: &str) -> io::Result<()> {
        if let Some(inode) = self.inode(path) {
            inode.durable.clone_from(&inode.now);
            return Ok(());
        }
        if !self.names.contains_key(path) && path != "/" {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.durable.retain(|name, _| parent(name) != path);
        let now = self.names.iter().filter(|(name, _)| parent(name) == path);
        self.durable.extend(now.map(|(name, node)| (name.clone(), node.clone())));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let node = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        // What lies in a folder is named by the folder itself, so it is as durable as before.
        for names in [&mut self.names, &mut self.durable] {
            let below = |path: &String| Some(path.strip_prefix(from)?.starts_with('/'));
            let inner: Vec<String> = names.keys().filter(|path| below(path) == Some(true)).cloned().collect();
            for old in inner {
                let inner = names[&old].clone();
                names.insert(format!("{to}{}", &old[from.len()..]), inner);
            }
        }
        let gone = format!("{from}/");
        self.names.retain(|path, _| !path.starts_with(&gone));
        self.put(to, node)
    }

    pub(super) fn link_hard(&mut self, path: &str, second: &str) -> io::Result<()> {
        let node = self.names.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        self.put(second, node)
    }

    pub(super) fn stamp(&self, path: &str) -> Option<String> {
        match self.names.get(path)? {
            Node::File(number) => Some(format!("{number} {:?}", self.inodes[*number].now.len())),
            Node::Link(_) | Node::Folder(_) => None,
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.names.remove(path);
    }

    pub(super) fn unlink_for_good(&mut self, path: &str) {
        self.names.remove(path);
        self.durable.remove(path);
    }

    pub(super) fn remove_folder(&mut self, path: &str) {
        if self.names(path).is_empty() {
            self.names.remove(path);
        }
    }

    pub(super) fn flush(&mut self) {
        self.durable.clone_from(&self.names);
        for inode in &mut self.inodes {
            inode.durable.clone_from(&inode.now);
        }
    }

    /// Writes a file that is durable at once.
    pub(super) fn plant(&mut self, path: &str, bytes: &[u8], meta: Meta) {
        self.settle_folders(path);
        self.inodes.push(Inode { now: bytes.to_vec(), durable: bytes.to_vec(), meta });
        self.settle(path, Node::File(self.inodes.len() - 1));
    }

    pub(super) fn plant_link(&mut self, path: &str, to: &str) {
        self.settle_folders(path);
        self.settle(path, Node::Link(to.to_owned()));
    }

    pub(super) fn settle_folders(&mut self, path: &str) {
        for (end, _) in path.match_indices('/').skip(1) {
            self.settle(&path[..end], Node::Folder(Meta::root(0o755)));
        }
    }

    fn settle(&mut self, path: &str, node: Node) {
        self.names.insert(path.to_owned(), node.clone());
        self.durable.insert(path.to_owned(), node);
    }

    /// Loses what was not durable, and all that lives in memory.
    pub(super) fn lose(&mut self, names_survive: bool) {
        if !names_survive {
            self.names.clone_from(&self.durable);
        }
        self.names.retain(|path, _| !MEMORY.iter().any(|memory| path.starts_with(memory)));
        let names = self.names.clone();
        let rooted = |path: &str| {
            let folders = path.match_indices('/').skip(1).map(|(end, _)| &path[..end]);
            folders.into_iter().all(|folder| names.contains_key(folder))
        };
        self.names.retain(|path, _| rooted(path));
        self.durable.clone_from(&self.names);
        for inode in &mut self.inodes {
            inode.now.clone_from(&inode.durable);
        }
    }

    pub(super) fn everything(&self) -> BTreeMap<String, String> {
        let own = ["/var/lib/knarr/", "/run/", "/proc/"];
        let foreign = |path: &&String| !own.iter().any(|own| path.starts_with(own));
        let content = |path: &String| match &self.names[path] {
            Node::File(number) => {
                let inode = &self.inodes[*number];
                Some(format!("{:o} {}", inode.meta.mode, String::from_utf8_lossy(&inode.now)))
            }
            Node::Link(to) => Some(format!("-> {to}")),
            Node::Folder(_) => None,
        };
        self.names.keys().filter(foreign).filter_map(|path| Some((path.clone(), content(path)?))).collect()
    }

    fn inode(&mut self, path: &str) -> Option<&mut Inode> {
        match self.names.get(path)? {
            Node::File(number) => Some(&mut self.inodes[*number]),
            Node::Link(_) | Node::Folder(_) => None,
        }
    }
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}
