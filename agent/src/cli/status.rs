//! `knarrd status`

use super::{CliError, Format, Kind, need_root, paths, print};

/// Show how the last pass ended
///
/// The exit code tells it too, see `knarrd --help`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd status --output json | jq -r .applied")]
pub(super) struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let identity = crate::identity::Identity::read(&paths()).map_err(crate::pass::PassError::from)?;
    if let Some(report) = crate::status::read(&paths())? {
        return Ok(print(&report, args.output));
    }
    let message = format!("`{}` has not ended its first pass yet", identity.node);
    Err(CliError::new(Kind::User, message, "systemctl status knarrd, or knarrd once"))
}
