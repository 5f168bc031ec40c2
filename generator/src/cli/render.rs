//! `knarr render`.

use super::{Done, open};
use crate::error::CliError;
use crate::render;
use crate::ui::Ui;

/// Write rendered/ from the files that people write
///
/// Nothing is written when there is an error. The same files always give the same bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  knarr render --check    # in CI: exit code 2 when somebody forgot to render"
)]
pub(super) struct Args {
    /// Show what would be written, write nothing, and exit with 2 if there is anything
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    if !args.check {
        let paths = render::render(&repo, ui)?;
        report("wrote", &paths, ui);
        return Ok(Done::Fine);
    }
    let prepared = render::prepare(&repo, ui)?;
    render::warn(&prepared, ui);
    let paths = prepared.paths();
    report("would write", &paths, ui);
    Ok(if paths.is_empty() { Done::Fine } else { Done::Changes })
}

fn report(verb: &str, paths: &[knarr_node::name::RepoPath], ui: &Ui) {
    if ui.json() {
        ui.value(&serde_json::json!({ "paths": paths }));
    } else if paths.is_empty() {
        ui.say("rendered/ is up to date");
    }
    for path in paths {
        ui.say(format_args!("{verb} {path}"));
    }
}
