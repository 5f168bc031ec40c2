//! `knarr peer add`.

use super::super::node::proven;
use super::super::{Done, open};
use super::keep::Keep;
use super::path;
use crate::address::{Kind, proposed, taken};
use crate::device::{Pair, configuration};
use crate::disk::{Repo, spec_text};
use crate::error::CliError;
use crate::git::Git;
use crate::model::{Model, Peer, Person};
use crate::render::{Compiled, prove, show, today};
use crate::signing::configured;
use crate::spec;
use crate::ui::Ui;
use jiff::ToSpan;
use jiff::civil::Date;
use knarr_node::mesh::{Reach, Role};
use knarr_node::name::{NodeName, PeerName, PersonName};
use knarr_node::net::WgKey;
use std::path::PathBuf;

/// Let a device into the mesh: make its keys, write peers/NAME.yaml
///
/// The device dials one machine, which forwards for it, so its configuration stays right when machines come and go.
/// The private key is made here and written nowhere but into the configuration, which is shown once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sudo knarr peer add x1 --here                    # this machine: /etc/wireguard/CLUSTER.conf\n  knarr peer add phone --reach pods                # shows the configuration and a QR code, once\n  knarr peer add ci --key \"$(wg pubkey < private)\" --reach api --until 2027-06-30"
)]
pub(super) struct Args {
    /// The device's name
    name: PeerName,
    /// Set this machine up: write /etc/wireguard/CLUSTER.conf, as root
    #[arg(long, conflicts_with_all = ["to", "key"])]
    here: bool,
    /// Write the configuration to a new file, mode 0600
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    to: Option<PathBuf>,
    /// The device made its keys itself: this is the public half
    #[arg(long, value_name = "PUBLIC")]
    key: Option<WgKey>,
    /// What it may dial: api, ssh, pods, nodes, or a port of a machine such as worker:5432
    #[arg(long, value_delimiter = ',', default_value = "api,ssh", value_name = "WHAT,…")]
    reach: Vec<Reach>,
    /// The machine that it dials; else the first server that others reach
    #[arg(long, value_name = "NODE")]
    via: Option<NodeName>,
    /// The last day on which machines let it in, or never; else a year from now
    #[arg(long, value_name = "DATE", value_parser = last_day)]
    until: Option<LastDay>,
    /// Whose it is; else who signs here
    #[arg(long, value_name = "PERSON")]
    owner: Option<PersonName>,
}

/// The last day on which a device is let in.
#[derive(Debug, Clone, Copy)]
enum LastDay {
    Never,
    On(Date),
}

fn last_day(text: &str) -> Result<LastDay, String> {
    if text == "never" {
        return Ok(LastDay::Never);
    }
    text.parse().map(LastDay::On).map_err(|_| "write a date such as 2027-11-21, or never".to_owned())
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    if model.peers.contains_key(&args.name) {
        return Err(CliError::user(format!("there is a device `{}` already", args.name))
            .help(format!("choose another name, or: knarr peer remove {}", args.name)));
    }
    let keep = keep(args, &model, ui)?;
    let pair = match &args.key {
        Some(_) => None,
        None => Some(Pair::new().map_err(|_| CliError::environment("the system gives no randomness"))?),
    };
    let public = args.key.or(pair.as_ref().map(|pair| pair.public)).expect("one of both is there");
    let file = file(args, &repo, &compiled, &model, public)?;
    let (text, peer, model) = proven_with(args, compiled, &file, ui)?;
    let private = pair.as_ref().map(|pair| pair.private.as_str());
    let text_for_device = private.map(|private| configuration(&model.directory, &peer.device, private));
    if let (Some(keep), Some(text)) = (&keep, &text_for_device) {
        let text = text.as_ref().ok_or_else(|| no_way(&peer.device.via))?;
        keep.write(text)?;
    }
    repo.write(&path(&args.name), text.as_bytes())?;
    report(args, &peer, keep.as_ref(), ui);
    if let (Some(keep), Some(Some(text))) = (&keep, &text_for_device) {
        keep.show(text, ui);
    }
    ui.say(format_args!("Next: knarr ship -m \"{} joins\"", args.name));
    Ok(Done::Fine)
}

