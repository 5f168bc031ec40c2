//! `knarr app`: what runs in the cluster comes and goes.

mod add;
mod list;
mod remove;
mod show;

use super::Done;
use crate::error::CliError;
use crate::ui::Ui;
use knarr_node::name::{AppName, RepoPath};

/// Let apps into the cluster: manifests in apps/NAME/, which Argo CD follows
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::Add(args) => add::run(args, ui),
        Command::List(_) => list::run(ui),
        Command::Remove(args) => remove::run(args, ui),
        Command::Show(args) => show::run(args, ui),
    }
}

/// Says which apps there are in place of one that is not.
fn unknown(name: &AppName, known: &[&str]) -> CliError {
    let there = if known.is_empty() { "no app yet".to_owned() } else { known.join(", ") };
    CliError::user(format!("there is no app `{name}`")).help(format!("known are: {there}"))
}

/// Returns where an app's file lies.
fn path(name: &AppName) -> RepoPath {
    format!("apps/{name}.yaml").parse().expect("an app's name is a file's name")
}
