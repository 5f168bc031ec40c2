//! What tests/cases and tests/corpus hold, given to the readers: none may panic, hang, or take as said what was not.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod readers;

use readers::{READERS, Reader, corpus};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// Names the reader that a process of its own is to try, so that a stack that overflows, and limits, are its own.
const READER: &str = "KNARR_READER";
/// The most memory, in bytes.
const MEMORY: u64 = 200 << 20;
/// The most time of a processor that one input takes. What is not optimised gets four times as long.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 8 } else { 2 });
/// The stack that the main thread of a program has.
const STACK: usize = 8 << 20;

#[test]
fn each_reader_answers_all_that_is_known_within_bounds() {
    if let Ok(name) = std::env::var(READER) {
        let reader = Reader::named(&name).unwrap();
        let thread = std::thread::Builder::new().stack_size(STACK);
        return thread.spawn(move || replay(reader)).unwrap().join().unwrap();
    }
    let next = Mutex::new(READERS.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(reader) = { next.lock().unwrap().next() } {
                    wrong.lock().unwrap().extend(tried(reader).err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lets a process of its own try a reader.
fn tried(reader: &Reader) -> Result<(), String> {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "each_reader_answers_all_that_is_known_within_bounds", "--nocapture"]);
    let output = process.env(READER, reader.name).env("RUST_BACKTRACE", "0").output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let last = out.lines().rfind(|line| line.starts_with("reads ")).unwrap_or("reads nothing").to_owned();
    Err(format!("{} {last}: {}\n{err}", reader.name, output.status))
}

#[expect(clippy::print_stdout, reason = "the last line says what a process did that was killed")]
fn replay(reader: Reader) {
    let inputs = reader.inputs();
    let mut seen = BTreeSet::new();
    setrlimit(Resource::Data, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).unwrap();
    for path in inputs {
        let bytes = fs::read(&path).unwrap();
        if seen.insert(bytes.clone()) {
            println!("reads {}", path.display());
            limit_time();
            (reader.read)(&bytes);
        }
    }
}

/// From now on this process may take [`TIME`], then it is killed.
fn limit_time() {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec.cast_unsigned();
    let limit = Rlimit { current: Some(used + 1 + TIME.as_secs()), ..getrlimit(Resource::Cpu) };
    setrlimit(Resource::Cpu, limit).unwrap();
}

#[test]
fn each_folder_of_the_corpus_has_a_reader_and_each_reader_has_inputs() {
    let any = Reader::named("words").unwrap().inputs();
    let any = any.iter().filter(|path| path.parent().unwrap().ends_with("any")).count();
    assert!(any >= 15, "{any} inputs hurt any reader");
    for reader in READERS {
        assert!(reader.inputs().len() > any, "{} has no inputs of its own", reader.name);
    }
    for folder in fs::read_dir(corpus()).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(name == "any" || Reader::named(&name).is_some(), "nobody reads tests/corpus/{name}");
    }
    let names: BTreeSet<&str> = READERS.iter().map(|reader| reader.name).collect();
    assert_eq!(names.len(), READERS.len(), "each has a name of its own");
}
