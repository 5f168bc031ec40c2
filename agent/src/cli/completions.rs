//! `knarrd completions`

use super::{Cli, CliError};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io;

/// Print what a shell needs to complete commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd completions bash > /etc/bash_completion.d/knarrd")]
pub(super) struct Args {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "all commands have one shape")]
pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    clap_complete::generate(args.shell, &mut Cli::command(), "knarrd", &mut io::stdout());
    Ok(0)
}
