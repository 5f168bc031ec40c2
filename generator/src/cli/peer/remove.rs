//! `knarr peer remove`.

use super::super::node::proven;
use super::super::{Done, open};
use super::{path, unknown};
use crate::error::CliError;
use crate::ui::Ui;
use knarr_node::name::PeerName;

/// Take a device out of the mesh
///
/// Deletes its file. Each machine drops it with the commit that has no such file; until then it is let in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr peer remove x1 && knarr ship -m \"x1 was stolen\"")]
pub(super) struct Args {
    /// The device's name
    name: PeerName,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, _) = proven(&repo, ui)?;
    if !compiled.spec.peers.contains_key(args.name.as_str()) {
        return Err(unknown(&args.name, compiled.spec.peers.keys().map(String::as_str)));
    }
    repo.remove(&path(&args.name))?;
    if ui.json() {
        ui.value(&serde_json::json!({ "peer": args.name, "path": path(&args.name) }));
    }
    ui.done(format_args!("deleted {}", path(&args.name)));
    ui.say("Machines let it in until they have the next commit: knarr ship");
    Ok(Done::Fine)
}
