//! `knarr completions`.

use super::{Cli, Done};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print the completion of a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  knarr completions bash > ~/.local/share/bash-completion/completions/knarr"
)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Done {
    clap_complete::generate(args.shell, &mut Cli::command(), "knarr", &mut std::io::stdout());
    Done::Fine
}
