//! `knarr node list` and `knarr node show`.

use super::super::{Done, open};
use super::file::{find, proven};
use crate::error::CliError;
use crate::lower::states;
use crate::model::{Model, Node};
use crate::ui::Ui;
use knarr_node::name::NodeName;
use serde::Serialize;

/// List the machines of the repository
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr node list --output json")]
pub(super) struct List {}

/// Show one machine: how it is reached, its keys, what it is made of
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr node show edge")]
pub(super) struct Args {
    /// The machine's name
    node: NodeName,
}

/// One machine, for programs.
#[derive(Debug, Serialize)]
struct Row {
    node: NodeName,
    ssh: Option<String>,
    address: Option<String>,
    nat: bool,
    arch: String,
    removed: bool,
    machine: String,
    age: String,
    wireguard: String,
    host_key: String,
    /// What it is made of, by id.
    items: Vec<String>,
}

impl Row {
    fn of(name: &NodeName, node: &Node, model: &Model) -> Self {
        let states = states(model);
        let items = states.get(name).map(|state| state.items.as_slice()).unwrap_or_default();
        Self {
            node: name.clone(),
            ssh: node.ssh.clone(),
            address: node.address.map(|ip| ip.to_string()),
            nat: node.nat,
            arch: node.arch.to_string(),
            removed: node.removed,
            machine: node.keys.machine.to_string(),
            age: node.keys.age.clone(),
            wireguard: node.keys.wireguard.to_string(),
            host_key: node.keys.ssh.to_string(),
            items: items.iter().map(|item| item.id().to_string()).collect(),
        }
    }

    fn place(&self) -> String {
        let nat = if self.nat { "behind NAT" } else { "" };
        self.address.clone().unwrap_or_else(|| nat.to_owned())
    }
}

pub(super) fn list(ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (_, model) = proven(&repo, ui)?;
    let rows: Vec<Row> = model.nodes.iter().map(|(name, node)| Row::of(name, node, &model)).collect();
    if ui.json() {
        ui.value(&rows);
    } else if rows.is_empty() {
        ui.say("no machines yet: knarr node add NAME=USER@HOST");
    } else {
        ui.table(["NODE", "SSH", "ADDRESS", "ARCH", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
    }
    Ok(Done::Fine)
}

fn line(row: &Row) -> [String; 5] {
    let state = if row.removed { "removed".to_owned() } else { format!("{} items", row.items.len()) };
    [row.node.to_string(), row.ssh.clone().unwrap_or_default(), row.place(), row.arch.clone(), state]
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    find(&compiled, &args.node)?;
    let Some(node) = model.nodes.get(&args.node) else {
        return Err(CliError::bug(format!("`{}` has a file and is no machine", args.node)));
    };
    let row = Row::of(&args.node, node, &model);
    if ui.json() {
        ui.value(&row);
        return Ok(Done::Fine);
    }
    let fields = [
        ("node", row.node.to_string()),
        ("ssh", row.ssh.clone().unwrap_or_default()),
        ("address", row.place()),
        ("arch", row.arch.clone()),
        ("host key", node.keys.ssh.fingerprint()),
        ("age", row.age.clone()),
        ("wireguard", row.wireguard.clone()),
        ("state", if row.removed { "removed" } else { "part of the cluster" }.to_owned()),
    ];
    for (name, value) in fields {
        ui.say(format_args!("{name:<10} {value}"));
    }
    for item in &row.items {
        ui.say(format_args!("           {item}"));
    }
    Ok(Done::Fine)
}
