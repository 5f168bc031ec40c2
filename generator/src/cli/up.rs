//! `knarr up`: one machine, from nothing to a server that follows a repository on its own disk.

mod here;

use super::node::{announce, joined, proven};
use super::ship::{accompany, commit_and_push, judge};
use super::{Done, new};
use crate::disk::Repo;
use crate::enrol::{Trouble, pin};
use crate::error::CliError;
use crate::git::Git;
use crate::join::{self, Wishes, contradictions, parts, places, refusals};
use crate::origin::{self, REMOTE};
use crate::render;
use crate::spec::Spec;
use crate::ssh::Ssh;
use crate::ui::Ui;
use here::{Here, look};
use ipnet::Ipv4Net;
use knarr_node::firewall::{Open, Ssh as SshFrom};
use knarr_node::name::ClusterName;
use std::path::PathBuf;
use std::time::Duration;

/// How long the first pass may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Make this machine a cluster of its own, which follows a git repository on its own disk
///
/// The repository is ./NAME, made as by `knarr new`, and its origin is /srv/knarr/NAME.git; `knarr origin URL` moves it
/// later. Looks at the machine first, shows what would happen, and asks once. Doing it again after a failure goes on
/// where it stopped.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(
    mut_arg("origin", |arg| arg.hide(true)),
    after_help = "Examples:\n  knarr up harbor\n  knarr up harbor --domain harbor.example --open 80,443 --recovery /root/kit.txt --yes"
)]
pub(super) struct Args {
    #[command(flatten)]
    new: new::Args,
    /// Ports to keep open to the internet, e.g. 80,443,udp/53; all else that listens closes
    #[arg(long, value_name = "PORT,…", value_delimiter = ',')]
    open: Vec<Open>,
    /// Turn ufw or firewalld off where one filters: Knarr's own table takes its place
    #[arg(long)]
    replace_firewall: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let ui = ui.assume(args.yes);
    let name = args.new.name();
    if args.new.has_origin() {
        return Err(CliError::user("the origin of `up` is on this machine")
            .help(format!("knarr up {name}, and then: knarr origin URL")));
    }
    let ssh = Ssh::here()?;
    let here = look(&ssh, name, &ui)?;
    let repo = Repo::at(name.as_str());
    let spec = written(&repo)?;
    refuse(args, &spec, &here, &ui)?;
    announce_all(args, &spec, &here, &ui);
    if !ui.ask("Go on?")? {
        return Err(CliError::user("nothing was done"));
    }
    let git = Git::at(repo.root());
    found(args, &repo, &git, &ui)?;
    join(args, &repo, &ssh, &here, &ui)?;
    let head = bring(&repo, &git, &here, &ui)?;
    let (_, model) = proven(&repo, &ui)?;
    let fates = accompany(&repo, &git, &model, head, PATIENCE, &ui)?;
    let again = format!("cd {name} && knarr ship follows again; look at: knarrd status");
    judge(&fates).map_err(|error| error.help(again))?;
    close(name, &here, &ui);
    Ok(Done::Fine)
}

/// Reads what the repository says already; nothing when there is none yet.
fn written(repo: &Repo) -> Result<Spec, CliError> {
    let there = repo.read("cluster.yaml")?.is_some();
    Ok(if there { render::compile(repo)?.spec } else { Spec::default() })
}

/// Stops for what a person must put right first, all at once.
fn refuse(args: &Args, spec: &Spec, here: &Here, ui: &Ui) -> Result<(), CliError> {
    let candidates = std::slice::from_ref(&here.candidate);
    let mut refused = refusals(args.new.name(), &spec.nodes, candidates);
    refused.extend(contradictions(spec, candidates, &wishes(args, here)));
    refused.retain(|(_, why)| !(args.replace_firewall && matches!(why, join::Refusal::Firewall(_))));
    let mut troubles: Vec<Trouble> =
        refused.iter().map(|(node, why)| Trouble::of(node, why, why.help())).collect();
    if let Ok(arch) = &here.candidate.probe.arch
        && let Err(error) = crate::binary::find(*arch)
    {
        troubles.push(Trouble::of(&here.candidate.name, &error, error.help()));
    }
    if !here.keys {
        troubles.push(Trouble {
            node: here.candidate.name.clone(),
            why: "nobody logs in here with a key, and from now on only keys would count".to_owned(),
            help: format!("on your own machine: ssh-copy-id {}", here.candidate.target),
        });
    }
    if troubles.is_empty() {
        return Ok(());
    }
    if ui.json() {
        ui.value(&serde_json::json!({ "refused": troubles }));
    }
    for Trouble { node, why, help } in &troubles {
        ui.wrong(format_args!("{node}: {why}"));
        ui.say(format_args!("     {help}"));
    }
    ui.say("Nothing was done.");
    Err(CliError::told())
}

