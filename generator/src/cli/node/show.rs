//! `knarr node list` and `knarr node show`.

use super::super::{Done, open};
use super::file::{find, proven};
use crate::error::CliError;
use crate::lower::states;
use crate::model::{Model, Node};
use crate::render::Compiled;
use crate::spec::{self, Arch, At, Role};
use crate::ui::Ui;
use knarr_node::name::NodeName;
use knarr_node::state::NodeState;
use serde::Serialize;
use std::collections::BTreeMap;

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

/// What a machine is to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Standing {
    #[serde(rename = "part of the cluster")]
    Member,
    #[serde(rename = "removed")]
    Removed,
    #[serde(rename = "described, not enrolled")]
    Described,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Self::Member => "part of the cluster",
            Self::Removed => "removed",
            Self::Described => "described, not enrolled",
        }
    }
}

/// One machine, for programs.
#[derive(Debug, Serialize)]
struct Row {
    node: NodeName,
    state: Standing,
    /// None: its enrolment decides.
    role: Option<Role>,
    ssh: Option<String>,
    address: Option<String>,
    nat: bool,
    arch: Option<Arch>,
    #[serde(flatten)]
    keys: Option<Public>,
    /// What it is made of, by id.
    items: Vec<String>,
    /// What to type, so that it becomes part of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<String>,
}

/// What was born on a machine.
#[derive(Debug, Serialize)]
struct Public {
    machine: String,
    age: String,
    wireguard: String,
    host_key: String,
    #[serde(skip)]
    fingerprint: String,
}

impl Row {
    fn of(name: &NodeName, node: &Node, states: &BTreeMap<NodeName, NodeState>) -> Self {
        let items = states.get(name).map(|state| state.items.as_slice()).unwrap_or_default();
        let keys = &node.keys;
        Self {
            node: name.clone(),
            state: if node.removed { Standing::Removed } else { Standing::Member },
            role: Some(if node.role == knarr_node::mesh::Role::Server { Role::Server } else { Role::Agent }),
            ssh: node.ssh.clone(),
            address: node.address.map(|ip| ip.to_string()),
            nat: node.nat,
            arch: Some(node.arch),
            keys: Some(Public {
                machine: keys.machine.to_string(),
                age: keys.age.clone(),
                wireguard: keys.wireguard.to_string(),
                host_key: keys.ssh.to_string(),
                fingerprint: keys.ssh.fingerprint(),
            }),
            items: items.iter().map(|item| item.id().to_string()).collect(),
            way_out: None,
        }
    }

    /// Says of a machine that was described what its file says.
    fn described(name: NodeName, node: &spec::Node) -> Self {
        let text = |word: &Option<At<String>>| word.as_ref().map(|word| word.value.clone());
        Self {
            way_out: Some(format!("knarr node add {name}")),
            node: name,
            state: Standing::Described,
            role: node.roles.first().map(|role| role.value),
            ssh: text(&node.ssh),
            address: text(&node.address),
            nat: node.nat,
            arch: node.arch,
            keys: None,
            items: Vec::new(),
        }
    }

    fn place(&self) -> String {
        let nat = if self.nat { "behind NAT" } else { "" };
        self.address.clone().unwrap_or_else(|| nat.to_owned())
    }

    fn role(&self) -> &'static str {
        match self.role {
            Some(Role::Server) => "server",
            Some(Role::Agent) => "agent",
            None => "",
        }
    }

    fn arch(&self) -> String {
        self.arch.map(|arch| arch.to_string()).unwrap_or_default()
    }
}

/// Returns all machines by name, those that were described too.
fn rows(compiled: &Compiled, model: &Model) -> Vec<Row> {
    let states = states(model);
    let enrolled = model.nodes.iter().map(|(name, node)| Row::of(name, node, &states));
    let described = compiled.spec.described.iter();
    let described = described.filter_map(|(name, node)| Some(Row::described(name.parse().ok()?, node)));
    let mut rows: Vec<Row> = enrolled.chain(described).collect();
    rows.sort_by(|one, other| one.node.cmp(&other.node));
    rows
}

pub(super) fn list(ui: &Ui) -> Result<Done, CliError> {
    let (compiled, model) = proven(&open(ui)?, ui)?;
    let rows = rows(&compiled, &model);
    if ui.json() {
        ui.value(&rows);
        return Ok(Done::Fine);
    }
    if rows.is_empty() {
        ui.say("no machines yet: knarr node add NAME=USER@HOST");
        return Ok(Done::Fine);
    }
    ui.table(["NODE", "ROLE", "SSH", "ADDRESS", "ARCH", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
    let waiting: Vec<&str> =
        rows.iter().filter(|row| row.way_out.is_some()).map(|row| row.node.as_str()).collect();
    if !waiting.is_empty() {
        ui.say(format_args!("To enrol: knarr node add {}", waiting.join(" ")));
    }
    Ok(Done::Fine)
}

fn line(row: &Row) -> [String; 6] {
    let state = match row.state {
        Standing::Member => format!("{} items", row.items.len()),
        Standing::Removed | Standing::Described => row.state.words().to_owned(),
    };
    let ssh = row.ssh.clone().unwrap_or_default();
    [row.node.to_string(), row.role().to_owned(), ssh, row.place(), row.arch(), state]
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (compiled, model) = proven(&open(ui)?, ui)?;
    let Some(row) = rows(&compiled, &model).into_iter().find(|row| row.node == args.node) else {
        find(&compiled, &args.node)?;
        return Err(CliError::bug(format!("`{}` has a file and is no machine", args.node)));
    };
    if ui.json() {
        ui.value(&row);
        return Ok(Done::Fine);
    }
    let fields = [
        ("node", row.node.to_string()),
        ("role", row.role().to_owned()),
        ("ssh", row.ssh.clone().unwrap_or_default()),
        ("address", row.place()),
        ("arch", row.arch()),
    ];
    let keys = row.keys.as_ref().map(|keys| {
        [("host key", &keys.fingerprint), ("age", &keys.age), ("wireguard", &keys.wireguard)]
            .map(|(name, key)| (name, key.clone()))
    });
    let state = ("state", row.state.words().to_owned());
    let enrol = row.way_out.iter().map(|line| ("to enrol", line.clone()));
    let all = fields.into_iter().chain(keys.into_iter().flatten()).chain([state]).chain(enrol);
    for (name, value) in all.filter(|(_, value)| !value.is_empty()) {
        ui.say(format_args!("{name:<10} {value}"));
    }
    for item in &row.items {
        ui.say(format_args!("           {item}"));
    }
    Ok(Done::Fine)
}
