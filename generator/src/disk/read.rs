//! Reads the files of a repository, within bounds: no link is followed, nothing but a file is opened, nothing endless is read.

use super::{DiskError, Repo, UNFINISHED, io};
use knarr_node::name::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The most bytes that a file written by people may have.
const LARGEST: u64 = 1 << 20;
/// The most bytes of a file with Kubernetes objects: definitions of others come by the hundred.
pub const LARGEST_MANIFEST: u64 = 4 << 20;
/// The most bytes of a file that was rendered: a text may grow when it is quoted.
const LARGEST_RENDERED: u64 = 16 << 20;
/// The most files that are read: five times what five thousand machines have.
pub const MOST_FILES: usize = 25_000;
/// The most bytes that are read.
pub const MOST_BYTES: u64 = 64 << 20;

/// What people have at the top of a repository.
const FILES: [&str; 2] = ["cluster.yaml", "knarr.lock"];
/// Knarr's own folder there.
const KNARRS: &str = ".knarr";
pub(super) const FOLDERS: [&str; 7] = ["nodes", "peers", "people", "secrets", "host", "sealed", "apps"];

/// All files that people write, as they are.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Their bytes.
    pub files: BTreeMap<RepoPath, Vec<u8>>,
    /// Symbolic links, devices and alike where files are expected: not followed, not read.
    pub links: Vec<RepoPath>,
    /// Files where folders are expected.
    pub no_folders: Vec<RepoPath>,
    /// Folders without the files in them.
    pub folders: BTreeSet<RepoPath>,
    /// Files over 1 MiB, or 4 MiB of manifests, with their size in bytes: not read.
    pub large: Vec<(RepoPath, u64)>,
    /// Where reading stopped: there are more than [`MOST_FILES`], or [`MOST_BYTES`], in it.
    pub endless: Option<RepoPath>,
    /// What a program that was killed left: files that it did not finish, or did not put in their places.
    pub unfinished: Vec<RepoPath>,
    /// Names at the top that are those of Knarr's but for capitals.
    pub capitals: Vec<RepoPath>,
    /// Files outside Knarr's folders that may be Kubernetes objects: nothing comes of them.
    pub elsewhere: BTreeMap<RepoPath, Vec<u8>>,
}

impl Inputs {
    /// Returns a file as text, also one from outside Knarr's folders; none when it is missing or is no text.
    pub fn text(&self, path: &str) -> Option<&str> {
        let elsewhere = || self.elsewhere.get(&path.parse::<RepoPath>().ok()?).map(Vec::as_slice);
        self.get(path).or_else(elsewhere).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Returns a file's bytes; none when it is missing.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(&path.parse::<RepoPath>().ok()?).map(Vec::as_slice)
    }

    /// Returns the names of the files right in `folder`, without `suffix`, which they all have.
    pub fn names<'a>(&'a self, folder: &'a str, suffix: &'a str) -> impl Iterator<Item = &'a str> {
        let in_folder = move |path: &'a RepoPath| path.as_str().strip_prefix(folder)?.strip_prefix('/');
        let name = move |rest: &'a str| rest.strip_suffix(suffix).filter(|name| !name.contains('/'));
        self.files.keys().filter_map(in_folder).filter_map(name)
    }

    /// Returns what is there and was not read, because it is no file or too large.
    pub fn unread(&self) -> impl Iterator<Item = &RepoPath> {
        self.links.iter().chain(self.large.iter().map(|(path, _)| path))
    }
}

/// How a folder is read.
struct Reading<'a> {
    root: &'a Path,
    most: u64,
    /// Whether a name is one of a file to read; what is not is passed over.
    wanted: fn(&str) -> bool,
    /// How much was read.
    bytes: u64,
    inputs: &'a mut Inputs,
}

impl Repo {
    /// Reads all files that people write.
    pub fn inputs(&self) -> Result<Inputs, DiskError> {
        let mut inputs = Inputs { capitals: self.capitals()?, ..Inputs::default() };
        inputs.unfinished = self.unfinished()?;
        let mut reading = self.reading(LARGEST, &mut inputs);
        for file in FILES {
            reading.file(Path::new(file))?;
        }
        if reading.is_folder(Path::new(KNARRS))? {
            for file in ["known_hosts", "deploy.pub"] {
                reading.file(&Path::new(KNARRS).join(file))?;
            }
        }
        for folder in FOLDERS {
            reading.most = if ["apps", "sealed"].contains(&folder) { LARGEST_MANIFEST } else { LARGEST };
            reading.wanted = if folder == "apps" { is_manifest } else { |_| true };
            reading.folder_if_any(Path::new(folder))?;
        }
        inputs.folders_like_files();
        Ok(inputs)
    }

    /// Reads these files, and no others.
    pub fn files(&self, files: &[&str]) -> Result<Inputs, DiskError> {
        let mut inputs = Inputs::default();
        for file in files {
            self.within(Path::new(file))?;
            self.reading(LARGEST, &mut inputs).file(Path::new(file))?;
        }
        Ok(inputs)
    }

    /// Reads the manifests in an app's folder too; nothing when it is none below apps/.
    pub fn manifests(&self, folder: &str, inputs: &mut Inputs) -> Result<(), DiskError> {
        let Ok(path) = folder.trim_end_matches('/').parse::<RepoPath>() else { return Ok(()) };
        if path.as_str().starts_with("apps/") {
            let path = Path::new(path.as_str());
            self.within(path)?;
            let mut reading = self.reading(LARGEST_MANIFEST, inputs);
            reading.wanted = is_manifest;
            reading.folder_if_any(path)?;
        }
        Ok(())
    }