/// Decides where the configuration goes, before anything is made.
fn keep(args: &Args, model: &Model, ui: &Ui) -> Result<Option<Keep>, CliError> {
    match (&args.key, &args.to) {
        (Some(_), _) => Ok(None),
        (None, Some(file)) => Ok(Some(Keep::file(file))),
        (None, None) if args.here => Keep::here(&model.cluster.name, &args.name).map(Some),
        (None, None) => Keep::terminal(&args.name, ui).map(Some),
    }
}

fn no_way(via: &NodeName) -> CliError {
    CliError::user(format!("`{via}` has no address that a device could dial"))
        .help("name another machine: --via NODE")
}

fn file(
    args: &Args,
    repo: &Repo,
    compiled: &Compiled,
    model: &Model,
    public: WgKey,
) -> Result<spec::Peer, CliError> {
    let via = match &args.via {
        Some(via) => via.clone(),
        None => via(model)?,
    };
    let owner = match &args.owner {
        Some(owner) => owner.clone(),
        None => owner(repo, model)?,
    };
    let mesh = proposed(Kind::Device, args.name.as_str(), model.cluster.network.mesh, &taken(&compiled.spec));
    let until = match args.until {
        Some(LastDay::Never) => "never".to_owned(),
        Some(LastDay::On(day)) => day.to_string(),
        None => today().saturating_add(1.year()).to_string(),
    };
    Ok(spec::Peer {
        owner: owner.to_string().into(),
        key: public.to_string().into(),
        mesh: mesh.map(|ip| ip.to_string().into()),
        via: via.to_string().into(),
        reach: args.reach.iter().map(|reach| reach.to_string().into()).collect(),
        until: Some(until.into()),
    })
}

/// Returns the first server that others reach, else the first such machine.
fn via(model: &Model) -> Result<NodeName, CliError> {
    let public = || model.directory.nodes.iter().filter(|(_, node)| node.is_public());
    let server = public().find(|(_, node)| node.role == Role::Server);
    server.or_else(|| public().next()).map(|(name, _)| name.clone()).ok_or_else(|| {
        CliError::user("no machine has an address that a device could dial")
            .help("knarr node add NAME=USER@HOST, with a machine that others reach")
    })
}

/// Returns who signs here, else whose address git commits with, else the only person.
///
/// Under sudo git knows root's address; but the clone says which key signs.
fn owner(repo: &Repo, model: &Model) -> Result<PersonName, CliError> {
    let git = Git::at(repo.root());
    let (signing, email) = (configured(&git)?, git.config("user.email")?);
    let signs = |person: &Person| signing.as_ref().is_some_and(|signing| person.keys.contains(&signing.key));
    let commits = |person: &Person| email.as_ref() == Some(&person.email);
    let first = |is: &dyn Fn(&Person) -> bool| model.people.iter().find(|(_, person)| is(person));
    let only = || model.people.first_key_value().filter(|_| model.people.len() == 1);
    let found = first(&signs).or_else(|| first(&commits)).or_else(only);
    found.map(|(name, _)| name.clone()).ok_or_else(|| {
        CliError::user("nobody in people/ signs here, or has the address that git commits with")
            .help("name one: --owner PERSON")
    })
}

/// Proves the repository as it would be with the new file; nothing is written.
fn proven_with(
    args: &Args,
    compiled: Compiled,
    file: &spec::Peer,
    ui: &Ui,
) -> Result<(String, Peer, Model), CliError> {
    let path = path(&args.name);
    let text = spec_text(&path, "peer", file)?;
    let mut inputs = compiled.inputs;
    inputs.files.insert(path, text.clone().into_bytes());
    let compiled = prove(inputs);
    let Some(model) = compiled.model else { return Err(show(&compiled.findings, &compiled.inputs, ui)) };
    let peer = model.peers.get(&args.name).cloned().ok_or_else(|| CliError::bug("the new device is gone"))?;
    Ok((text, peer, model))
}

fn report(args: &Args, peer: &Peer, keep: Option<&Keep>, ui: &Ui) {
    let (path, device) = (path(&args.name), &peer.device);
    let until = device.until.map_or("without end".to_owned(), |day| format!("until {day}"));
    if ui.json() {
        ui.value(&serde_json::json!({
            "peer": args.name, "path": path, "key": device.key, "mesh": device.ip, "via": device.via,
            "configuration": keep.and_then(Keep::path),
        }));
    }
    let kept = keep
        .and_then(Keep::path)
        .map_or_else(String::new, |file| format!(", and {} (private key, only there)", file.display()));
    ui.done(format_args!("wrote {path} (public key, {}, via {}, {until}){kept}", device.ip, device.via));
}
