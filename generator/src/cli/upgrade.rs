//! `knarr upgrade`: each program of which a version is pinned.

mod k3s;
mod knarr;
mod repo;

pub(super) use k3s::Wanted;

use super::Done;
use crate::error::CliError;
use crate::ui::Ui;

/// Pin another version in knarr.lock, or bring the repository's own files up to one
///
/// Machines change when that is shipped. Nothing is written when a step would not work.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    K3s(k3s::Args),
    Knarr(knarr::Args),
    Repo(repo::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::K3s(args) => k3s::run(args, ui),
        Command::Knarr(args) => knarr::run(args, ui),
        Command::Repo(args) => repo::run(args, ui),
    }
}
