//! `knarrd status`

use super::{CliError, Format, Kind, as_json, code_of, need_root, now, paths, print, say};
use crate::identity::Identity;
use crate::pass::PassError;
use crate::status::all::{All, all, text};
use knarr_node::report::Report;

/// Show how the last pass ended
///
/// The exit code tells it too, see `knarrd --help`. With `--all` it is the highest of all machines.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarrd status --output json | jq -r .applied\n  knarrd status --all     # all machines, as this one has heard over the mesh"
)]
pub(super) struct Args {
    /// Show all machines, as far as this one or a server has heard of them
    #[arg(long)]
    all: bool,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let identity = Identity::read(&paths()).map_err(PassError::from)?;
    if args.all {
        return Ok(print_all(&all(&paths(), &identity), args.output));
    }
    if let Some(report) = crate::status::read(&paths())? {
        return Ok(print(&report, args.output));
    }
    let message = format!("`{}` has not ended its first pass yet", identity.node);
    Err(CliError::new(Kind::User, message, "systemctl status knarrd, or knarrd once"))
}

fn print_all(all: &All, output: Format) -> u8 {
    let reports: Vec<&Report> = all.known.values().map(|known| &known.report).collect();
    match output {
        Format::Text => say(&text(all, now())),
        Format::Json => say(&as_json(&reports)),
    }
    // A machine that was not heard of is waited for.
    let silent = all.nodes.iter().any(|node| !all.known.contains_key(node));
    let codes = reports.iter().map(|report| code_of(report));
    codes.chain(silent.then_some(5)).max().unwrap_or(0)
}
