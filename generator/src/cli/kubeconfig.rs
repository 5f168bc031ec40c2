//! `knarr kubeconfig`.

use super::node::proven;
use super::{Done, open};
use crate::disk::Repo;
use crate::emit::{Line, yaml};
use crate::error::CliError;
use crate::git::Git;
use crate::k3s::Authority;
use crate::kubeconfig::{Access, merged};
use crate::model::Model;
use crate::private::write_over;
use crate::render::{Compiled, today};
use crate::secrets::{Identities, identity_path};
use crate::signing::{configured, home};
use crate::ui::Ui;
use jiff::ToSpan;
use knarr_node::name::{NodeName, PersonName};
use knarr_node::net::MeshIp;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make your way into the cluster's API: a kubeconfig with a certificate of your own
///
/// Signs it here, offline, with the repository's authority, for which your age identity is used. The API is reached over
/// the mesh: on a node, or on a device that may `reach` it. Whoever has the file may do everything in the cluster until
/// it expires, so keep it as you keep an SSH key. With several servers it asks the first, and has a context for each other
/// one, e.g. harbor@worker.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr kubeconfig --use && kubectl get nodes\n  knarr kubeconfig --days 7 --to ci.kubeconfig"
)]
pub(super) struct Args {
    /// Put it into kubectl's own file (KUBECONFIG, else ~/.kube/config) and make it the current one
    #[arg(long = "use", conflicts_with = "to")]
    current: bool,
    /// Write it to this file, mode 0600 [default: ~/.kube/CLUSTER.yaml]
    #[arg(long, value_name = "FILE", hide_default_value = true)]
    to: Option<PathBuf>,
    /// How many days it is good for
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i32).range(1..=3650))]
    days: i32,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    let path = path(args, &model)?;
    outside(&repo, &path)?;
    let text = make(args, &repo, &compiled, &model)?;
    if args.current {
        write_over(&path, &with_others(&path, &text)?)?;
    } else {
        write_over(&path, &text)?;
    }
    if ui.json() {
        ui.value(&serde_json::json!({ "path": path, "context": model.cluster.name }));
    }
    ui.done(format_args!("wrote {}: good for {} days", path.display(), args.days));
    if !args.current {
        ui.say(format_args!("To use it: export KUBECONFIG={}", path.display()));
    }
    if let [(first, _), (other, _), ..] = model.servers()[..] {
        let cluster = &model.cluster.name;
        ui.say(format_args!("It asks {first}. When that one is down: kubectl --context {cluster}@{other}"));
    }
    Ok(Done::Fine)
}

/// Returns where it goes.
fn path(args: &Args, model: &Model) -> Result<PathBuf, CliError> {
    let folder = || home().map(|home| home.join(".kube"));
    match (&args.to, std::env::var_os("KUBECONFIG")) {
        (Some(path), _) => Ok(path.clone()),
        (None, Some(list)) if args.current => {
            let first = std::env::split_paths(&list).find(|path| !path.as_os_str().is_empty());
            first.map_or_else(|| folder().map(|folder| folder.join("config")), Ok)
        }
        (None, _) if args.current => Ok(folder()?.join("config")),
        (None, _) => Ok(folder()?.join(format!("{}.yaml", model.cluster.name))),
    }
}

/// Refuses a place in the repository: the next commit would publish a private key.
fn outside(repo: &Repo, path: &Path) -> Result<(), CliError> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if absolute(path).starts_with(absolute(repo.root())) {
        return Err(CliError::user("a private key has no place in the repository")
            .help("name a file elsewhere: --to ~/.kube/NAME.yaml"));
    }
    Ok(())
}

fn make(args: &Args, repo: &Repo, compiled: &Compiled, model: &Model) -> Result<Zeroizing<String>, CliError> {
    let read = |path: &str| {
        compiled.inputs.get(path).ok_or_else(|| {
            CliError::user(format!("there is no `{path}`, which `knarr new` makes"))
                .help("this repository is older than K3s in Knarr: make a new one with `knarr new`")
        })
    };
    let [client, server] = [Authority::Client, Authority::Server].map(|ca| ca.certificate().to_string());
    let (client, server_ca) = (read(&client)?, read(&server)?);
    let source = format!("secrets/{}.age", Authority::Client.key());
    let identities = Identities::read(&identity_path(&model.cluster.name))?;
    let key = identities.open(&source, read(&source)?)?;
    let today = today();
    let access = Access {
        cluster: &model.cluster.name,
        person: &person(repo, model)?,
        servers: servers(model)?,
        server_ca,
        days: (today, today.saturating_add(args.days.days())),
    };
    access.file(client, &key).map_err(|error| CliError::user(&error).help(error.help()))
}

/// Returns the servers with where they are, the first one first.
fn servers(model: &Model) -> Result<Vec<(&NodeName, MeshIp)>, CliError> {
    let servers: Vec<_> = model.servers().into_iter().map(|(name, node)| (name, node.mesh)).collect();
    Some(servers).filter(|servers| !servers.is_empty()).ok_or_else(|| {
        CliError::user("there is no server yet, so there is no API").help("knarr node add NAME=USER@HOST")
    })
}

/// Returns who signs here, else the first signer.
fn person(repo: &Repo, model: &Model) -> Result<PersonName, CliError> {
    let signs = configured(&Git::at(repo.root()))?.map(|signing| signing.key);
    let named = model.people.iter().find(|(_, person)| signs.iter().any(|key| person.keys.contains(key)));
    let first = || model.cluster.signers.first().cloned();
    named
        .map(|(name, _)| name.clone())
        .or_else(first)
        .ok_or_else(|| CliError::user("nobody here is a person of the repository").help("knarr setup"))
}

/// Returns kubectl's file with this way in it.
fn with_others(path: &Path, text: &Zeroizing<String>) -> Result<Zeroizing<String>, CliError> {
    let there = match std::fs::read_to_string(path) {
        Ok(there) => Zeroizing::new(there),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(text.clone()),
        Err(error) => {
            return Err(CliError::environment(format!("cannot read `{}`: {error}", path.display())));
        }
    };
    let all = merged(&there, text).map_err(|error| {
        CliError::user(format!("cannot put it into `{}`: {error}", path.display())).help(error.help())
    })?;
    yaml::to_string(&all, Line::Fits).map(Zeroizing::new).map_err(|error| CliError::bug(error.to_string()))
}
