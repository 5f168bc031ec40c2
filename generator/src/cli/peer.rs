//! `knarr peer`: laptops and phones of people come and go.

mod add;
mod keep;
mod remove;
mod show;

use super::Done;
use crate::error::CliError;
use crate::ui::Ui;
use knarr_node::name::{PeerName, RepoPath};

/// Let laptops and phones into the mesh
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    List(show::List),
    Show(show::Args),
    Remove(remove::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::Add(args) => add::run(args, ui),
        Command::List(_) => show::list(ui),
        Command::Show(args) => show::run(args, ui),
        Command::Remove(args) => remove::run(args, ui),
    }
}

/// Returns where a device's file lies.
fn path(name: &PeerName) -> RepoPath {
    format!("peers/{name}.yaml").parse().expect("a device's name is a file's name")
}

/// The refusal of a name that no device has.
fn unknown<'a>(name: &PeerName, known: impl Iterator<Item = &'a str>) -> CliError {
    let known: Vec<&str> = known.collect();
    let there = if known.is_empty() { "no device yet".to_owned() } else { known.join(", ") };
    CliError::user(format!("there is no device `{name}`")).help(format!("known are: {there}"))
}
