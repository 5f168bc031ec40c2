//! Many Secrets: sealed in one run and by kubeseal one by one, checked, and sealed again with a newer key.

use crate::figure::{Figure, Target, Unit, Values};
use crate::folder::copy;
use crate::peers::Peers;
use crate::repository::Repository;
use crate::seal::kubeseal;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The most memory of either command, in MiB.
const MEMORY: f64 = 60.0;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let mut figures = sealed(peers);
    figures.extend(resealed());
    figures
}

/// Returns a Secret as kubectl writes it, with so many keys.
fn secret(number: usize, keys: usize) -> serde_json::Value {
    let data: serde_json::Map<_, _> =
        (0..keys).map(|key| (format!("key-{key}"), "aHVzaA==".into())).collect();
    let metadata = serde_json::json!({"name": format!("secret-{number:04}"), "namespace": "shop"});
    serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
}

/// Makes a repository and beside it a List of Secrets; returns its path too.
fn repository(secrets: usize, keys: usize) -> (Repository, String) {
    let repository = Repository::new();
    let file = repository.home().join("secrets.json");
    let items: Vec<_> = (0..secrets).map(|number| secret(number, keys)).collect();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&file, list.to_string()).unwrap();
    (repository, file.display().to_string())
}

fn knarr(repository: &Repository, words: &[&str]) {
    repository.knarr(words, Path::new("/dev/null"));
}

/// Puts aside all that is sealed. It is not removed: see `Fleet::unrender`.
fn aside(repository: &Repository) {
    let aside = tempfile::tempdir_in(repository.home()).unwrap().keep();
    fs::rename(repository.clone().join("sealed"), aside.join("sealed")).unwrap();
}

fn sealed(peers: &Peers) -> Vec<Figure> {
    let (repository, file) = repository(1000, 3);
    let words = ["seal", "-f", &file];
    let ours = Values::times_after(5, || aside(&repository), || knarr(&repository, &words));
    aside(&repository);
    let peak = Values::new(Unit::MiB, vec![repository.peak(&words)]);
    let peer = peers.kubeseal.as_ref().map(|program| one_by_one(program, &repository));
    knarr(&repository, &["render"]);
    let check = Values::times(9, || knarr(&repository, &["check"]));
    repository.stage();
    let staged = Values::times(9, || knarr(&repository, &["check", "--staged"]));
    vec![
        Figure {
            what: "1,000 Secrets of 3 keys sealed into new files in one run; kubeseal, called for each of them",
            ours,
            target: Target::AtMost(1.0),
            peer,
        },
        Figure {
            what: "1,000 Secrets of 3 keys sealed in one run, most memory",
            ours: peak,
            target: Target::AtMost(MEMORY),
            peer: None,
        },
        Figure { what: "`knarr check` of 1,000 sealed files", ours: check, target: Target::None, peer: None },
        Figure {
            what: "`knarr check --staged` of 1,000 staged sealed files: what a commit waits for",
            ours: staged,
            target: Target::AtMost(0.05),
            peer: None,
        },
    ]
}

/// Lets kubeseal seal the same, once: it takes its time.
fn one_by_one(program: &Path, repository: &Repository) -> (String, Values) {
    let certificate = repository.clone().join("secrets/sealing.crt");
    let folder = tempfile::tempdir_in(repository.home()).unwrap();
    let file = |number: usize, end: &str| folder.path().join(format!("{number}.{end}"));
    (0..1000).for_each(|number| fs::write(file(number, "json"), secret(number, 3).to_string()).unwrap());
    let began = Instant::now();
    (0..1000)
        .for_each(|number| kubeseal(program, &certificate, &file(number, "json"), &file(number, "yaml")));
    let times = vec![began.elapsed().as_secs_f64()];
    ("kubeseal v0.27.1".to_owned(), Values::new(Unit::Seconds, times))
}

fn resealed() -> Vec<Figure> {
    let (repository, file) = repository(250, 4);
    knarr(&repository, &["seal", "-f", &file]);
    let (there, old) = (repository.clone().join("sealed"), repository.home().join("old"));
    copy(&there, &old);
    knarr(&repository, &["sealing-key", "rotate"]);
    let again = || {
        aside(&repository);
        copy(&old, &there);
    };
    let words = ["reseal", "--all"];
    again();
    let ours = Values::times_after(3, again, || knarr(&repository, &words));
    again();
    let peak = Values::new(Unit::MiB, vec![repository.peak(&words)]);
    vec![
        Figure {
            what: "1,000 values in 250 files re-sealed by `knarr reseal --all`",
            ours,
            target: Target::AtMost(4.0),
            peer: None,
        },
        Figure {
            what: "1,000 values re-sealed, most memory",
            ours: peak,
            target: Target::AtMost(MEMORY),
            peer: None,
        },
    ]
}
