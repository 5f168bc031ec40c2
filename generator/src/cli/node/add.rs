//! `knarr node add`.

use super::super::{Done, open};
use super::announce::announce;
use super::file::{joined, proven};
use crate::enrol::{Pinned, Trouble, pin};
use crate::error::CliError;
use crate::join::{Candidate, Opening, Refusal, Wishes, by_node, contradictions, parts, places, refusals};
use crate::machine::{Machine, at_once};
use crate::model::Model;
use crate::probe::Probe;
use crate::spec::Spec;
use crate::ssh::{Ssh, Target};
use crate::ui::Ui;
use knarr_node::enrol::Born;
use knarr_node::name::NodeName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Enrol machines: put knarrd there, make keys there, write nodes/NAME.yaml
///
/// Looks at all of them first, shows what would happen, and asks once. Nothing else happens on them before a commit.
/// Doing it again after a failure goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr node add edge=root@203.0.113.7 worker=debian@198.51.100.4 attic=pi@192.168.1.20\n  knarr node add worker=debian@198.51.100.4 --open worker:80,443\n  knarr node add edge worker    # whose files are there already, e.g. by `knarr node import`"
)]
pub(super) struct Args {
    /// NAME=[USER@]HOST[:PORT]; HOST may be a name from ~/.ssh/config. NAME alone: `ssh:` in nodes/NAME.yaml says where
    #[arg(required = true, value_name = "NAME[=USER@HOST]")]
    machines: Vec<Typed>,
    /// Ports to keep open to the internet, e.g. worker:80,443,udp/53; all else that listens closes with the first commit
    #[arg(long, value_name = "NODE:PORT,…")]
    open: Vec<Opening>,
    /// Machines that run the Kubernetes API; without it the first machine of a cluster does
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    server: Vec<NodeName>,
    /// Turn ufw or firewalld off where one filters: Knarr's own table takes its place with the first commit
    #[arg(long)]
    replace_firewall: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// A machine as it is typed.
#[derive(Debug, Clone)]
struct Typed {
    name: NodeName,
    /// None: its file says it.
    target: Option<Target>,
}

/// A machine to look at.
#[derive(Debug, Clone)]
struct Wanted {
    name: NodeName,
    target: Target,
}

impl FromStr for Typed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = text.split_once('=').map_or((text, None), |(name, place)| (name, Some(place)));
        if place.is_none() && text.contains(['@', ':']) {
            return Err("write NAME=USER@HOST, e.g. edge=root@203.0.113.7".to_owned());
        }
        let name = name.parse().map_err(|error: knarr_node::name::BadName| error.to_string())?;
        let target = place.map(str::parse).transpose();
        let target = target.map_err(|error: crate::ssh::BadTarget| format!("{error}: {}", error.help()))?;
        Ok(Self { name, target })
    }
}

impl Typed {
    /// Finds out where the machine is: as typed, else as its file says.
    fn wanted(&self, spec: &Spec) -> Result<Wanted, CliError> {
        let Self { name, target } = self;
        let there = spec.described.get(name.as_str()).or_else(|| spec.nodes.get(name.as_str()));
        let typed = || CliError::user(format!("nothing says where `{name}` is"));
        let written = || {
            let text = there?.ssh.as_ref().or(there?.address.as_ref())?;
            text.parse().ok()
        };
        let target = target.clone().or_else(written);
        let target = target.ok_or_else(|| typed().help(format!("knarr node add {name}=USER@HOST")))?;
        Ok(Wanted { name: name.clone(), target })
    }
}

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    wrote: Vec<String>,
    failed: &'a [Trouble],
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let (compiled, model) = proven(&repo, &ui)?;
    let wishes = wishes(args);
    once_each(args, &wishes)?;
    let pinned = pin(&repo, &model)?;
    let ssh = Ssh::new()?;
    let nodes = &compiled.spec.nodes;
    let machines: Vec<Wanted> =
        args.machines.iter().map(|typed| typed.wanted(&compiled.spec)).collect::<Result<_, _>>()?;
    let candidates = look(&ssh, &model, &compiled.spec, &machines, args, &ui)?;
    let probes: Vec<&Probe> = candidates.iter().map(|candidate| &candidate.probe).collect();
    let names: Vec<&NodeName> = candidates.iter().map(|candidate| &candidate.name).collect();
    let mesh = model.cluster.network.mesh;
    let parts = parts(&compiled.spec, mesh, &names, &places(nodes, &probes), &wishes);
    announce(&candidates, &parts, &model.cluster.network.ssh, &ui);
    if !ui.ask("Go on?")? {
        return Err(CliError::user("nothing was done"));
    }
    let (born, mut failed) = enrol(&pinned, &ssh, &model, &candidates, &ui);
    let mut wrote = Vec::new();
    for (candidate, part) in candidates.iter().zip(&parts) {
        let (name, relay) = (&candidate.name, part.relay.as_deref());
        let Some(keys) = born.get(name).filter(|_| !nodes.contains_key(name.as_str())) else { continue };
        match relay
            .filter(|relay| !nodes.contains_key(*relay) && !born.keys().any(|it| it.as_str() == *relay))
        {
            Some(relay) => failed.push(without_relay(name, relay)),
            None => wrote.push(joined(&repo, &compiled.spec, candidate, part, keys)?.to_string()),
        }
    }
    report(&wrote, &failed, &ui)
}

