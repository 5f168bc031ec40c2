//! `knarr unseal`.

use super::Done;
use super::seal::find;
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Form, SealedSecret, Value, opened};
use crate::ui::Ui;
use knarr_node::name::DataKey;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Open a sealed Secret, on this machine, for you alone
///
/// Takes the key in secrets/sealing-keys.age, which your age identity opens, or private keys in files. Shows the Secret on
/// standard output, with `KEY` that value as it is, or runs a command that has the values in its environment. Nothing is
/// written to disk.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr unseal shop/db\n  knarr unseal db password | wl-copy\n  knarr unseal db --exec psql -h localhost\n  knarr unseal old.yaml --recovery-private-key backup.key"
)]
pub(super) struct Args {
    /// The Secret: NAME, NAMESPACE/NAME, a file by its path (.yaml, .yml, .json), or `-` for standard input
    #[arg(value_name = "NAME|FILE|-")]
    secret: String,
    /// Show this value only, as it is
    key: Option<DataKey>,
    /// Run this, with each value in the variable that its key names; all that follows belongs to it
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true, conflicts_with = "key")]
    exec: Vec<OsString>,
    /// A private key in PEM, or Secrets of the controller, in place of the repository's; can be repeated
    #[arg(long, value_name = "FILE")]
    recovery_private_key: Vec<PathBuf>,
}

type Values = BTreeMap<DataKey, Value>;

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let is_file = find::is_file(&args.secret);
    let needs = !is_file || args.recovery_private_key.is_empty();
    let repo = if needs { Some(Repo::open()?) } else { None };
    let sealed: Vec<SealedSecret> = match &repo {
        Some(repo) if !is_file => {
            let (found, at) = find::named(repo, &args.secret)?;
            found.file.entries.into_iter().skip(at).take(1).map(|entry| entry.sealed).collect()
        }
        Some(_) | None => find::file(&args.secret)?.entries.into_iter().map(|entry| entry.sealed).collect(),
    };
    let keys = find::keys(repo.as_ref(), &args.recovery_private_key)?;
    let mut all = Vec::new();
    for sealed in sealed {
        let values = keys.open_all(&sealed).map_err(|errors| refused(&sealed, &errors))?;
        all.push((sealed, values));
    }
    if let Some(key) = &args.key {
        return value(&one(all)?, key, ui);
    }
    if !args.exec.is_empty() {
        return exec(&one(all)?.1, &args.exec);
    }
    let form = if ui.json() { Form::Json } else { Form::Yaml };
    for (sealed, values) in &all {
        ui.text(&opened(sealed, values, form).ok_or_else(|| CliError::bug("a Secret could not be written"))?);
        if sealed.spec.template.rest.contains_key("data") {
            ui.note("note: the controller fills in `template.data`, which is not shown here");
        }
    }
    Ok(Done::Fine)
}

fn refused(sealed: &SealedSecret, errors: &[crate::seal::OpenError]) -> CliError {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    CliError::user(format!("cannot open {}: {}", sealed.title(), all.join("; ")))
        .help("knarr validate says for each value what is wrong")
}

fn one(mut all: Vec<(SealedSecret, Values)>) -> Result<(SealedSecret, Values), CliError> {
    if all.len() > 1 {
        return Err(CliError::user(format!("there are {} Secrets in it", all.len()))
            .help("name one: knarr unseal NAMESPACE/NAME"));
    }
    all.pop().ok_or_else(|| CliError::bug("a Secret was found and lost"))
}

fn value((sealed, values): &(SealedSecret, Values), key: &DataKey, ui: &Ui) -> Result<Done, CliError> {
    let Some(value) = values.get(key) else {
        let keys: Vec<&str> = values.keys().map(DataKey::as_str).collect();
        return Err(CliError::user(format!("{} has no key `{key}`", sealed.title()))
            .help(format!("it has {}", keys.join(", "))));
    };
    ui.bytes(&value.0);
    Ok(Done::Fine)
}

/// Variables that say which code a program runs: whoever may seal could run it as you.
const CODE: [&str; 12] = [
    "BASH_ENV",
    "ENV",
    "GIT_SSH_COMMAND",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "NODE_OPTIONS",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PYTHONSTARTUP",
    "PYTHONPATH",
    "RUBYOPT",
    "SHELL",
];

/// Becomes the command; on success, this does not return.
fn exec(values: &Values, words: &[OsString]) -> Result<Done, CliError> {
    for (key, value) in values {
        let name = key.as_str();
        let why = if value.0.contains(&0) {
            "its value has a byte 0, which no variable may have"
        } else if name.starts_with("LD_") || CODE.contains(&name) || std::env::var_os(name).is_some() {
            "it would change what you or your programs have set there, and anybody may seal one"
        } else {
            continue;
        };
        return Err(CliError::user(format!("`{name}` cannot become a variable: {why}"))
            .help("take the values that you need one by one: knarr unseal NAME KEY"));
    }
    let [program, rest @ ..] = words else { return Err(CliError::bug("there is no command")) };
    let mut command = Command::new(program);
    command
        .args(rest)
        .envs(values.iter().map(|(key, value)| (key.as_str(), std::ffi::OsStr::from_bytes(&value.0))));
    let error = command.exec();
    Err(CliError::environment(format!("cannot run `{}`: {error}", program.to_string_lossy()))
        .help("name a program that is installed"))
}