    /// Reads all files below rendered/, the list of outputs among them.
    pub fn rendered(&self) -> Result<Inputs, DiskError> {
        self.below(Path::new("rendered"), LARGEST_RENDERED)
    }

    /// Reads the files of people, and no others.
    pub fn people(&self) -> Result<Inputs, DiskError> {
        self.below(Path::new("people"), LARGEST)
    }

    fn below(&self, folder: &Path, most: u64) -> Result<Inputs, DiskError> {
        let mut inputs = Inputs::default();
        self.reading(most, &mut inputs).folder_if_any(folder)?;
        Ok(inputs)
    }

    fn reading<'a>(&'a self, most: u64, inputs: &'a mut Inputs) -> Reading<'a> {
        Reading { root: &self.root, most, wanted: |_| true, bytes: 0, inputs }
    }

    /// Finds what was left at the top and in Knarr's own folder.
    fn unfinished(&self) -> Result<Vec<RepoPath>, DiskError> {
        let mut left = Vec::new();
        for folder in ["", KNARRS] {
            let there = self.root.join(folder).symlink_metadata().is_ok_and(|meta| meta.is_dir());
            let names = if there { entries(&self.root.join(folder))? } else { Vec::new() };
            let paths =
                names.into_iter().map(|name| Path::new(folder).join(name)).filter(|path| is_unfinished(path));
            left.extend(paths.map(|path| repo_path(&path)).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(left)
    }

    /// Finds the names at the top that a clone on a disk without capitals would take for Knarr's.
    fn capitals(&self) -> Result<Vec<RepoPath>, DiskError> {
        let known = |name: &str| FILES.iter().chain(&FOLDERS).any(|known| *known == name);
        let alike = |name: &String| !known(name) && known(&name.to_lowercase());
        let names = entries(&self.root)?.into_iter().filter_map(|name| name.into_string().ok());
        let mut alike: Vec<RepoPath> = names.filter(alike).filter_map(|name| name.parse().ok()).collect();
        alike.sort();
        Ok(alike)
    }
}

impl Reading<'_> {
    /// Whether a folder is there; what is there instead is told.
    fn is_folder(&mut self, path: &Path) -> Result<bool, DiskError> {
        let Ok(meta) = std::fs::symlink_metadata(self.root.join(path)) else { return Ok(false) };
        if meta.is_file() {
            self.inputs.no_folders.push(repo_path(path)?);
        } else if !meta.is_dir() {
            self.inputs.links.push(repo_path(path)?);
        }
        Ok(meta.is_dir())
    }

    fn folder_if_any(&mut self, path: &Path) -> Result<(), DiskError> {
        if self.is_folder(path)? { self.folder(path) } else { Ok(()) }
    }

    fn folder(&mut self, path: &Path) -> Result<(), DiskError> {
        for entry in entries(&self.root.join(path))? {
            if self.inputs.endless.is_some() {
                return Ok(());
            }
            let path = path.join(entry);
            let full = self.root.join(&path);
            if std::fs::symlink_metadata(&full).map_err(io("read", &full))?.is_dir() {
                self.inputs.folders.insert(repo_path(&path)?);
                self.count(&path, 0)?;
                self.folder(&path)?;
            } else {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), DiskError> {
        if is_unfinished(path) {
            self.inputs.unfinished.push(repo_path(path)?);
            return Ok(());
        }
        let full = self.root.join(path);
        let Ok(meta) = std::fs::symlink_metadata(&full) else { return Ok(()) };
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let may_lead_to_a_folder = meta.is_symlink() && !file_name.contains('.');
        if !(self.wanted)(&file_name) && !may_lead_to_a_folder {
            return Ok(());
        }
        let name = repo_path(path)?;
        if !meta.is_file() {
            self.inputs.links.push(name);
        } else if meta.len() > self.most {
            self.inputs.large.push((name, meta.len()));
        } else if self.count(path, meta.len())? {
            self.inputs.files.insert(name, std::fs::read(&full).map_err(io("read", &full))?);
        }
        Ok(())
    }

    /// Counts what is read; whether it may be.
    fn count(&mut self, path: &Path, bytes: u64) -> Result<bool, DiskError> {
        self.bytes += bytes;
        let inputs = &mut *self.inputs;
        let many = inputs.files.len() + inputs.folders.len() > MOST_FILES;
        if many || self.bytes > MOST_BYTES {
            inputs.endless = Some(repo_path(path.parent().unwrap_or(path))?);
        }
        Ok(inputs.endless.is_none())
    }
}

impl Inputs {
    /// Tells of folders that have the name of a file.
    fn folders_like_files(&mut self) {
        let endings = [("nodes", ".yaml"), ("peers", ".yaml"), ("people", ".yaml"), ("secrets", ".age")];
        let like = |path: &&RepoPath| {
            let right_in = path.as_str().split_once('/').filter(|(_, name)| !name.contains('/'));
            right_in.is_some_and(|(folder, name)| {
                let ending = endings.iter().find(|(of, _)| *of == folder).map_or(".yaml", |(_, end)| end);
                name.ends_with(ending)
            })
        };
        self.links.extend(self.folders.iter().filter(like).cloned());
    }
}

pub(super) fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

pub(super) fn entries(folder: &Path) -> Result<Vec<std::ffi::OsString>, DiskError> {
    let read = || {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>()
    };
    read().map_err(io("read", folder))
}

fn repo_path(path: &Path) -> Result<RepoPath, DiskError> {
    let bad = || DiskError::Name(path.to_owned());
    path.to_str().ok_or_else(bad)?.parse().map_err(|_| bad())
}
