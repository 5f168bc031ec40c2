//! `make bench`: what Knarr promises of its speed, measured beside a peer in the same run, written to docs/benchmarks.md.
//!
//! Programs are those of the release profile that lie beside this one. A peer that is missing is said to be missing.
#![expect(clippy::print_stdout, reason = "the table is for a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot prepare its work has failed")]

mod app;
mod figure;
mod fleet;
#[path = "../../generator/tests/folder/mod.rs"]
mod folder;
mod lab;
mod lone;
#[path = "../../generator/tests/many/mod.rs"]
mod many;
mod mesh;
mod pass;
mod peers;
mod render;
mod repository;
mod scale;
mod seal;
mod sealed;

use figure::{Figure, machine, table};
use knarr_tests::Lab;
use std::path::Path;

/// The memory of `knarr`: one row calls what it calls.
#[cfg(target_env = "musl")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures one kind of work.
type Measure = fn(&peers::Peers) -> Vec<Figure>;

const WORK: [(&str, Measure); 9] = [
    ("seal", seal::measure),
    ("sealed", sealed::measure),
    ("mesh", mesh::measure),
    ("render", render::measure),
    ("scale", scale::measure),
    ("app", app::measure),
    ("pass", pass::measure),
    ("lab", lab::measure),
    ("lone", lone::measure),
];

/// Words of the command line choose some of the work: then the page stays as it is.
fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect(); // cargo says --bench
    let peers = peers::Peers::ready();
    let mut figures = Vec::new();
    for (name, measure) in WORK {
        if !words.is_empty() && !words.iter().any(|word| word == name) {
            continue;
        }
        println!("measuring: {name}");
        let measured = measure(&peers);
        for figure in &measured {
            println!("  {}", figure.row());
        }
        figures.extend(measured);
    }
    let text = format!("{HEAD}\n{}\n\n{}", machine(), table(&figures));
    println!("{text}");
    if words.is_empty() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        std::fs::write(page, text).unwrap();
    }
    if figures.iter().any(Figure::is_missed) {
        println!("a target is missed");
    }
}

/// Boots a lab, or says why this machine has none.
fn boot() -> Option<Lab> {
    Lab::boot().inspect_err(|missing| println!("the lab cannot boot: {missing}")).ok()
}

const HEAD: &str = "# Benchmarks

Written by `make bench`: static release builds as of `make dist`, peers measured in the same run on the same machine. Times are medians, with the
least and the most in brackets. Absolute times do not travel to other machines; ratios do, roughly. Programs that take milliseconds run twenty times in
a row, as in a shell's loop, in turn with their peer, five times over.

Rows of many machines are of repositories with so many agents and 100 apps of four objects, each size made anew; nothing is
cached between two runs. `render` of all begins without rendered/. Of 5,000 machines against 1,000, linear is 5 ×; a fifth more
is left to noise. An app's manifests begin without namespace and host, and are the same objects at the end, which is proven
before they are timed.
";
