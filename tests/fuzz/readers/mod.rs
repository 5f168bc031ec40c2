//! Every reader of what others wrote, as a function of bytes: it may refuse them, and what it takes is what was said.
//!
//! `replay.rs` gives them what tests/cases and tests/corpus hold, `target.rs` what libFuzzer makes of it.

mod imports;
mod machine;
mod repository;
mod sealed;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// A reader, and where inputs of its kind lie.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    /// Its name, and that of its folder in tests/corpus.
    pub(crate) name: &'static str,
    /// Which other files are such inputs.
    seeds: Seeds,
    /// Reads bytes, and panics when it does so wrongly.
    pub(crate) read: fn(&[u8]),
}

/// Files below a folder of Knarr's repository: those whose path from there has this in it, and ends so.
type Seeds = &'static [(&'static str, &'static str, &'static str)];

/// Whole repositories of the tests.
const CASES: &str = "tests/cases";
/// A repository that is rendered.
const RENDERED: &str = "examples/three-machines/rendered";

/// All readers.
#[rustfmt::skip]
pub(crate) const READERS: &[Reader] = &[
    Reader { name: "app", seeds: &[(CASES, "/apps/", ".yaml")], read: repository::app },
    Reader { name: "authority", seeds: &[(CASES, "/secrets/", "-ca.crt")], read: repository::authority },
    Reader { name: "certificate", seeds: &[(CASES, "/secrets/", ".crt")], read: repository::certificate },
    Reader { name: "cluster", seeds: &[(CASES, "/cluster", ".yaml")], read: repository::cluster },
    Reader { name: "cluster-state", seeds: &[(RENDERED, "cluster", ".yaml")], read: machine::cluster_state },
    Reader { name: "deploy-key", seeds: &[("generator/tests/keys", "", ".txt")], read: repository::deploy_key },
    Reader { name: "enrolment", seeds: &[], read: machine::enrolment },
    Reader { name: "hosts", seeds: &[], read: machine::hosts },
    Reader { name: "import", seeds: &[("generator/tests/imports", "/list", "")], read: imports::import },
    Reader { name: "import-sources", seeds: &[], read: imports::sources },
    Reader { name: "journal", seeds: &[], read: machine::journal },
    Reader { name: "known-hosts", seeds: &[(RENDERED, "access/", "")], read: repository::known_hosts },
    Reader { name: "kubeconfig", seeds: &[], read: imports::kubeconfig },
    Reader { name: "lock", seeds: &[(CASES, "/knarr", ".lock")], read: repository::lock },
    Reader { name: "manifest", seeds: &[(CASES, "/apps/", ".yaml")], read: repository::manifest },
    Reader { name: "mesh", seeds: &[(RENDERED, "mesh", ".yaml")], read: machine::mesh },
    Reader { name: "name", seeds: &[], read: repository::name },
    Reader { name: "node", seeds: &[(CASES, "/nodes/", ".yaml")], read: repository::node },
    Reader { name: "owned", seeds: &[(RENDERED, "owned", ".yaml")], read: repository::owned },
    Reader { name: "peer", seeds: &[(CASES, "/peers/", ".yaml")], read: repository::peer },
    Reader { name: "person", seeds: &[(CASES, "/people/", ".yaml")], read: repository::person },
    Reader { name: "plan", seeds: &[(RENDERED, "", ".yaml")], read: repository::plan },
    Reader { name: "probe", seeds: &[("generator/tests/probes", "", "")], read: imports::probe },
    Reader { name: "report", seeds: &[], read: machine::report },
    Reader { name: "sealed", seeds: &[(CASES, "/sealed/", ".yaml")], read: repository::sealed },
    Reader { name: "sealed-file", seeds: &[(CASES, "/sealed/", ".yaml"), ("generator/tests/sealed", "", ".yaml")], read: sealed::file },
    Reader { name: "sealed-value", seeds: &[], read: sealed::value },
    Reader { name: "secret", seeds: &[(CASES, "/secrets/", ".age"), (RENDERED, "nodes/", ".age")], read: machine::secret },
    Reader { name: "secrets", seeds: &[], read: machine::secrets },
    Reader { name: "state", seeds: &[(RENDERED, "nodes/", ".yaml")], read: machine::state },
    Reader { name: "template", seeds: &[], read: imports::template },
    Reader { name: "text", seeds: &[(CASES, "/host/", "")], read: repository::text },
    Reader { name: "words", seeds: &[], read: words::words },
];

impl Reader {
    /// Returns the reader of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        READERS.iter().find(|reader| reader.name == name).copied()
    }

    /// Returns all inputs that are known: those of its kind, what was found, and what hurts any reader.
    pub(crate) fn inputs(self) -> Vec<PathBuf> {
        let mut inputs = Vec::new();
        for (folder, within, end) in self.seeds {
            let folder = top().join(folder);
            let fits = |path: &PathBuf| {
                let text = path.strip_prefix(&folder).ok().and_then(Path::to_str).unwrap_or_default();
                text.contains(within) && text.ends_with(end) && !text.ends_with("findings.txt")
            };
            inputs.extend(files(&folder).into_iter().filter(fits));
        }
        inputs.extend([self.name, "any"].iter().flat_map(|name| files(&corpus().join(name))));
        inputs
    }
}

/// Returns where the inputs of each reader lie.
pub(crate) fn corpus() -> PathBuf {
    top().join("tests/corpus")
}

/// Returns the top folder of Knarr's own repository: packages lie at different depths of it.
fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(|folder| folder.join("tests/corpus").is_dir()).expect("it has a corpus").to_owned()
}

/// Returns the files of a folder and those below it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.retain(|path| path.exists());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}

/// Proves that what was read says the same when it is written and read again.
fn same<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(read: &T, again: Result<T, E>) {
    assert_eq!(&again.expect("what was written can be read"), read, "what is read again is what was written");
}

/// Proves that a text for people says something, and is shown as it stands.
fn said(text: &str) {
    assert!(!text.trim().is_empty(), "a refusal says why, and what to type");
    let odd = text.chars().find(|c| c.is_control() && *c != '\n');
    assert!(odd.is_none(), "a terminal would obey {odd:?} in {text:?}");
}
