//! `knarrd retry`

use super::{CliError, Format, on_ground, print};

/// Apply the accepted commit again after an undo
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd retry")]
pub(super) struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let report = on_ground(|ground| {
        ground.release()?;
        ground.pass()
    })?;
    Ok(print(&report, args.output))
}
