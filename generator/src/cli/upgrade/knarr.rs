//! `knarr upgrade knarr`.

use super::super::node::proven;
use super::super::{Done, open};
use crate::binary::{self, Version};
use crate::disk::Repo;
use crate::error::CliError;
use crate::follow::{Follower, followers};
use crate::format::{self, Asked};
use crate::git::History;
use crate::machine::{INCOMING, Machine, MachineError, at_once};
use crate::model::Model;
use crate::plan::base;
use crate::release::{Release, Releases};
use crate::render::Compiled;
use crate::secrets::digest;
use crate::spec::{Arch, Download, Lock, Pinned, parse};
use crate::ssh::Ssh;
use crate::ui::Ui;
use knarr_node::causes::chain;
use knarr_node::name::{NodeName, RepoPath};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Pin a version of knarrd, with the digests of its files
///
/// Without VERSION: the one of this program. Digests come from the first of `mirrors` in cluster.yaml that has
/// knarr/vVERSION/sha256sum-ARCH.txt, and machines download knarrd-ARCH beside it. Where no mirror has this program's
/// version, its knarrd is copied from here to all machines by ssh. Nothing of it runs before it is shipped; then each
/// machine tries it by one pass, and puts the one before back unless that ends. A new format of what machines read takes
/// this twice: the second time, after the first was shipped, knarr.lock says the format.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr upgrade knarr && knarr ship -m \"another knarrd\"\n  knarr upgrade knarr 0.2.0"
)]
pub(super) struct Args {
    /// A version, e.g. 0.2.0
    #[arg(value_name = "VERSION")]
    wanted: Option<Version>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    let version = args.wanted.unwrap_or_else(Version::own);
    forward(&compiled, version)?;
    let archs = archs(&model);
    let pinned = match mirrored(&model, version, ui) {
        Ok(pinned) => pinned,
        Err(_) if version == Version::own() => brought(&model, &archs, ui)?,
        Err(error) => return Err(error),
    };
    for (arch, nodes) in &archs {
        if pinned.file(*arch).is_none() {
            let why = format!("no mirror has knarrd {version} for {arch}, which is what {nodes} needs");
            return Err(CliError::environment(why)
                .help(format!("put knarrd-{arch} and sha256sum-{arch}.txt beside the others")));
        }
    }
    write(&repo, &compiled, version, pinned, ui)
}

/// Refuses to go back, and beyond what this program can render.
fn forward(compiled: &Compiled, version: Version) -> Result<(), CliError> {
    let own = Version::own();
    if version > own {
        let why = format!("this is knarr {own}, which would not render a repository that needs {version}");
        return Err(CliError::user(why).help(format!("install knarr {version}, and type this again with it")));
    }
    let pinned = compiled.spec.lock.of("knarrd").filter_map(|(version, _)| version.parse().ok()).max();
    // Without a pin machines run what `knarr node add` brought from here.
    let now = pinned.unwrap_or(own);
    if version >= now {
        return Ok(());
    }
    let why =
        format!("{version} is older than {now}, and an older knarrd may not read what a newer one wrote");
    Err(CliError::user(why).help("pin a newer one; git revert takes back a commit whose knarrd did not work"))
}

/// Returns the architectures of all machines, each with one that has it; of this machine when there is none.
fn archs(model: &Model) -> BTreeMap<Arch, String> {
    let nodes = model.nodes.iter().filter(|(_, node)| !node.removed);
    let archs: BTreeMap<Arch, String> = nodes.map(|(name, node)| (node.arch, name.to_string())).collect();
    if archs.is_empty() {
        binary::own_arch().map(|arch| (arch, "this machine".to_owned())).into_iter().collect()
    } else {
        archs
    }
}

fn mirrored(model: &Model, version: Version, ui: &Ui) -> Result<Pinned, CliError> {
    let _progress = ui.progress(format!("fetching the digests of knarrd {version}"));
    Ok(Releases::new(&model.cluster.mirrors)?.digests(Release::Knarrd(version))?)
}

/// Copies this version's knarrd to all machines, and pins it there.
fn brought(model: &Model, archs: &BTreeMap<Arch, String>, ui: &Ui) -> Result<Pinned, CliError> {
    let programs: BTreeMap<Arch, PathBuf> =
        archs.keys().map(|arch| Ok((*arch, program(*arch)?))).collect::<Result<_, CliError>>()?;
    let nodes: Vec<Follower> = followers(model).into_iter().filter(|node| !node.removed).collect();
    let progress = ui.progress("copying knarrd to all machines");
    let (ssh, here) = (Ssh::new()?, Ssh::here()?);
    let copied = at_once(&nodes, |node| {
        let machine = Machine { ssh: if node.here { &here } else { &ssh }, target: &node.target };
        machine.offer_knarrd(&programs[&model.nodes[&node.node].arch])
    });
    drop(progress);
    tell(model, &nodes, &copied, ui)?;
    let mut pinned = Pinned::default();
    for (arch, program) in programs {
        let bytes = std::fs::read(&program).map_err(|error| {
            CliError::environment(format!("cannot read `{}`: {error}", program.display()))
        })?;
        let sha256 = digest(&bytes).hex().as_str().into();
        *pinned.file_mut(arch) = Some(Download { sha256, from: vec![INCOMING.into()] });
    }
    Ok(pinned)
}