fn wishes(args: &Args) -> Wishes {
    Wishes { servers: args.server.iter().cloned().collect(), open: by_node(&args.open) }
}

/// Refuses a name that is typed twice, or a wish for none of the machines.
fn once_each(args: &Args, wishes: &Wishes) -> Result<(), CliError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = args.machines.iter().find(|wanted| !names.insert(&wanted.name)) {
        return Err(CliError::user(format!("`{}` is there twice", twice.name))
            .help("give each machine a name of its own"));
    }
    wishes.stranger(&names).map_or(Ok(()), |name| {
        Err(CliError::user(format!("`{name}` is none of the machines to add"))
            .help(format!("of a machine that is there already, edit nodes/{name}.yaml")))
    })
}

/// Looks at all machines at once.
///
/// # Errors
/// When one of them may not join: all reasons were shown, and nothing was done anywhere.
fn look(
    ssh: &Ssh,
    model: &Model,
    spec: &Spec,
    machines: &[Wanted],
    args: &Args,
    ui: &Ui,
) -> Result<Vec<Candidate>, CliError> {
    let _progress = ui.progress(format!("looking at {} machines", machines.len()));
    let seen = at_once(machines, |wanted| Machine { ssh, target: &wanted.target }.probe());
    let (mut candidates, mut troubles) = (Vec::new(), Vec::new());
    for (wanted, seen) in machines.iter().zip(seen) {
        let (name, target) = (wanted.name.clone(), wanted.target.clone());
        match seen {
            Ok(probe) => candidates.push(Candidate { name, target, probe }),
            Err(error) => troubles.push(Trouble::of(&name, &error, error.help())),
        }
    }
    let mut refused = refusals(&model.cluster.name, &spec.nodes, &candidates);
    refused.extend(contradictions(spec, &candidates, &wishes(args)));
    refused.retain(|(_, why)| !(args.replace_firewall && matches!(why, Refusal::Firewall(_))));
    troubles.extend(refused.iter().map(|(name, why)| Trouble::of(name, why, why.help())));
    troubles.extend(candidates.iter().filter_map(without_program));
    if troubles.is_empty() { Ok(candidates) } else { Err(refuse(&troubles, ui)) }
}

fn without_program(candidate: &Candidate) -> Option<Trouble> {
    let arch = candidate.probe.arch.as_ref().ok()?;
    let error = crate::binary::find(*arch).err()?;
    Some(Trouble::of(&candidate.name, &error, error.help()))
}

fn refuse(troubles: &[Trouble], ui: &Ui) -> CliError {
    if ui.json() {
        ui.value(&serde_json::json!({ "refused": troubles }));
    }
    for Trouble { node, why, help } in troubles {
        ui.wrong(format_args!("{node}: {why}"));
        ui.say(format_args!("     {help}"));
    }
    ui.say("Nothing was done on any machine.");
    CliError::told()
}

/// Enrols all machines at once; what fails on one does not stop the others.
fn enrol(
    pinned: &Pinned,
    ssh: &Ssh,
    model: &Model,
    candidates: &[Candidate],
    ui: &Ui,
) -> (BTreeMap<NodeName, Born>, Vec<Trouble>) {
    let _progress = ui.progress(format!("enrolling {} machines", candidates.len()));
    let done = at_once(candidates, |candidate| pinned.enrol(ssh, model, candidate));
    let (mut born, mut failed) = (BTreeMap::new(), Vec::new());
    for (candidate, done) in candidates.iter().zip(done) {
        match done {
            Ok(keys) => drop(born.insert(candidate.name.clone(), keys)),
            Err(trouble) => failed.push(trouble),
        }
    }
    (born, failed)
}

/// Without its relay a machine's file would be wrong, and nothing could be added any more.
fn without_relay(node: &NodeName, relay: &str) -> Trouble {
    let why = format!("its relay `{relay}` was not enrolled");
    Trouble { node: node.clone(), why, help: format!("knarr node add {node} …, once {relay} is there") }
}

fn report(wrote: &[String], failed: &[Trouble], ui: &Ui) -> Result<Done, CliError> {
    if ui.json() {
        ui.value(&Told { wrote: wrote.to_vec(), failed });
    }
    for path in wrote {
        ui.done(format_args!("wrote {path}"));
    }
    for Trouble { node, why, help } in failed {
        ui.wrong(format_args!("{node}: {why}"));
        ui.say(format_args!("     {help}"));
    }
    if failed.is_empty() {
        ui.say("Next: knarr ship");
        return Ok(Done::Fine);
    }
    Err(CliError::environment(format!("{} machines were not enrolled", failed.len()))
        .help("type the same line again: it goes on where it stopped"))
}
