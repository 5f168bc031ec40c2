//! Finds what may be Kubernetes objects anywhere in a repository, also where Knarr expects nothing: within the same bounds.

use super::Repo;
use super::read::{FOLDERS, Inputs, LARGEST_MANIFEST, MOST_BYTES, MOST_FILES, entries, is_unfinished};
use knarr_node::name::RepoPath;
use std::path::Path;

/// What one looks for, and where one does not look.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// Words that a file must have, all of them.
    pub words: &'a [&'a str],
    /// Whether git leaves a file, or all of a folder, out of commits.
    pub left_out: &'a dyn Fn(&Path) -> bool,
}

/// How far a search came.
struct Walk<'a> {
    root: &'a Path,
    search: Search<'a>,
    files: usize,
    bytes: u64,
    inputs: &'a mut Inputs,
}

impl Repo {
    /// Adds the YAML and JSON files that have all words, and lie neither in a folder of Knarr's nor where git looks away.
    /// What cannot be read is passed over: git could not commit it either.
    pub fn elsewhere(&self, search: Search<'_>, inputs: &mut Inputs) {
        Walk { root: &self.root, search, files: 0, bytes: 0, inputs }.folder(Path::new(""));
    }
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) {
        let names = entries(&self.root.join(folder)).unwrap_or_default();
        // The files of a repository within this one are no part of its commits.
        if !folder.as_os_str().is_empty() && names.iter().any(|name| name == ".git") {
            return;
        }
        for path in names.into_iter().map(|name| folder.join(name)) {
            if self.inputs.endless.is_some() {
                return;
            }
            if !is_knarrs(&path) {
                self.entry(&path);
            }
        }
    }

    fn entry(&mut self, path: &Path) {
        let Ok(meta) = self.root.join(path).symlink_metadata() else { return };
        if meta.is_dir() && !(self.search.left_out)(path) {
            self.count(path, 0);
            self.folder(path);
        } else if meta.is_file() && meta.len() <= LARGEST_MANIFEST && is_manifest(path) {
            self.count(path, meta.len());
            self.file(path);
        }
    }

    fn file(&mut self, path: &Path) {
        let (Some(name), Ok(bytes)) = (repo_path(path), std::fs::read(self.root.join(path))) else { return };
        if has_all(self.search.words, &bytes) && !(self.search.left_out)(path) {
            self.inputs.elsewhere.insert(name, bytes);
        }
    }

    fn count(&mut self, path: &Path, bytes: u64) {
        (self.files, self.bytes) = (self.files + 1, self.bytes + bytes);
        if self.files > MOST_FILES || self.bytes > MOST_BYTES {
            self.inputs.endless = path.parent().and_then(repo_path).or_else(|| repo_path(path));
        }
    }
}

/// Whether a file is text with all words.
pub fn has_all(words: &[&str], bytes: &[u8]) -> bool {
    let has = |word: &&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    !bytes.contains(&0) && words.iter().all(has)
}

/// Whether a file that lies in no folder of Knarr's may be Kubernetes objects, by its name.
pub fn is_elsewhere(path: &RepoPath) -> bool {
    let path = Path::new(path.as_str());
    let top = path.iter().next().unwrap_or_default();
    !is_knarrs(Path::new(top)) && !is_unfinished(path) && is_manifest(path)
}

/// Whether something at the top is read as what it is, was rendered, or is git's.
fn is_knarrs(path: &Path) -> bool {
    let name = path.as_os_str().to_string_lossy();
    FOLDERS.contains(&&*name) || ["rendered", ".git", "cluster.yaml"].contains(&&*name) || is_unfinished(path)
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending.as_str()))
}

/// Returns a path as findings name it; none when it is no text.
fn repo_path(path: &Path) -> Option<RepoPath> {
    path.to_str()?.parse().ok()
}
