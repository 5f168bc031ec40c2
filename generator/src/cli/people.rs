//! `knarr people`: who is here, who left, and what they could read.

mod changed;
mod list;
mod remove;

pub(super) use changed::{changed, of, whole};

use super::Done;
use crate::error::CliError;
use crate::ui::Ui;
use knarr_node::name::RepoPath;

/// List people, and remove who leaves
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Args),
    Remove(remove::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::List(_) => list::run(ui),
        Command::Remove(args) => remove::run(args, ui),
    }
}

/// Returns where a person's file lies.
fn path(name: &str) -> RepoPath {
    format!("people/{name}.yaml").parse().expect("a person's name is a file's name")
}
