//! `knarr check`.

use super::{Done, open};
use crate::error::CliError;
use crate::finding::{Fault, Place};
use crate::render;
use crate::ui::Ui;

/// Say everything that is wrong with this repository
///
/// Reads only. Exit code 1 when there is an error; warnings alone are fine. `--output` takes `github` and `gitlab`, too, which
/// only `check` has. `knarr explain CODE` says more of a finding.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr check --output json      # every finding with code, file, line and column\n  knarr check --output github    # in CI: findings beside the changed lines\n  knarr check --output gitlab > gl-code-quality-report.json"
)]
pub(super) struct Args {}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
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
    let nodes = prepared.model.nodes.values().filter(|node| !node.removed).count();
    ui.done(format_args!("{} with {nodes} machines: no errors", prepared.model.cluster.name));
    Ok(Done::Fine)
}
