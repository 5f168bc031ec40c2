//! `knarrd history`

use super::{CliError, Format, as_json, need_root, paths, say};
use crate::journal::{Ending, FileStorage, Journal, Line};
use crate::pass::PassError;
use jiff::Timestamp;

/// Show the passes that changed something, newest last
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd history")]
pub(super) struct Args {
    /// How the passes are written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let lines = Journal::look(&FileStorage::new(paths().kept("journal"))).map_err(PassError::from)?;
    match args.output {
        Format::Json => say(&as_json(&lines)),
        Format::Text if lines.is_empty() => say("no pass has changed anything yet"),
        Format::Text => say(&lines.iter().map(text).collect::<Vec<_>>().join("\n")),
    }
    Ok(0)
}

fn text(line: &Line) -> String {
    let at = i64::try_from(line.at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    let verb = if line.undoes { "undid" } else { "applied" };
    let ending = match line.ending {
        Ending::Clean => String::new(),
        Ending::Troubles(count) => format!(", {count} not as wanted"),
        Ending::Interrupted => ", interrupted".to_owned(),
    };
    format!("{at}  {verb:<7} {}  {} changes{ending}", line.commit.short(), line.changes)
}
