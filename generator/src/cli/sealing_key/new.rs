//! `knarr sealing-key new`: for repositories that have none.

use super::{Here, Making};
use crate::cli::Done;
use crate::error::CliError;
use crate::seal::{CERTIFICATE, KEYS, Ring};
use crate::ui::Ui;

/// Make the sealing key of a repository that has none
///
/// `knarr new` makes one, so this is for older repositories. Writes secrets/sealing.crt, which seals, and
/// secrets/sealing-keys.age, which opens: encrypted to everybody who has `decrypt`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr sealing-key new && knarr seal db --namespace shop password -")]
pub(super) struct Args {}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let here = Here::open(ui)?;
    let ring = match unfinished(&here)? {
        Some(ring) => ring,
        None => Ring::from(Making::start().finish(&here.cluster, ui)?),
    };
    here.keep(&ring)?;
    let (id, count) = (ring.newest().id(), here.to.len());
    if ui.json() {
        ui.value(&serde_json::json!({ "key": id, "identities": count }));
    }
    ui.done(format_args!("wrote {CERTIFICATE} and {KEYS}: key {id}, which {count} identities can read"));
    Ok(Done::Fine)
}

/// Returns the key of a run that was killed between its two files.
///
/// # Errors
/// When the repository has a key: a second one beside it is another command's.
fn unfinished(here: &Here) -> Result<Option<Ring>, CliError> {
    let there = |path| here.repo.read(path).map(|file| file.is_some());
    match (there(KEYS)?, there(CERTIFICATE)?) {
        (false, false) => Ok(None),
        (true, false) => here.ring().map(Some),
        (_, true) => Err(CliError::user(format!("`{CERTIFICATE}` is there already")).help(
            "use it, for what was sealed opens only with the key that sealed it; a newer one beside it: knarr sealing-key rotate",
        )),
    }
}
