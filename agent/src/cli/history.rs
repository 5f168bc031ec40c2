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
        Ending::Troubles(count) => format!("; {count} not as wanted"),
        Ending::Interrupted => "; interrupted".to_owned(),
    };
    let stages: Vec<String> = line.taken_back.iter().map(|stage| format!("; taken back: {stage}")).collect();
    let taken_back = stages.concat();
    let saved: Vec<String> = line.saved.iter().map(|place| format!("; snapshot {place}")).collect();
    let (commit, changes, saved) = (line.commit.short(), line.changes, saved.concat());
    format!("{at}  {verb:<7} {commit}  {changes} changes{saved}{taken_back}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_node::StageName;

    #[test]
    fn a_line_names_snapshots_and_what_was_taken_back() {
        let line = Line {
            pass: 1,
            commit: "a".repeat(40).parse().unwrap(),
            at: 0,
            undoes: false,
            changes: 2,
            taken_back: [StageName::NetworkAdd].into(),
            saved: ["/s/before-v1.37".parse().unwrap()].into(),
            ending: Ending::Troubles(1),
        };
        let said = "1970-01-01T00:00:00Z  applied aaaaaaa  2 changes; snapshot /s/before-v1.37; taken back: network, additions; 1 not as wanted";
        assert_eq!(text(&line), said);
    }
}
