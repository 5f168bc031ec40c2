//! `knarr ssh`.

use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::{Findings, near};
use crate::lower::KNOWN_HOSTS;
use crate::model::SshKey;
use crate::route::{Place, Route, routes};
use crate::spec::{Node, Spec};
use crate::ssh::{Login, SshError, Target, login, quoted};
use crate::ui::Ui;
use knarr_node::name::NodeName;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::str::FromStr;

/// Log in to a machine, or run a command on it
///
/// The system's ssh with your keys and settings, over another machine where nobody dials this one; only the host key
/// that it was enrolled with counts. Its exit code is that of the command. With --output json the line is not run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr ssh edge\n  knarr ssh me@edge -- journalctl -u knarrd -n 20\n  knarr ssh --tty attic -- sudo htop"
)]
pub(super) struct Args {
    /// NODE, or USER@NODE to log in as somebody else than `ssh:` in nodes/NODE.yaml says
    #[arg(value_name = "[USER@]NODE")]
    node: Typed,
    /// What to run there; nothing: your shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// Give the command a terminal
    #[arg(short, long)]
    tty: bool,
    /// Dial what `ssh:` in nodes/NODE.yaml says, and no other machine first: e.g. at home, while the mesh is down
    #[arg(long)]
    direct: bool,
    /// Print the line and do not run it
    #[arg(long)]
    print: bool,
}

/// A machine as it is typed.
#[derive(Debug, Clone)]
struct Typed {
    user: Option<String>,
    node: NodeName,
}

impl FromStr for Typed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (user, node) = text.rsplit_once('@').map_or((None, text), |(user, node)| (Some(user), node));
        let node = node.parse().map_err(|bad: knarr_node::name::BadName| bad.to_string())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        match user {
            Some(user) if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) => {
                Err(format!("`{user}` is no login"))
            }
            user => Ok(Self { user: user.map(str::to_owned), node }),
        }
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    // Who must look at a machine may have a mistake elsewhere in the repository.
    let spec = Spec::of(&repo.inputs()?, &mut Findings::default());
    let node = there(&spec, &args.node.node)?;
    is_known(&repo, &args.node.node, node)?;
    let words = words(args, &repo, &spec, node)?;
    if ui.json() {
        ui.value(&serde_json::json!({ "node": args.node.node, "command": words }));
        return Ok(Done::Fine);
    }
    if args.print {
        ui.say(words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" "));
        return Ok(Done::Fine);
    }
    Err(SshError::Start(Command::new(&words[0]).args(&words[1..]).exec()).into())
}

/// Finds a machine that is part of the cluster.
fn there<'a>(spec: &'a Spec, name: &NodeName) -> Result<&'a Node, CliError> {
    if spec.is_broken(&format!("nodes/{name}.yaml")) {
        return Err(CliError::user(format!("nodes/{name}.yaml cannot be read")).help("knarr check"));
    }
    if spec.described.contains_key(name.as_str()) {
        return Err(CliError::user(format!("`{name}` was not enrolled, so nobody knows its host key"))
            .help(format!("knarr node add {name}")));
    }
    let known = || spec.nodes.iter().filter(|(_, node)| !node.removed).map(|(name, _)| name.as_str());
    match spec.nodes.get(name.as_str()) {
        None => Err(CliError::user(format!("there is no machine `{name}`")).help(near(
            name.as_str(),
            known(),
            "knarr node list shows all machines",
        ))),
        Some(node) if node.removed => {
            let target = node.ssh.as_ref().map_or("USER@HOST", |word| word.as_str());
            Err(CliError::user(format!("`{name}` was removed from the cluster"))
                .help(format!("its host key counts no more; your own ssh may know it: ssh {target}")))
        }
        Some(node) => Ok(node),
    }
}

/// Refuses a machine whose host key is not that of the last render.
fn is_known(repo: &Repo, name: &NodeName, node: &Node) -> Result<(), CliError> {
    let bytes = repo.read(KNOWN_HOSTS)?.unwrap_or_default();
    let key = node.keys.ssh.parse::<SshKey>().map_err(|_| {
        CliError::user(format!("nodes/{name}.yaml has no host key"))
            .help(format!("knarr node refresh {name}"))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let is_its = |line: &str| line.starts_with(&format!("{name},")) && line.ends_with(&format!(" {key}"));
    if text.lines().any(is_its) {
        return Ok(());
    }
    Err(CliError::user(format!("{KNOWN_HOSTS} does not have the host key of {name}")).help("knarr render"))
}

fn words(args: &Args, repo: &Repo, spec: &Spec, node: &Node) -> Result<Vec<String>, CliError> {
    let name = args.node.node.as_str();
    let known_hosts = repo.root().join(KNOWN_HOSTS);
    let known_hosts = known_hosts.to_str().ok_or_else(|| {
        CliError::user("the path of this clone is not UTF-8").help("move it to where ssh can read it")
    })?;
    let there = spec.nodes.iter().filter(|(_, node)| !node.removed);
    let places: BTreeMap<String, Place> =
        there.map(|(name, node)| (name.clone(), Place::written(node))).collect();
    let mut routes = routes(&places);
    if args.direct {
        routes.insert(name, direct(node));
    }
    let typed = Login { node: name, user: args.node.user.as_deref(), tty: args.tty, command: &args.command };
    login(&typed, &routes, known_hosts).ok_or_else(|| {
        CliError::user(format!("nothing in the repository leads to {name}"))
            .help(format!("write `ssh: USER@HOST` in nodes/{name}.yaml, or give a machine an `address` that it is dialled over"))
    })
}

/// Returns the way that the machine's file says, wherever it leads from here.
fn direct(node: &Node) -> Option<Route> {
    let Target { user, host, port } = node.ssh.as_ref()?.parse().ok()?;
    Some(Route { host, user, port, jump: None })
}

/// Returns a word as a shell takes it, quoted only where it must be.
fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { quoted(word) }
}
