//! `knarr node refresh`.

use super::super::{Done, open};
use super::file::{find, proven, text, write};
use crate::edit::with_keys;
use crate::enrol::pin;
use crate::error::CliError;
use crate::join::{Candidate, Refusal, keys, refusals};
use crate::machine::Machine;
use crate::spec::{Keys, Node};
use crate::ssh::{Ssh, Target};
use crate::ui::Ui;
use knarr_node::name::NodeName;

/// Ask a machine for its keys again, e.g. after it was reinstalled
///
/// Enrols it as it is now, shows which keys are other ones, and writes them to nodes/NAME.yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr node refresh edge")]
pub(super) struct Args {
    /// The machine's name
    node: NodeName,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let (compiled, model) = proven(&repo, &ui)?;
    let node = find(&compiled, &args.node)?;
    let target = target(&args.node, node)?;
    let pinned = pin(&repo, &model)?;
    let ssh = Ssh::new()?;
    let probe = Machine { ssh: &ssh, target: &target }.probe()?;
    let candidate = Candidate { name: args.node.clone(), target, probe };
    let refused = refusals(&model.cluster.name, &compiled.spec.nodes, std::slice::from_ref(&candidate));
    let other = |refusal: &Refusal| !matches!(refusal, Refusal::Taken(_));
    if let Some((_, refusal)) = refused.into_iter().find(|(_, refusal)| other(refusal)) {
        return Err(CliError::user(format!("{}: {refusal}", args.node)).help(refusal.help()));
    }
    if !ui.ask(&format!("Enrol {} as it is now?", args.node))? {
        return Err(CliError::user("nothing was done"));
    }
    let born = pinned.enrol(&ssh, &model, &candidate).map_err(|trouble| {
        CliError::environment(format!("{}: {}", trouble.node, trouble.why)).help(trouble.help)
    })?;
    let keys = keys(&born);
    let rows = differences(&node.keys, &keys);
    if ui.json() {
        ui.value(&serde_json::json!({ "node": args.node, "changed": rows.iter().map(|row| &row[0]).collect::<Vec<_>>() }));
    }
    if rows.is_empty() {
        ui.done(format_args!("{}: its keys are those of nodes/{}.yaml", args.node, args.node));
        return Ok(Done::Fine);
    }
    ui.table(["KEY", "WAS", "IS"], &rows);
    let edited = with_keys(&super::file::path(&args.node), &text(&repo, &args.node)?, node, &keys);
    write(&repo, &args.node, edited, &Node { keys, ..node.clone() })?;
    ui.done(format_args!("wrote nodes/{}.yaml", args.node));
    ui.say("Next: knarr ship");
    Ok(Done::Fine)
}

fn target(name: &NodeName, node: &Node) -> Result<Target, CliError> {
    let Some(text) = &node.ssh else {
        return Err(CliError::user(format!("nodes/{name}.yaml does not say how to reach it"))
            .help("add `ssh: USER@HOST`"));
    };
    text.parse().map_err(|error: crate::ssh::BadTarget| CliError::user(&error).help(error.help()))
}

fn differences(old: &Keys, new: &Keys) -> Vec<[String; 3]> {
    let pairs = [
        ("machine", &old.machine, &new.machine),
        ("age", &old.age, &new.age),
        ("wireguard", &old.wireguard, &new.wireguard),
        ("ssh", &old.ssh, &new.ssh),
    ];
    let other = pairs.into_iter().filter(|(_, old, new)| old != new);
    other.map(|(key, old, new)| [key.to_owned(), end(old), end(new)]).collect()
}

/// Returns the last 16 characters: keys of one type begin alike.
fn end(key: &str) -> String {
    let skip = key.chars().count().saturating_sub(16);
    let tail: String = key.chars().skip(skip).collect();
    if skip > 0 { format!("…{tail}") } else { tail }
}
