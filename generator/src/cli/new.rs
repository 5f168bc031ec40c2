//! `knarr new`.

use super::Done;
use super::sealing_key::Making;
use super::upgrade::Wanted;
use crate::disk::Repo;
use crate::error::CliError;
use crate::fresh::{Fresh, Recovery};
use crate::git::Git;
use crate::k3s::{Material, Version};
use crate::known_hosts::SshHost;
use crate::private::write_new;
use crate::release::{Release, Releases};
use crate::render::{render, today};
use crate::seal::Ring;
use crate::secrets::{self, Identities};
use crate::setup::setup;
use crate::signing::{self, Signing};
use crate::spec::Pinned;
use crate::template::Service;
use crate::ui::Ui;
use knarr_node::item::Source;
use knarr_node::name::{ClusterName, PersonName};
use std::path::{Path, PathBuf};

/// Make a new cluster repository in ./NAME
///
/// Writes, renders and commits it, signed; needs no network, but for the digests of `--k3s`. The recovery kit is shown once.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr new harbor --domain harbor.example --origin git@github.com:me/harbor.git --k3s v1.36\n  knarr new harbor --mirror /srv/mirror"
)]
pub(super) struct Args {
    /// The cluster's name, and the folder's
    name: ClusterName,
    /// Domain of apps and machines
    #[arg(long)]
    domain: Option<String>,
    /// Where machines will find the commits, as git takes it
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Pin this version of K3s, e.g. v1.36.2+k3s1 or v1.36; without it and a mirror there is no Kubernetes yet
    #[arg(long, value_name = "VERSION")]
    k3s: Option<Wanted>,
    /// Where machines look first for what they download: an address, or an absolute folder, laid out like the release address
    #[arg(long, value_name = "PLACE")]
    mirror: Option<Source>,
    /// Write the jobs of a CI service; without it: those of the origin's host, if it is github.com, gitlab.com or codeberg.org
    #[arg(long, value_name = "SERVICE")]
    ci: Option<Service>,
    /// Write the recovery kit to a new file instead of the terminal
    #[arg(long, value_name = "FILE")]
    recovery: Option<PathBuf>,
}

impl Args {
    /// Returns the cluster's name.
    pub(super) fn name(&self) -> &ClusterName {
        &self.name
    }

    /// Whether a person says where the commits will be.
    pub(super) fn has_origin(&self) -> bool {
        self.origin.is_some()
    }

    /// Returns who checks each push.
    fn service(&self) -> Service {
        self.ci.unwrap_or_else(|| self.origin.as_deref().map_or(Service::None, Service::of))
    }

    /// Returns the same, for a repository whose commits will be there.
    pub(super) fn with_origin(&self, origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), ..self.clone() }
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    found(args, ui)?;
    next(args, ui);
    Ok(Done::Fine)
}

/// Makes the repository, and shows the recovery kit.
pub(super) fn found(args: &Args, ui: &Ui) -> Result<(), CliError> {
    let here = Path::new(args.name.as_str());
    empty(here)?;
    if args.recovery.is_none() && !ui.is_interactive() {
        return Err(
            CliError::user("the recovery kit can only be shown on a terminal").help("add --recovery FILE")
        );
    }
    let version = version(args, ui)?;
    let sealing = Making::start();
    std::fs::create_dir_all(here)
        .map_err(|error| CliError::environment(format!("cannot make `{}`: {error}", here.display())))?;
    let (repo, git) = (Repo::at(here), Git::at(here));
    git.run(&["init", "--quiet", "--initial-branch=main"])?;
    let (person, email) = identity(&git, ui)?;
    let signing = match signing::candidates(&git)?.into_iter().next() {
        Some(found) => found,
        None => signing::make(&email)?,
    };
    let recovery = Recovery::new(&args.name)?;
    if let Some(file) = &args.recovery {
        write_new(file, &recovery.kit)?;
    }
    let (identity, recipient) = age_identity(&args.name)?;
    let (domain, origin) = (args.domain.clone(), args.origin.clone());
    let k3s = &Material::new(&args.name, today())?;
    let sealing = &Ring::from(sealing.finish(&args.name, ui)?);
    let fresh = Fresh {
        name: args.name.clone(),
        domain,
        origin,
        person: (person, email),
        signing: &signing,
        recipient,
        recovery: &recovery,
        sealing,
        k3s,
        mirror: args.mirror.clone(),
        version,
        ci: args.service(),
    };
    fresh.write(&repo)?;
    let commit = first_commit(&repo, &git, args, &signing, ui)?;
    report(args, &signing, &commit, &identity, ui);
    show_kit(args, &recovery, ui)
}

/// Finds the version of K3s to begin with, and its digests; none when nobody asked for one.
fn version(args: &Args, ui: &Ui) -> Result<Option<(Version, Pinned)>, CliError> {
    if args.k3s.is_none() && args.mirror.is_none() {
        return Ok(None);
    }
    let _progress = ui.progress("fetching the digests of K3s");
    let mirrors: Vec<Source> = args.mirror.iter().cloned().collect();
    let releases = Releases::new(&mirrors)?;
    let version = args.k3s.map_or_else(|| Ok(releases.newest(None)?), |wanted| wanted.find(&releases))?;
    Ok(Some((version, releases.digests(Release::K3s(version))?)))
}

