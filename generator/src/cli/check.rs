//! `knarr check`.

use super::{Done, open};
use crate::error::CliError;
use crate::finding::{Fault, Place, rows};
use crate::render;
use crate::ui::Ui;

/// Say everything that is wrong with this repository
///
/// Reads only. Exit code 1 when there is an error; warnings alone are fine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  knarr check --output json    # every finding with code, file, line and column"
)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let mut prepared = render::prepare(&repo, ui)?;
    let paths = prepared.paths();
    if let Some(first) = paths.first() {
        prepared.findings.add(Place::file(first), Fault::NotRendered { count: paths.len() });
    }
    if prepared.findings.refuse() {
        return Err(render::show(&prepared.findings, &prepared.inputs, ui));
    }
    if ui.json() {
        ui.value(&serde_json::json!({ "findings": rows(&prepared.findings, &prepared.inputs) }));
    }
    render::warn(&prepared, ui);
    let nodes = prepared.model.nodes.values().filter(|node| !node.removed).count();
    ui.done(format_args!("{} with {nodes} machines: no errors", prepared.model.cluster.name));
    Ok(Done::Fine)
}
