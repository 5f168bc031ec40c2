//! Finds sealed Secrets: all of the repository, those of some paths, or the one that a name means.

use crate::cli::cluster_name;
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Entry, KEYS, Keyring, SealedFile};
use crate::sealing;
use crate::secrets::read_input;
use crate::spec;
use knarr_node::name::{ClusterName, RepoPath};
use std::path::{Path, PathBuf};

/// The most bytes that are read of a file outside the repository: as many as within.
const MOST: usize = 4 << 20;

/// A file of the repository with sealed Secrets.
pub(in crate::cli) struct Found {
    /// Where it is.
    pub(in crate::cli) path: RepoPath,
    /// What is in it.
    pub(in crate::cli) file: SealedFile,
}

/// Returns all files of the repository that hold sealed Secrets; the second list says which could not be read, and why.
pub(in crate::cli) fn all(repo: &Repo) -> Result<(Vec<Found>, Vec<String>), CliError> {
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for (path, bytes) in repo.inputs()?.files {
        let is_place = ["sealed/", "apps/"].iter().any(|folder| path.as_str().starts_with(folder));
        let Some(text) =
            std::str::from_utf8(&bytes).ok().filter(|text| is_place && text.contains("SealedSecret"))
        else {
            continue;
        };
        match SealedFile::read(text) {
            Ok(file) if file.entries.is_empty() => {}
            Ok(file) => found.push(Found { path, file }),
            Err(error) => broken.push(format!("{path}: {error}")),
        }
    }
    Ok((found, broken))
}

/// Returns those at or below paths, which are relative to the current folder.
///
/// # Errors
/// When a path is outside the repository, or nothing sealed is there.
pub(in crate::cli) fn at(repo: &Repo, paths: &[PathBuf]) -> Result<(Vec<Found>, Vec<String>), CliError> {
    let (found, broken) = all(repo)?;
    if paths.is_empty() {
        return Ok((found, broken));
    }
    let wanted = paths.iter().map(|path| within(repo, path)).collect::<Result<Vec<_>, _>>()?;
    let below = |there: &str, wanted: &str| {
        there
            .strip_prefix(wanted)
            .is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with('/'))
    };
    for (path, wanted) in paths.iter().zip(&wanted) {
        let there = found.iter().map(|found| found.path.as_str());
        let told = broken.iter().filter_map(|line| line.split(": ").next());
        if !there.chain(told).any(|there| below(there, wanted)) {
            return Err(CliError::user(format!("there is no sealed Secret at `{}`", path.display()))
                .help("knarr seal list"));
        }
    }
    let is_wanted = |there: &str| wanted.iter().any(|wanted| below(there, wanted));
    let broken = broken.into_iter().filter(|line| is_wanted(line.split(": ").next().unwrap_or_default()));
    let broken = broken.collect();
    Ok((found.into_iter().filter(|found| is_wanted(found.path.as_str())).collect(), broken))
}

/// Returns a path as it is from the top of the repository.
pub(in crate::cli) fn within(repo: &Repo, path: &Path) -> Result<String, CliError> {
    let outside = || {
        CliError::user(format!("`{}` is not in this repository", path.display())).help("name a file in it")
    };
    let full = std::fs::canonicalize(path).map_err(|error| {
        CliError::user(format!("cannot read `{}`: {error}", path.display())).help("knarr seal list")
    })?;
    let root = std::fs::canonicalize(repo.root()).map_err(|_| outside())?;
    let rest = full.strip_prefix(root).map_err(|_| outside())?;
    Ok(rest.to_str().ok_or_else(outside)?.to_owned())
}

/// Returns the file and the place in it of the one sealed Secret that a name means: `db`, or `shop/db`.
pub(in crate::cli) fn named(repo: &Repo, name: &str) -> Result<(Found, usize), CliError> {
    let is_it = |entry: &Entry| {
        let title = entry.sealed.title();
        title == name || (!name.contains('/') && entry.sealed.metadata.name.as_str() == name)
    };
    let mut fitting = Vec::new();
    let (found, broken) = all(repo)?;
    for found in found {
        let at: Vec<usize> = found
            .file
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_it(entry))
            .map(|(at, _)| at)
            .collect();
        fitting.extend(
            at.into_iter().map(|at| (Found { path: found.path.clone(), file: found.file.clone() }, at)),
        );
    }
    if fitting.len() > 1 {
        let titles = fitting.iter().map(|(found, at)| {
            let title = found.file.entries.get(*at).map(|entry| entry.sealed.title()).unwrap_or_default();
            format!("{title} in {}", found.path)
        });
        return Err(CliError::user(format!(
            "`{name}` means several: {}",
            titles.collect::<Vec<_>>().join(", ")
        ))
        .help("say which: NAMESPACE/NAME, or leave one of two files"));
    }
    fitting.pop().ok_or_else(|| match broken.first() {
        None => CliError::user(format!("there is no sealed Secret `{name}`"))
            .help("knarr seal list shows all; knarr seal makes one"),
        Some(broken) => CliError::user(format!("there is no sealed Secret `{name}`, but {broken}"))
            .help("correct it, or seal it again"),
    })
}

/// Whether a word means a file rather than a name.
pub(in crate::cli) fn is_file(word: &str) -> bool {
    word == "-" || [".yaml", ".yml", ".json"].iter().any(|suffix| word.ends_with(suffix))
}

/// Reads a file anywhere, or standard input.
pub(in crate::cli) fn file(word: &str) -> Result<SealedFile, CliError> {
    let shown = if word == "-" { "standard input".to_owned() } else { format!("`{word}`") };
    let bytes = read_input(Path::new(word), MOST + 1).map_err(|error| {
        CliError::user(format!("cannot read {shown}: {error}")).help("name a file with a SealedSecret")
    })?;
    let none = |why: &str| {
        CliError::user(format!("{shown} holds no SealedSecret{why}")).help("name a file that does")
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| none(": it is no text"))?;
    let file = SealedFile::read(text).map_err(|error| none(&format!(": {error}")))?;
    if bytes.len() > MOST || file.entries.is_empty() { Err(none("")) } else { Ok(file) }
}

/// Returns the keys that open: those of files, else the repository's with the operator's identity.
pub(in crate::cli) fn keys(repo: Option<&Repo>, files: &[PathBuf]) -> Result<Keyring, CliError> {
    match repo {
        Some(repo) if files.is_empty() => ours(repo),
        Some(_) | None => sealing::of_files(files),
    }
}

fn ours(repo: &Repo) -> Result<Keyring, CliError> {
    let ring = sealing::read(repo, &cluster(repo)?)?;
    ring.map(Keyring::from).ok_or_else(|| {
        CliError::user(format!("there is no `{KEYS}` to open with")).help("--recovery-private-key FILE")
    })
}

fn cluster(repo: &Repo) -> Result<ClusterName, CliError> {
    let path = "cluster.yaml".parse().expect("it is a path");
    let bytes = repo.read("cluster.yaml")?.unwrap_or_default();
    let cluster: Option<spec::Cluster> = spec::parse(&path, &bytes).ok();
    cluster_name(cluster.as_ref())
}
