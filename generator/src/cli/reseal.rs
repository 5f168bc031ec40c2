//! `knarr reseal`.

use super::seal::{certificate, each_shown, find};
use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Certificate, KeyId, Keyring, SealedFile, SealedSecret, Value};
use crate::ui::{Ui, counted};
use aws_lc_rs::rand::SystemRandom;
use find::Found;
use knarr_node::name::{DataKey, RepoPath};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Seal again with the newest key what older keys sealed
///
/// Works offline, with the key in secrets/sealing-keys.age, which your age identity opens. Values, scopes and all else in the
/// files stay; a value that the newest key sealed stays byte for byte. All files are written, or none: what does not open is
/// listed. No value is shown or written.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr reseal --all\n  knarr reseal sealed/shop apps/shop/db.sealed.yaml"
)]
pub(super) struct Args {
    /// Files and folders with sealed Secrets
    #[arg(value_name = "PATH", required_unless_present = "all", conflicts_with = "all")]
    paths: Vec<PathBuf>,
    /// All of the repository
    #[arg(long)]
    all: bool,
    /// A private key in PEM, or Secrets of the controller, in place of the repository's; can be repeated
    #[arg(long, value_name = "FILE")]
    recovery_private_key: Vec<PathBuf>,
}

/// A value by its places in the lists of files and Secrets.
struct Item<'a> {
    file: usize,
    entry: usize,
    sealed: &'a SealedSecret,
    key: &'a DataKey,
    text: &'a str,
}

/// What came of a value.
enum Came {
    /// The newest key sealed it.
    Stays,
    /// It was sealed again.
    Anew(String),
    /// It does not open.
    Refused(String),
}

/// What was done with a file, for programs.
#[derive(Serialize)]
pub(super) struct Row {
    path: RepoPath,
    values: usize,
    resealed: usize,
    opens_with: KeyId,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let to = certificate(&repo)?;
    let keys = find::keys(Some(&repo), &args.recovery_private_key)?;
    if args.recovery_private_key.is_empty() && !keys.has(&to.id) {
        return Err(CliError::user(format!(
            "nobody here could open what {} seals: its private key is missing",
            to.id
        ))
        .help(
            "put the certificate of a key that secrets/sealing-keys.age holds first in secrets/sealing.crt",
        ));
    }
    let rows = files(&repo, &args.paths, &keys, &to, ui)?;
    if ui.json() {
        ui.value(&rows);
    } else {
        report(&rows, &to, ui);
    }
    Ok(Done::Fine)
}

/// Seals again with `to` what other keys sealed in files at or below paths, or in all; all files are written, or none.
pub(super) fn files(
    repo: &Repo,
    paths: &[PathBuf],
    keys: &Keyring,
    to: &Certificate,
    ui: &Ui,
) -> Result<Vec<Row>, CliError> {
    let (found, mut wrong) = find::at(repo, paths)?;
    let items = items(&found);
    let came = sealed_again(&items, keys, to, ui);
    let mut new: Vec<Vec<SealedSecret>> = found
        .iter()
        .map(|found| found.file.entries.iter().map(|entry| entry.sealed.clone()).collect())
        .collect();
    let mut counts = vec![0; found.len()];
    for (item, came) in items.iter().zip(came) {
        match came {
            Came::Stays => {}
            Came::Refused(why) => wrong.push(told(&found, item, &why)),
            Came::Anew(text) => {
                counts[item.file] += 1;
                new[item.file][item.entry].spec.encrypted_data.insert(item.key.clone(), text);
            }
        }
    }
    let texts = texts(&found, &mut new, to, &mut wrong);
    all_or_none(&wrong, ui)?;
    repo.write_all(texts)?;
    Ok(found.iter().zip(counts).map(|(found, resealed)| row(found, resealed, to)).collect())
}

