//! `knarr render`.

use super::{Done, open};
use crate::error::CliError;
use crate::render;
use crate::ui::Ui;
use knarr_node::name::RepoPath;

/// Write rendered/ from the files that people write
///
/// Nothing is written when there is an error. The same files always give the same bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr render --check    # in CI: exit code 2 when somebody forgot to render\n  knarr render --discard rendered/mesh.yaml"
)]
pub(super) struct Args {
    /// Show what would be written, write nothing, and exit with 2 if there is anything
    #[arg(long)]
    check: bool,
    /// Drop what somebody did to this output by hand: a file as a finding names it, or a folder with all in it
    #[arg(long, value_name = "PATH")]
    discard: Vec<RepoPath>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    if let Some(path) = args.discard.iter().find(|path| !is_output(path)) {
        return Err(CliError::user(format!("`{path}` is no output: those are below rendered/"))
            .help("git restore brings back other files as they were committed"));
    }
    let prepared = render::prepare_without(&repo, &args.discard, ui)?;
    if !args.check {
        let paths = render::write(&repo, &prepared, ui)?;
        report("wrote", &paths, ui);
        return Ok(Done::Fine);
    }
    render::warn(&prepared, ui);
    let paths = prepared.paths();
    report("would write", &paths, ui);
    Ok(if paths.is_empty() { Done::Fine } else { Done::Changes })
}

fn is_output(path: &RepoPath) -> bool {
    path.as_str() == "rendered" || path.as_str().starts_with("rendered/")
}

fn report(verb: &str, paths: &[RepoPath], ui: &Ui) {
    if ui.json() {
        ui.value(&serde_json::json!({ "paths": paths }));
    } else if paths.is_empty() {
        ui.say("rendered/ is up to date");
    }
    for path in paths {
        ui.say(format_args!("{verb} {path}"));
    }
}
