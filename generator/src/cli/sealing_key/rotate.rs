//! `knarr sealing-key rotate`: a newer key beside the others.

use super::{Here, Making};
use crate::cli::people::changed;
use crate::cli::{Done, reseal};
use crate::error::CliError;
use crate::seal::{CERTIFICATE, Certificate, KeyId, Ring, SEALING_KEYS};
use crate::ui::Ui;

/// Make a newer key, and seal everything again with it
///
/// The older ones stay, in the repository and in the cluster, so that what they sealed still opens, in older commits too; they seal
/// nothing more. With the next `knarr ship` the controller is given the new key and started again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr sealing-key rotate && knarr ship")]
pub(super) struct Args {}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let here = Here::open(ui)?;
    let ring = here.ring()?;
    let ring = if is_unfinished(&here, &ring)? { ring } else { newer(&here, ring, ui)? };
    here.keep(&ring)?;
    let to = Certificate::read(ring.newest().pem.as_bytes()).map_err(CliError::bug)?;
    changed(&here.repo, &|entry| entry == SEALING_KEYS, ui)?;
    let retired: Vec<KeyId> = ring.retired().iter().map(|pair| pair.id().clone()).collect();
    ui.done(format_args!("key {} seals from now on", to.id));
    let files = reseal::files(&here.repo, &[], &ring.into(), &to, ui)?;
    if ui.json() {
        ui.value(&serde_json::json!({ "seals": to.id, "retired": retired, "files": files }));
        return Ok(Done::Fine);
    }
    reseal::report(&files, &to, ui);
    ui.say("next: knarr ship");
    Ok(Done::Fine)
}

/// Whether a rotation was killed between the two files: then its key is taken, instead of one more.
fn is_unfinished(here: &Here, ring: &Ring) -> Result<bool, CliError> {
    let there = here.repo.read(CERTIFICATE)?.and_then(|pem| Certificate::read(&pem).ok());
    Ok(there.is_none_or(|first| first.id != *ring.newest().id()))
}

fn newer(here: &Here, ring: Ring, ui: &Ui) -> Result<Ring, CliError> {
    let made = Making::start().finish(&here.cluster, ui)?;
    let id = made.id().clone();
    let (ring, _) = ring.with(made.into());
    if *ring.newest().id() != id {
        let later = ring.newest();
        return Err(CliError::user(format!(
            "key {} seals from {} on, which is later than now",
            later.id(),
            later.certificate.since
        ))
        .help("set the clock of this machine; nothing was written"));
    }
    Ok(ring)
}