fn empty(folder: &Path) -> Result<(), CliError> {
    let entries = std::fs::read_dir(folder).map_or(0, Iterator::count);
    if entries > 0 || folder.is_file() {
        return Err(
            CliError::user(format!("`{}` is there already", folder.display())).help("choose another name")
        );
    }
    Ok(())
}

/// Returns the first person's name, and the address that commits have.
fn identity(git: &Git, ui: &Ui) -> Result<(PersonName, String), CliError> {
    let user = std::env::var("USER").unwrap_or_default();
    let plain: String =
        user.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = plain.trim_matches('-').parse().unwrap_or_else(|_| "me".parse().expect("it is a name"));
    if let (Some(_), Some(email)) = (git.config("user.name")?, git.config("user.email")?) {
        return Ok((name, email));
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let email = format!("{name}@{}", if host.trim().is_empty() { "localhost" } else { host.trim() });
    git.set_config("user.name", name.as_str())?;
    git.set_config("user.email", &email)?;
    ui.note(format_args!("git does not know you: commits here are by {name} <{email}>. To change it: git config user.email …, and people/{name}.yaml"));
    Ok((name, email))
}

/// Returns the operator's age identity file for a cluster and its recipient; makes it when it is missing.
fn age_identity(cluster: &ClusterName) -> Result<(PathBuf, String), CliError> {
    let path = secrets::identity_path(cluster);
    if !path.exists() {
        let (secret, recipient) = secrets::new_identity();
        let text = zeroize::Zeroizing::new(format!(
            "# age identity of {cluster}\n# {recipient}\n{}\n",
            secret.as_str()
        ));
        write_new(&path, &text)?;
    }
    let recipients = Identities::read(&path)?.recipients();
    let first = recipients.into_iter().next().expect("a file without identities is refused");
    Ok((path, first))
}

fn first_commit(repo: &Repo, git: &Git, args: &Args, signing: &Signing, ui: &Ui) -> Result<String, CliError> {
    setup(repo, "main", signing)?;
    if let Some(origin) = &args.origin {
        git.run(&["remote", "add", "origin", origin])?;
    }
    render(repo, ui)?;
    Ok(git.commit(&format!("cluster: found {}", args.name))?)
}

fn report(args: &Args, signing: &Signing, commit: &str, identity: &Path, ui: &Ui) {
    let short = commit.get(..7).unwrap_or(commit);
    let key = signing.key.fingerprint();
    ui.done(format_args!("{}/ written, commit {short} signed with {key} ({})", args.name, signing.from));
    ui.done(format_args!("age identity {}", identity.display()));
}

fn show_kit(args: &Args, recovery: &Recovery, ui: &Ui) -> Result<(), CliError> {
    if let Some(file) = &args.recovery {
        ui.done(format_args!("recovery kit {}: move it off this machine", file.display()));
        return Ok(());
    }
    ui.say("\nWrite this down, it rebuilds everything (shown once):\n");
    ui.say(recovery.kit.as_str());
    ui.line("[Enter] when it is safe ")?;
    Ok(())
}

fn next(args: &Args, ui: &Ui) {
    let name = &args.name;
    if let Some((path, _)) = args.service().jobs() {
        ui.say(format_args!(
            "Each push is checked once {name}/{path} says where `knarr` is: KNARR_URL, KNARR_SHA256"
        ));
    }
    let Some(origin) = &args.origin else {
        ui.say("Machines need a place to read it from: add its address to git.remotes in cluster.yaml, and");
        ui.say(format_args!("    cd {name} && git remote add origin URL && knarr doctor"));
        return;
    };
    if SshHost::of(origin).is_some() {
        ui.say("To do once, machines must be able to read it:");
        for line in deploy_key(name, origin) {
            ui.say(format_args!("    {line}"));
        }
    }
    ui.say(format_args!("Then: cd {name} && knarr doctor"));
}

fn deploy_key(name: &ClusterName, origin: &str) -> Vec<String> {
    let public = format!("{name}/.knarr/deploy.pub");
    let Some(repo) = github(origin) else {
        return vec![format!("give {public} the right to read {origin}, and nothing else")];
    };
    vec![
        format!("gh repo create {repo} --private && gh repo deploy-key add {public} -R {repo} -t knarr"),
        format!("or paste {public} at github.com/{repo} → Settings → Deploy keys (no write access)"),
    ]
}

/// Returns `owner/name` of a repository at GitHub.
fn github(origin: &str) -> Option<&str> {
    let rest =
        origin.strip_prefix("git@github.com:").or_else(|| origin.strip_prefix("ssh://git@github.com/"))?;
    Some(rest.strip_suffix(".git").unwrap_or(rest))
}
