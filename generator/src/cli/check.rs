//! `knarr check`.

use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::{Fault, Place};
use crate::render;
use crate::staged;
use crate::ui::Ui;

/// Say everything that is wrong with this repository
///
/// Reads only. Exit code 1 when there is an error; warnings alone are fine. `--output` takes `github` and `gitlab`, too, which
/// only `check` has. `knarr explain CODE` says more of a finding.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr check --output json      # every finding with code, file, line and column\n  knarr check --output github    # in CI: findings beside the changed lines\n  knarr check --output gitlab > gl-code-quality-report.json\n  knarr check --staged           # before `git commit`"
)]
pub(super) struct Args {
    /// Only Secrets, and only what is staged: what the hook of `knarr setup` asks before each commit
    #[arg(long)]
    staged: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    if args.staged {
        return staged(ui);
    }
    let repo = open(ui)?;
    let mut prepared = render::prepare(&repo, ui)?;
    let paths = prepared.paths();
    if let Some(first) = paths.first() {
        prepared.findings.add(Place::file(first), Fault::NotRendered { count: paths.len() });
    }
    if prepared.findings.refuse() {
        return Err(render::show(&prepared.findings, &prepared.inputs, ui));
    }
    render::tell(&prepared.findings, &prepared.inputs, ui);
    let nodes = prepared.model.there().count();
    ui.done(format_args!("{} with {nodes} machines: no errors", prepared.model.cluster.name));
    Ok(Done::Fine)
}

/// Judges what is about to be committed; it does not look whether the clone is set up, for the hook runs in those that are.
fn staged(ui: &Ui) -> Result<Done, CliError> {
    let (inputs, findings) = staged::check(&Repo::open()?)?;
    if findings.refuse() {
        return Err(render::show(&findings, &inputs, ui));
    }
    render::tell(&findings, &inputs, ui);
    ui.done("what is staged: no errors in Secrets");
    Ok(Done::Fine)
}
