//! `knarr node`: machines come and go.

mod add;
pub(in crate::cli) mod announce;
mod file;
mod import;
mod refresh;
mod remove;
mod show;

pub(super) use file::{joined, proven};

use super::Done;
use crate::error::CliError;
use crate::ui::Ui;

/// Add, list, and remove machines
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    Import(import::Args),
    List(show::List),
    Show(show::Args),
    Refresh(refresh::Args),
    Remove(remove::Args),
    Forget(remove::Forget),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::Add(args) => add::run(args, ui),
        Command::Import(args) => import::run(args, ui),
        Command::List(_) => show::list(ui),
        Command::Show(args) => show::run(args, ui),
        Command::Refresh(args) => refresh::run(args, ui),
        Command::Remove(args) => remove::run(args, ui),
        Command::Forget(args) => remove::forget(args, ui),
    }
}
