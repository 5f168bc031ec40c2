//! The command line: one file a command, each only wiring.

mod check;
mod plan;
mod render;

use crate::error::CliError;
use crate::ui::{Format, Ui};
use clap::{Parser, Subcommand};

/// Turn one git repository into running machines
#[derive(Debug, Parser)]
#[command(name = "knarr", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How to print: for people, or as JSON
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(render::Args),
    Check(check::Args),
    Plan(plan::Args),
}

/// How a command ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing more to say: exit code 0.
    Fine,
    /// There are changes: exit code 2.
    Changes,
}

/// Runs a command line.
pub fn run(cli: &Cli) -> Result<Done, CliError> {
    let ui = Ui::new(cli.output, false);
    match &cli.command {
        Command::Render(args) => render::run(args, &ui),
        Command::Check(args) => check::run(args, &ui),
        Command::Plan(args) => plan::run(args, &ui),
    }
}
