//! A case as a repository of its own: the base, less what the case is without, and the case's files on top.

use crate::folder::copy;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

pub(crate) const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases");
pub(crate) const IDENTITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/me.txt");

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

/// Calls `each` with every case, on as many threads as there are processors; returns what it returned, in the same order.
pub(crate) fn all<T: Send>(cases: &[PathBuf], each: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().unwrap().get();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).map(|case| (at, case))
                } {
                    let of_case = each(case);
                    done.lock().unwrap().insert(at, of_case);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
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
        let laid = self.copied();
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

    /// Returns a copy.
    pub(crate) fn copied(&self) -> Self {
        let copied = Self { folder: tempfile::tempdir().unwrap() };
        copy(&self.root(), &copied.root());
        copied
    }

    /// Returns the folder that holds the repository.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the top folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("harbor")
    }

    /// Makes a folder beside the repository, with a file that nobody signed.
    pub(crate) fn outside(&self) -> PathBuf {
        let outside = self.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "{}\n").unwrap();
        outside
    }

    /// Runs a command that is killed when it takes over 200 MB of memory, two seconds of a processor, or a minute of waiting.
    /// What is not optimised gets four times as long.
    pub(crate) fn bounded(&self, command: &str) -> Said {
        let seconds = if cfg!(debug_assertions) { 8 } else { 2 };
        let limits = format!("ulimit -d 204800; ulimit -t {seconds}; exec timeout 60 \"$@\"");
        let mut knarr = Command::new("sh");
        knarr.args(["-c", &limits, "sh", env!("CARGO_BIN_EXE_knarr"), command]);
        self.said(&mut knarr)
    }

    /// Runs a command of knarr that takes no argument, with nothing of this machine but its clock.
    pub(crate) fn knarr(&self, command: &str) -> Said {
        self.run(&[command])
    }

    /// Runs a command of knarr.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.said(Command::new(env!("CARGO_BIN_EXE_knarr")).args(args))
    }

    fn said(&self, command: &mut Command) -> Said {
        command.env_clear().env("HOME", self.folder.path()).env("KNARR_IDENTITY", IDENTITY);
        let output = command.current_dir(self.root()).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Said { text: err + &out, code: output.status.code().unwrap_or(-1) }
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
