//! `knarr sealing-key remove`: once nothing needs a retired key any more, and not before.

use super::{Here, day, find};
use crate::cli::Done;
use crate::error::CliError;
use crate::git::{Found, History};
use crate::seal::{Entry, KeyId, Pair, Ring, SealedFile, SealingKey, is_sealed};
use crate::ui::Ui;

/// Remove a retired key, once nothing needs it any more
///
/// Tries every sealed value of the work tree, of all branches that this clone knows, and of the commits of this branch,
/// newest first, and says since which commit none of them needs the key. With the next `knarr ship` the cluster loses it too:
/// what was sealed with it, and is in older commits only, opens nowhere then.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr sealing-key remove SHA256:2b7\n  knarr sealing-key remove SHA256:2b7 --yes"
)]
pub(super) struct Args {
    /// The key: its fingerprint, or how that begins
    key: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What is removed, for programs.
#[derive(serde::Serialize)]
struct Row<'a> {
    removed: &'a KeyId,
    /// The last commit of this branch that needs it.
    needed_by: Option<&'a str>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let here = Here::open(ui)?;
    let mut ring = here.ring()?;
    let old = retired(&ring, &args.key)?;
    let id = old.id().clone();
    unneeded(&here, old)?;
    let last = {
        let _progress = ui.progress("trying what earlier commits hold");
        last(&here, old)?
    };
    let since = last.as_ref().map_or_else(|| "no commit of this branch needs it".to_owned(), said);
    if !ui.json() {
        ui.say(format_args!("{id}: {since}"));
    }
    let question = "Remove it? What it sealed opens nowhere after the next ship.";
    if !ui.assume(args.yes).ask(question)? {
        return Err(CliError::user("nothing was changed").help("knarr sealing-key remove --yes"));
    }
    drop(ring.take(&id));
    here.keep(&ring)?;
    if ui.json() {
        ui.value(&Row { removed: &id, needed_by: last.as_ref().map(|found| found.commit.as_str()) });
    }
    ui.done(format_args!("{id} is gone; next: knarr ship"));
    Ok(Done::Fine)
}

fn said(last: &Found) -> String {
    let short = last.commit.get(..12).unwrap_or(&last.commit);
    format!("last needed in commit {short} of {}, by {}", day(last.at), last.path)
}

fn retired<'a>(ring: &'a Ring, wanted: &str) -> Result<&'a Pair, CliError> {
    let found = find(ring, wanted)?;
    if found.id() == ring.newest().id() {
        return Err(CliError::user(format!("{} is the key that seals", found.id()))
            .help("make a newer one first: knarr sealing-key rotate"));
    }
    Ok(found)
}

/// Refuses while the work tree or a branch needs the key.
fn unneeded(here: &Here, old: &Pair) -> Result<(), CliError> {
    let inputs = here.repo.inputs()?;
    if let Some(path) = inputs.files.iter().find(|(_, bytes)| needs(&old.key, bytes)).map(|(path, _)| path) {
        return Err(CliError::user(format!("`{path}` opens with this key only")).help("knarr reseal --all"));
    }
    let Some(history) = History::open(here.repo.root()) else { return Ok(()) };
    let Some((branch, path)) = history.branch_with(|bytes| needs(&old.key, bytes))? else { return Ok(()) };
    Err(CliError::user(format!("`{path}` of branch `{branch}` opens with this key only"))
        .help("land that branch, or delete it; then: knarr reseal --all"))
}

/// Returns the newest commit of this branch that needs the key.
fn last(here: &Here, old: &Pair) -> Result<Option<Found>, CliError> {
    let Some(history) = History::open(here.repo.root()) else { return Ok(None) };
    Ok(history.last_with(|bytes| needs(&old.key, bytes))?)
}

/// Whether this key opens one of the values that are sealed in a file.
fn needs(key: &SealingKey, bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok().filter(|_| is_sealed(bytes));
    let entries = text.and_then(|text| SealedFile::read(text).ok()).map(|file| file.entries);
    entries.into_iter().flatten().any(|Entry { sealed, .. }| {
        sealed.spec.encrypted_data.iter().any(|(name, text)| key.open_value(&sealed, name, text).is_ok())
    })
}
