//! `knarr node remove` and `knarr node forget`.

use super::super::{Done, open};
use super::file::{find, path, proven, text, write};
use crate::disk::Repo;
use crate::edit::with_removed;
use crate::error::CliError;
use crate::spec::Node;
use crate::ui::Ui;
use knarr_node::name::NodeName;

/// Take a machine out of the cluster with the next commit
///
/// Writes `removed: true`: the others drop it, Kubernetes and etcd too; the machine itself changes nothing any more, and
/// keeps its data and what runs there. The file of a machine that was described and never enrolled is deleted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr node remove worker && knarr ship -m \"worker leaves\"")]
pub(super) struct Args {
    /// The machine's name
    node: NodeName,
}

/// Delete the file of a machine that was removed, or that was described and never enrolled
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr node forget worker")]
pub(super) struct Forget {
    /// The machine's name
    node: NodeName,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    let name = &args.node;
    if compiled.spec.described.contains_key(name.as_str()) {
        return never(&repo, name, ui);
    }
    let node = find(&compiled, name)?;
    if node.removed {
        return Err(
            CliError::user(format!("`{name}` is removed already")).help(format!("knarr node forget {name}"))
        );
    }
    let edited = with_removed(&path(name), &text(&repo, name)?, node);
    write(&repo, name, edited, &Node { removed: true, ..node.clone() })?;
    if model.stops_without(name) {
        ui.say(format_args!(
            "etcd has two servers and stops without {name}. First: kubectl delete node {name}"
        ));
    }
    told(&format!("wrote nodes/{name}.yaml: {name} leaves with the next commit"), name, ui);
    Ok(Done::Fine)
}

pub(super) fn forget(args: &Forget, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, _) = proven(&repo, ui)?;
    let name = &args.node;
    if compiled.spec.described.contains_key(name.as_str()) {
        return never(&repo, name, ui);
    }
    if !find(&compiled, name)?.removed {
        return Err(CliError::user(format!("`{name}` is still part of the cluster")).help(format!(
            "knarr node remove {name} && knarr ship, and when it has left: knarr node forget {name}"
        )));
    }
    repo.remove(&path(name))?;
    told(&format!("deleted nodes/{name}.yaml"), name, ui);
    Ok(Done::Fine)
}

/// Deletes the file of a machine that was described: nobody has heard of it, so nobody has to forget it.
///
/// # Errors
/// When it has a State: then it was enrolled, and would leave without a word.
fn never(repo: &Repo, name: &NodeName, ui: &Ui) -> Result<Done, CliError> {
    if repo.read(&format!("rendered/nodes/{name}.yaml"))?.is_some() {
        return Err(CliError::user(format!("`{name}` was enrolled, and its keys are gone from its file"))
            .help(format!("git checkout HEAD -- nodes/{name}.yaml, and this line once more")));
    }
    repo.remove(&path(name))?;
    told(&format!("deleted nodes/{name}.yaml: {name} was never enrolled"), name, ui);
    Ok(Done::Fine)
}

fn told(what: &str, name: &NodeName, ui: &Ui) {
    if ui.json() {
        ui.value(&serde_json::json!({ "node": name, "path": path(name) }));
    }
    ui.done(what);
    ui.say("Next: knarr ship");
}
