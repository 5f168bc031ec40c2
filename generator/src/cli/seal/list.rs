//! `knarr seal list`.

use super::super::open;
use super::Done;
use super::find::{self, Found};
use crate::error::CliError;
use crate::git::{First, History};
use crate::seal::{CERTIFICATE, Certificate, Scope, SealedSecret};
use crate::ui::Ui;
use knarr_node::name::{DataKey, RepoPath};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// List sealed values: scope, since when, and with which key; no value is shown
///
/// The key is what the file says; of a file that says nothing, as those of kubeseal, it is the one whose certificate stood in
/// secrets/sealing.crt when the value was committed (`?` behind it). Only `knarr validate` knows for sure.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  knarr seal list\n  knarr seal list sealed/shop --output json")]
pub(super) struct Args {
    /// Files and folders; otherwise all of the repository
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// A sealed value, for programs.
#[derive(Serialize)]
struct Row<'a> {
    secret: String,
    key: &'a DataKey,
    scope: Scope,
    path: &'a RepoPath,
    /// When it was first committed; none when it is not yet.
    since: Option<jiff::Timestamp>,
    commit: Option<String>,
    sealed_with: Option<String>,
    /// Whether the file says so, rather than git's history.
    said: bool,
    /// Whether the key that seals now sealed it; none when nobody can tell.
    current: Option<bool>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (found, broken) = find::at(&repo, &args.paths)?;
    for line in broken {
        ui.note(format_args!("note: {line}"));
    }
    let now = repo.read(CERTIFICATE)?.and_then(|pem| id(&pem));
    let history = History::open(repo.root());
    let firsts = firsts(history.as_ref(), &found)?;
    let mut certificates = BTreeMap::new();
    let mut rows = Vec::new();
    for (path, sealed, key, text) in values(&found) {
        let first = firsts.get(text);
        let said = sealed.sealed_by().map(str::to_owned);
        let is_said = said.is_some();
        let sealed_with = said.or_else(|| guessed(history.as_ref()?, first?, &mut certificates));
        let current = sealed_with.as_ref().zip(now.as_ref()).map(|(with, now)| with == now);
        rows.push(Row {
            secret: sealed.title(),
            key,
            scope: sealed.scope(),
            path,
            since: first.map(|first| first.at),
            commit: first.map(|first| first.commit.clone()),
            said: is_said,
            current,
            sealed_with,
        });
    }
    show(&rows, ui);
    Ok(Done::Fine)
}

type Valued<'a> = (&'a RepoPath, &'a SealedSecret, &'a DataKey, &'a str);

fn values(found: &[Found]) -> Vec<Valued<'_>> {
    let entries = found
        .iter()
        .flat_map(|found| found.file.entries.iter().map(move |entry| (&found.path, &entry.sealed)));
    let values = entries.flat_map(|(path, sealed)| {
        sealed.spec.encrypted_data.iter().map(move |(key, text)| (path, sealed, key, text.as_str()))
    });
    values.collect()
}

fn firsts(history: Option<&History>, found: &[Found]) -> Result<BTreeMap<String, First>, CliError> {
    let texts: BTreeSet<&str> = values(found).into_iter().map(|(_, _, _, text)| text).collect();
    Ok(history.map(|history| history.firsts(&["sealed", "apps"], &texts)).transpose()?.unwrap_or_default())
}

/// Returns the key whose certificate the commit had that brought a value.
fn guessed(
    history: &History,
    first: &First,
    certificates: &mut BTreeMap<String, Option<String>>,
) -> Option<String> {
    let read = || id(&history.file(&first.commit, CERTIFICATE)?);
    certificates.entry(first.commit.clone()).or_insert_with(read).clone()
}

fn id(pem: &[u8]) -> Option<String> {
    Some(Certificate::read(pem).ok()?.id.to_string())
}

fn show(rows: &[Row<'_>], ui: &Ui) {
    if ui.json() {
        ui.value(&rows);
        return;
    }
    let line = |row: &Row<'_>| {
        let since =
            row.since.map_or_else(|| "not committed".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
        let key = row
            .sealed_with
            .clone()
            .map_or_else(|| "?".to_owned(), |key| if row.said { key } else { key + "?" });
        let current = match row.current {
            None => "?",
            Some(true) => "newest key",
            Some(false) => "OLDER KEY",
        };
        let [key_name, scope, path] = [row.key.to_string(), row.scope.to_string(), row.path.to_string()];
        [row.secret.clone(), key_name, scope, since, current.to_owned(), key, path]
    };
    let lines: Vec<[String; 7]> = rows.iter().map(line).collect();
    ui.table(["SECRET", "KEY", "SCOPE", "SINCE", "SEALED BY", "FINGERPRINT", "FILE"], &lines);
}