fn row(found: &Found, resealed: usize, to: &Certificate) -> Row {
    let values = found.file.entries.iter().map(|entry| entry.sealed.spec.encrypted_data.len()).sum();
    Row { path: found.path.clone(), values, resealed, opens_with: to.id.clone() }
}

fn items(found: &[Found]) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    for (file, there) in found.iter().enumerate() {
        for (entry, sealed) in there.file.entries.iter().map(|entry| &entry.sealed).enumerate() {
            let values = sealed.spec.encrypted_data.iter();
            items.extend(values.map(|(key, text)| Item { file, entry, sealed, key, text }));
        }
    }
    items
}

fn sealed_again(items: &[Item<'_>], keys: &Keyring, to: &Certificate, ui: &Ui) -> Vec<Came> {
    each_shown(&ui.progress("opening and sealing"), "value", items, |item| again(item, keys, to))
}

fn again(item: &Item<'_>, keys: &Keyring, to: &Certificate) -> Came {
    match keys.open(&item.sealed.label(), item.key, item.text) {
        Ok((id, _)) if *id == to.id => Came::Stays,
        Ok((_, value)) => anew(item, value, to),
        Err(error) => Came::Refused(error.to_string()),
    }
}

fn anew(item: &Item<'_>, value: Value, to: &Certificate) -> Came {
    let one = BTreeMap::from([(item.key.clone(), value)]);
    match to.seal(&item.sealed.label(), &one, &SystemRandom::new()) {
        Ok(mut sealed) => sealed.remove(item.key).map_or(Came::Stays, Came::Anew),
        Err(error) => Came::Refused(error.to_string()),
    }
}

fn told(found: &[Found], item: &Item<'_>, why: &str) -> String {
    let found = &found[item.file];
    let place = &found.file.entries[item.entry].place;
    format!("{}, {place} ({}): {why}", found.path, item.sealed.title())
}

/// Returns the new text of each file that changes.
fn texts<'a>(
    found: &'a [Found],
    new: &mut [Vec<SealedSecret>],
    to: &Certificate,
    wrong: &mut Vec<String>,
) -> Vec<(&'a RepoPath, String)> {
    let mut texts = Vec::new();
    for (found, new) in found.iter().zip(new) {
        let file: &SealedFile = &found.file;
        for (entry, new) in file.entries.iter().zip(new.iter_mut()) {
            if entry.sealed != *new || entry.sealed.sealed_by().is_some() {
                new.note(to);
            }
        }
        if file.entries.iter().zip(new.iter()).all(|(entry, new)| entry.sealed == *new) {
            continue;
        }
        match file.with(new) {
            Some(text) => texts.push((&found.path, text)),
            None => wrong.push(format!(
                "{}: the values cannot be put into it: write each on a line of its own",
                found.path
            )),
        }
    }
    texts
}

fn all_or_none(wrong: &[String], ui: &Ui) -> Result<(), CliError> {
    if wrong.is_empty() {
        return Ok(());
    }
    if ui.json() {
        ui.value(&wrong);
    } else {
        for line in wrong {
            ui.note(format_args!(" ✗ {line}"));
        }
    }
    Err(CliError::user(format!("{}: nothing was written", counted(wrong.len(), "mistake")))
        .help("knarr validate says for each value what is wrong; leave such files out by naming the others"))
}

/// Says what became of each file.
pub(super) fn report(rows: &[Row], to: &Certificate, ui: &Ui) {
    for Row { path, values, resealed, .. } in rows.iter().filter(|row| row.resealed > 0) {
        ui.done(format_args!("re-sealed {path}   {resealed} of {}", counted(*values, "value")));
    }
    let all: usize = rows.iter().map(|row| row.values).sum();
    let done: usize = rows.iter().map(|row| row.resealed).sum();
    ui.done(format_args!(
        "{} in {}: {done} re-sealed, {} as they were; all open with key {}",
        counted(all, "value"),
        counted(rows.len(), "file"),
        all - done,
        to.id
    ));
}
