//! `knarrd undo`

use super::{CliError, Format, on_ground, print};
use crate::pass::Ground;

/// Take back the last pass that changed something
///
/// After that nothing is changed until the next commit is accepted, or until `knarrd retry`. What has no way
/// back is left alone. The exit code is 6, for a person must go on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd undo")]
pub(super) struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let report = on_ground(Ground::undo)?;
    Ok(print(&report, args.output))
}
