//! A case as a repository of its own: the base, less what the case is without, and the case's files on top.

use crate::folder::copy;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases");
const IDENTITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/me.txt");

/// What `knarr check` says of a case.
pub(crate) const FINDINGS: &str = "findings.txt";
/// Files of the base, or folders with a slash at the end, that a case does not have.
const WITHOUT: &str = "without.txt";

/// Returns the folders of one kind of case, `invalid` or `valid`.
pub(crate) fn cases(kind: &str) -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> =
        fs::read_dir(format!("{CASES}/{kind}")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Returns the last part of a path.
pub(crate) fn name(case: &Path) -> &str {
    case.file_name().unwrap().to_str().unwrap()
}

/// Calls `each` with every case, on as many threads as there are processors; returns what it returned, by case.
pub(crate) fn all<T: Send>(cases: &[PathBuf], each: impl Fn(&Path) -> T + Sync) -> BTreeMap<String, T> {
    let threads = std::thread::available_parallelism().unwrap().get();
    let part = cases.len().div_ceil(threads);
    let each = &each;
    std::thread::scope(|scope| {
        let run = |cases: &'_ [PathBuf]| {
            cases.iter().map(|case| (name(case).to_owned(), each(case))).collect::<Vec<_>>()
        };
        let parts: Vec<_> = cases.chunks(part).map(|cases| scope.spawn(move || run(cases))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// A repository that vanishes.
pub(crate) struct Repository {
    folder: TempDir,
}

/// What a command said, as a terminal shows it, and how it ended.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) code: i32,
}

impl Repository {
    /// Returns the base, with what `knarr render` makes of it.
    pub(crate) fn base() -> Self {
        let base = Self { folder: tempfile::tempdir().unwrap() };
        copy(Path::new(CASES).join("base").as_path(), &base.root());
        let said = base.knarr("render");
        assert_eq!(said.code, 0, "the base is fine: {}", said.text);
        base
    }

    /// Lays a case over a copy of this one.
    pub(crate) fn with(&self, case: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let laid = Self { folder };
        copy(&self.root(), &laid.root());
        for path in without(case) {
            let path = laid.root().join(path);
            let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.unwrap_or_else(|error| panic!("{} is without {}: {error}", name(case), path.display()));
        }
        copy(case, &laid.root());
        for file in [FINDINGS, WITHOUT] {
            let _ = fs::remove_file(laid.root().join(file));
        }
        laid
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("harbor")
    }

    /// Runs a command of knarr that takes no argument, with nothing of this machine but its clock.
    pub(crate) fn knarr(&self, command: &str) -> Said {
        let mut knarr = Command::new(env!("CARGO_BIN_EXE_knarr"));
        knarr.env_clear().env("HOME", self.folder.path()).env("KNARR_IDENTITY", IDENTITY);
        let output = knarr.arg(command).current_dir(self.root()).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Said { text: err + &out, code: output.status.code().unwrap() }
    }

    /// Removes all that was rendered.
    pub(crate) fn unrender(&self) {
        fs::remove_dir_all(self.root().join("rendered")).unwrap();
    }

    /// Returns every file with its bytes, and every link with where it leads.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        read(&self.root(), &self.root(), &mut files);
        files
    }
}

fn without(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join(WITHOUT)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether a case says itself how its outputs lie there.
pub(crate) fn is_rendered(case: &Path) -> bool {
    case.join("rendered").exists() || without(case).iter().any(|path| path.starts_with("rendered/"))
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            read(root, &path, files);
            continue;
        }
        let bytes = if kind.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        files.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
    }
}
