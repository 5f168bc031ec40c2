//! `knarr doctor`.

use super::Done;
use crate::disk::Repo;
use crate::doctor::{Visit, examine};
use crate::error::CliError;
use crate::ui::Ui;

/// Check that this laptop, the repository and its origin can work together
///
/// Changes nothing; asks the origin over the network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr doctor")]
pub(super) struct Args {}

pub(super) fn run(_: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = Repo::open()?;
    let visit = {
        let _progress = ui.progress("asking git, ssh and age");
        examine(&repo)?
    };
    if ui.json() {
        ui.value(&visit);
    }
    for Visit { what, wrong, help } in &visit {
        match wrong {
            None => ui.done(what),
            Some(why) => {
                ui.wrong(format_args!("{what}: {why}"));
                ui.say(format_args!("     {help}"));
            }
        }
    }
    if visit.iter().all(|visit| visit.wrong.is_none()) { Ok(Done::Fine) } else { Err(CliError::told()) }
}