/// Finds knarrd, which has to be of this program's version as far as that can be asked here.
fn program(arch: Arch) -> Result<PathBuf, CliError> {
    let program = binary::find(arch).map_err(|error| CliError::environment(&error).help(error.help()))?;
    match binary::version(&program).filter(|_| binary::own_arch() == Some(arch)) {
        Some(version) if version != Version::own() => {
            let why =
                format!("`{}` is knarrd {version}, and this is knarr {}", program.display(), Version::own());
            Err(CliError::environment(why).help("install both from one package or one build"))
        }
        Some(_) | None => Ok(program),
    }
}

/// Says which machines have it, and which have not.
fn tell(
    model: &Model,
    nodes: &[Follower],
    copied: &[Result<(), MachineError>],
    ui: &Ui,
) -> Result<(), CliError> {
    let there: BTreeSet<&NodeName> =
        nodes.iter().zip(copied).filter(|(_, copied)| copied.is_ok()).map(|(node, _)| &node.node).collect();
    for (node, copied) in nodes.iter().zip(copied) {
        if let Err(error) = copied {
            ui.wrong(format_args!("{}: {}", node.node, chain(error)));
            ui.say(format_args!("     {}", error.help()));
        }
    }
    let all = model.nodes.iter().filter(|(_, node)| !node.removed).map(|(name, _)| name);
    let missing: Vec<&str> = all.filter(|name| !there.contains(name)).map(NodeName::as_str).collect();
    if !missing.is_empty() && there.is_empty() {
        return Err(CliError::environment("no machine was reached; nothing is pinned")
            .help("knarr upgrade knarr, once they are; or name a mirror in cluster.yaml"));
    }
    if !missing.is_empty() {
        ui.say(format_args!(
            "{}: no knarrd came there; they stay as they are until this is done again: knarr upgrade knarr",
            missing.join(", ")
        ));
    }
    if !there.is_empty() {
        let there: Vec<&str> = there.into_iter().map(NodeName::as_str).collect();
        ui.done(format_args!("knarrd {} lies ready on {}", Version::own(), there.join(", ")));
    }
    Ok(())
}

fn write(
    repo: &Repo,
    compiled: &Compiled,
    version: Version,
    pinned: Pinned,
    ui: &Ui,
) -> Result<Done, CliError> {
    let step = format::step(asked(repo, compiled), version);
    let mut lock = compiled.spec.lock.clone();
    let archs = pinned.archs();
    lock.pin("knarrd", &version.to_string(), pinned);
    format::say(&mut lock, step.now);
    if lock == compiled.spec.lock {
        ui.done(format_args!("knarrd {version} is pinned already, with the same digests"));
    } else {
        repo.write_spec(&"knarr.lock".parse().expect("it is a path in the repository"), "lock", &lock)?;
        ui.done(format_args!("pinned knarrd {version} for {archs} in knarr.lock, format {}", step.now));
    }
    match step.then {
        None => ui.say("Next: knarr plan, then knarr ship"),
        Some(then) => ui.say(format_args!(
            "Next: knarr ship; and once machines run it, knarr upgrade knarr and knarr ship again, for format {then}"
        )),
    }
    Ok(Done::Fine)
}

/// Returns which knarrd the commit asks for that machines may follow already.
fn asked(repo: &Repo, compiled: &Compiled) -> Asked {
    let branch = compiled.spec.cluster.as_ref().map_or("main", |cluster| &cluster.git.branch.value);
    let history = History::open(repo.root());
    let Some((history, commit)) = history.and_then(|it| base(&it, branch).map(|commit| (it, commit))) else {
        return Asked::Nothing;
    };
    let path: RepoPath = "knarr.lock".parse().expect("it is a path in the repository");
    let lock = history.file(&commit, path.as_str()).unwrap_or_default();
    let lock: Lock = parse(&path, &lock).unwrap_or_default();
    let newest = lock.of("knarrd").filter_map(|(version, _)| version.parse().ok()).max();
    newest.map_or(Asked::Any, Asked::Version)
}