fn announce_all(args: &Args, spec: &Spec, here: &Here, ui: &Ui) {
    let (name, part) = (args.new.name(), part(args, spec, mesh(spec), here));
    let folder = std::path::absolute(name.as_str()).unwrap_or_else(|_| PathBuf::from(name.as_str()));
    ui.say("This machine becomes a cluster of its own that follows a git repository.\n");
    ui.say(format_args!("  repository  {}", folder.display()));
    ui.say(format_args!(
        "  origin      {} (here; `knarr origin URL` moves it later)\n",
        place(name).display()
    ));
    announce::announce(std::slice::from_ref(&here.candidate), &[part], &SshFrom::Anywhere, ui);
    ui.say("The firewall is guarded; there is no witness yet, so sshd stays open to the internet.");
}

fn place(name: &ClusterName) -> PathBuf {
    PathBuf::from(origin::ORIGINS).join(format!("{name}.git"))
}

/// Makes the repository and its origin, unless a run before did.
fn found(args: &Args, repo: &Repo, git: &Git, ui: &Ui) -> Result<(), CliError> {
    let name = args.new.name();
    let origin = place(name);
    let text = origin.to_string_lossy().into_owned();
    if repo.read("cluster.yaml")?.is_none() {
        new::found(&args.new.with_origin(&text), ui)?;
    }
    std::fs::create_dir_all(&origin).map_err(|error| {
        CliError::environment(format!("cannot make `{text}`: {error}")).help("df -h /srv; run it as root")
    })?;
    git.run(&["init", "--quiet", "--bare", "--initial-branch=main", &text])?;
    git.push(REMOTE, "main")?;
    Ok(())
}

/// Enrols this machine and writes its file.
fn join(args: &Args, repo: &Repo, ssh: &Ssh, here: &Here, ui: &Ui) -> Result<(), CliError> {
    let (compiled, model) = proven(repo, ui)?;
    let candidate = &here.candidate;
    let _progress = ui.progress("enrolling this machine");
    let born = pin(repo, &model)?.enrol(ssh, &model, candidate);
    let born = born.map_err(|trouble| CliError::environment(trouble.why).help(trouble.help))?;
    if !compiled.spec.nodes.contains_key(candidate.name.as_str()) {
        let part = part(args, &compiled.spec, model.cluster.network.mesh, here);
        joined(repo, &compiled.spec, candidate, &part, &born)?;
    }
    Ok(())
}

fn mesh(spec: &Spec) -> Ipv4Net {
    let written = spec.cluster.as_ref().map(|cluster| cluster.network.clone()).unwrap_or_default();
    written.mesh.parse().unwrap_or_else(|_| mesh(&Spec::default()))
}

fn wishes(args: &Args, here: &Here) -> Wishes {
    let (name, open) = (&here.candidate.name, args.open.iter().copied().collect());
    Wishes { servers: [name.clone()].into(), open: [(name.clone(), open)].into() }
}

fn part(args: &Args, spec: &Spec, mesh: Ipv4Net, here: &Here) -> join::Part {
    let candidate = &here.candidate;
    let places = places(&spec.nodes, &[&candidate.probe]);
    let mut all = parts(spec, mesh, &[&candidate.name], &places, &wishes(args, here));
    all.pop().expect("each machine has its part")
}

/// Renders, commits and pushes; returns the commit.
fn bring(repo: &Repo, git: &Git, here: &Here, ui: &Ui) -> Result<knarr_node::name::Oid, CliError> {
    render::render(repo, ui)?;
    let (_, model) = proven(repo, ui)?;
    let message = format!("nodes: let {} join", here.candidate.name);
    let message = git.is_dirty()?.then_some(message);
    commit_and_push(git, &model, message.as_deref(), ui)
}

/// Says what is there, and what is still open.
fn close(name: &ClusterName, here: &Here, ui: &Ui) {
    ui.say(format_args!("\n{name} is up on {}.", here.candidate.name));
    ui.say("Still open:");
    ui.say("  there is no copy of the repository off this machine: knarr origin URL");
    ui.say("  the signing key lives on the machine that it protects: move it to your own, with a clone");
    ui.say(format_args!(
        "Next: cd {name}; knarr peer add laptop    knarr node add NAME=USER@HOST    knarr app add NAME --image IMAGE"
    ));
}
