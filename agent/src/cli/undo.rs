//! `knarrd undo`

use super::{CliError, Format, on_ground, print};
use crate::pass::Ground;
use knarr_node::report::Outcome;

/// Take back the last pass that changed something
///
/// After that nothing is changed until the next commit is accepted, or until `knarrd retry`. What has no way
/// back is left alone; over data that the version before does not read it refuses to go, and names the snapshot. The
/// exit code is 0 when all came back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd undo")]
pub(super) struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let report = on_ground(Ground::undo)?;
    let code = print(&report, args.output);
    Ok(if matches!(report.outcome, Outcome::Undone { .. }) { 0 } else { code })
}
