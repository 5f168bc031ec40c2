//! `knarrd once`

use super::{CliError, Format, keep_program, on_ground, paths, print};
use crate::pass::Ground;

/// Do one pass now, and say how it ended
///
/// It fetches, accepts what allowed signers signed, makes the machine so, and prints the report. While another
/// pass runs it waits, at most five minutes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd once --output json | jq .outcome")]
pub(super) struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let report = on_ground(Ground::pass)?;
    keep_program(&report, &paths());
    Ok(print(&report, args.output))
}
