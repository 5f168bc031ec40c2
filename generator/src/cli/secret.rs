//! `knarr secret`.

mod edit;
pub(super) mod rekey;
mod who;

use super::people::changed;
use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::{Findings, near};
use crate::lower::holders;
use crate::model::Model;
use crate::recipients::recipients;
use crate::secrets;
use crate::spec::Spec;
use crate::ui::Ui;
use knarr_node::name::{NodeName, SecretName};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Set, edit, list and re-encrypt the secrets of machines
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Set(Set),
    Edit(edit::Args),
    List(List),
    Who(who::Args),
    Rekey(rekey::Args),
}

/// Encrypt a value to those whom `secrets` in cluster.yaml names, else to everybody who has `decrypt`
///
/// The value comes from standard input as it is, or is asked for without echo.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr secret set greeting\n  openssl rand -hex 32 | knarr secret set token"
)]
struct Set {
    /// The secret's name: secrets/NAME.age
    name: SecretName,
    /// Replace the value that it has, without asking
    #[arg(long)]
    force: bool,
}

/// List secrets and the machines that use them; no value is shown
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr secret list --output json")]
struct List {}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::Set(args) => set(args, ui),
        Command::Edit(args) => edit::run(args, ui),
        Command::List(_) => list(ui),
        Command::Who(args) => who::run(args, ui),
        Command::Rekey(args) => rekey::run(args, ui),
    }
}

fn set(args: &Set, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let path = format!("secrets/{}.age", args.name);
    may_write(&repo, &path, args, ui)?;
    let spec = Spec::of(&repo.inputs()?, &mut Findings::default());
    let to = recipients(&spec, args.name.as_str());
    write(&repo, &args.name, &to, &value(&args.name, ui)?, ui)
}

/// Writes a new value for these recipients.
fn write(
    repo: &Repo,
    name: &SecretName,
    to: &BTreeSet<String>,
    value: &[u8],
    ui: &Ui,
) -> Result<Done, CliError> {
    let (path, opens) = (format!("secrets/{name}.age"), to.len());
    repo.write(&path.parse().expect("a secret's name has no slash"), &secrets::seal(to, value)?)?;
    if ui.json() {
        ui.value(&serde_json::json!({ "path": path, "identities": opens }));
    }
    ui.done(format_args!("wrote {path}, which {opens} identities can open; next: knarr render"));
    changed(repo, &|entry| entry == name.as_str(), ui)?;
    Ok(Done::Fine)
}

/// Asks before a value is replaced. The value may come from standard input, so that a question needs a terminal.
fn may_write(repo: &Repo, path: &str, args: &Set, ui: &Ui) -> Result<(), CliError> {
    if args.force || repo.read(path)?.is_none() {
        return Ok(());
    }
    if !ui.is_interactive() {
        return Err(CliError::user(format!("`{path}` has a value already"))
            .help(format!("to replace it: knarr secret set --force {}", args.name)));
    }
    if ui.ask(&format!("{path} has a value already. Replace it?"))? {
        return Ok(());
    }
    Err(CliError::user("nothing was changed"))
}

/// Returns the secrets that were named, or all.
fn wanted<'a>(named: &[SecretName], there: &[&'a str]) -> Result<BTreeSet<&'a str>, CliError> {
    if named.is_empty() {
        return Ok(there.iter().copied().collect());
    }
    let find = |name: &SecretName| {
        there.iter().copied().find(|there| *there == name.as_str()).ok_or_else(|| {
            let hint = near(name.as_str(), there.iter().copied(), "knarr secret list");
            CliError::user(format!("there is no secrets/{name}.age")).help(hint)
        })
    };
    named.iter().map(find).collect()
}

/// The most bytes that a value may have: it is held in memory by every machine that needs it.
const LARGEST: usize = 1 << 20;

fn value(name: &SecretName, ui: &Ui) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if let Some(typed) = ui.hidden(&format!("{name}: "))? {
        return Ok(Zeroizing::new(typed.as_bytes().to_vec()));
    }
    let bytes = secrets::read_value(&mut std::io::stdin().lock(), LARGEST + 1)
        .map_err(|error| CliError::environment(format!("cannot read the value: {error}")))?;
    fits(name, &bytes)?;
    Ok(bytes)
}

/// Refuses what is no value for machines.
fn fits(name: &SecretName, bytes: &[u8]) -> Result<(), CliError> {
    if bytes.len() > LARGEST {
        return Err(CliError::user("the value is larger than 1 MiB")
            .help("a secret is a password or a key; give machines large files as artifacts"));
    }
    if bytes.is_empty() {
        return Err(
            CliError::user("the value is empty").help(format!("printf %s VALUE | knarr secret set {name}"))
        );
    }
    Ok(())
}

/// A secret for programs.
#[derive(Serialize)]
struct Row {
    name: String,
    nodes: Vec<String>,
}

fn list(ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (inputs, mut findings) = (repo.inputs()?, Findings::default());
    let spec = Spec::of(&inputs, &mut findings);
    let model = Model::of(&spec, &inputs, &mut findings);
    let users = users(model.as_ref());
    let nodes = |name: &str| users.get(name).cloned().unwrap_or_default();
    let names = inputs.names("secrets", ".age");
    let rows: Vec<Row> = names.map(|name| Row { name: name.to_owned(), nodes: nodes(name) }).collect();
    if ui.json() {
        ui.value(&rows);
    } else {
        let lines: Vec<[String; 2]> = rows.into_iter().map(|row| [row.name, row.nodes.join(" ")]).collect();
        ui.table(["SECRET", "USED BY"], &lines);
    }
    Ok(Done::Fine)
}

/// Returns the machines that get each secret.
fn users(model: Option<&Model>) -> BTreeMap<String, Vec<String>> {
    let text = |(secret, nodes): (SecretName, BTreeSet<NodeName>)| {
        (secret.to_string(), nodes.iter().map(ToString::to_string).collect())
    };
    model.map(holders).unwrap_or_default().into_iter().map(text).collect()
}
