//! `knarr seal`: what is common to sealing values and whole Secrets.

mod edit;
pub(super) mod find;
mod list;
mod one;
mod out;
mod place;
mod secrets;
mod set;
mod values;

use super::Done;
use crate::disk::Repo;
use crate::each::each;
use crate::error::CliError;
use crate::seal::{CERTIFICATE, Certificate, Plain, Scope, SealedSecret};
use crate::ui::{Progress, Ui, counted};
use jiff::Timestamp;
use knarr_node::name::{AppName, DataKey, Namespace, ObjectName};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use values::Words;

/// Seal the values of a Secret, so that only the cluster can open them
///
/// Works offline, with the repository's certificate (secrets/sealing.crt). Writes apps/APP/NAME.sealed.yaml, in the namespace
/// of the app, or without an app sealed/NAMESPACE/NAME.sealed.yaml.
///
/// Takes values, or with `--from-secret` whole Secrets as kubectl writes them: any number of documents, YAML or JSON, Lists
/// too. Labels, annotations, type and `immutable` of those stay. All are sealed and written, or none: what is wrong is listed.
///
/// A value after `KEY -` is asked for without echo, or comes from standard input as it is. What `--from-literal` says is
/// seen by your shell's history and by who lists processes. Sealing a Secret again replaces all its values;
/// `set` changes single ones. A Secret that is called `set`, `remove`, `edit` or `list` stands behind `--`: knarr seal -n shop -- set KEY -
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  knarr seal db --app shop password -\n  knarr seal db --namespace shop password -\n  printf %s \"$PASSWORD\" | knarr seal db --namespace shop password -\n  knarr seal tls --namespace shop --from-file tls.crt --from-file tls.key=private.pem\n  kubectl get secrets -n shop -o yaml | knarr seal --from-secret -\n  knarr seal --from-secret db.json -o -\n  knarr seal api --namespace shop --raw token -"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The Secret's name
    #[arg(required_unless_present = "from_secret")]
    name: Option<ObjectName>,
    #[command(flatten)]
    words: Words,
    /// Secrets as kubectl writes them, in place of values; `-` is standard input
    #[arg(long, short = 'f', value_name = "FILE|-", conflicts_with_all = ["name", "asked", "from_literal", "from_file", "from_env_file"])]
    from_secret: Vec<PathBuf>,
    /// The app that uses it: its file goes with the app's
    #[arg(long, value_name = "APP")]
    app: Option<AppName>,
    /// The Secret's namespace; else the app's, or what the Secret says itself
    #[arg(long, short, value_name = "NAMESPACE", required_unless_present_any = ["app", "from_secret"])]
    namespace: Option<Namespace>,
    /// Where it opens: under this name, in its namespace, or everywhere [default: as it was sealed before or its annotations say, else strict]
    #[arg(long, value_enum, hide_default_value = true)]
    scope: Option<Scope>,
    /// Write there in place of the repository's usual place; `-` is standard output, and .json makes it JSON
    #[arg(long, short, value_name = "FILE|-", conflicts_with_all = ["merge_into", "raw"])]
    out: Option<PathBuf>,
    /// Seal the values of one Secret for the sealed one in this file, and put them beside those it has
    #[arg(long, value_name = "FILE", requires = "from_secret", conflicts_with_all = ["raw", "app"])]
    merge_into: Option<PathBuf>,
    /// Print one sealed value and no more, to be put into a file by hand
    #[arg(long, conflicts_with = "from_secret")]
    raw: bool,
    /// Seal a Secret without values, too
    #[arg(long)]
    allow_empty_data: bool,
    /// Drop keys that the Secret has and that are not given, without asking
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Set(set::Set),
    Remove(set::Remove),
    Edit(edit::Args),
    List(list::Args),
}

/// What was sealed, for programs.
#[derive(serde::Serialize)]
struct Row<'a> {
    path: &'a str,
    name: &'a ObjectName,
    namespace: Option<&'a Namespace>,
    scope: Scope,
    keys: BTreeSet<&'a DataKey>,
    opens_with: String,
}

impl<'a> Row<'a> {
    fn of(path: &'a str, sealed: &'a SealedSecret, to: &Certificate) -> Self {
        let (name, namespace) = (&sealed.metadata.name, sealed.metadata.namespace.as_ref());
        let keys = sealed.spec.encrypted_data.keys().collect();
        Self { path, name, namespace, scope: sealed.scope(), keys, opens_with: to.id.to_string() }
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match (&args.command, &args.name) {
        (Some(Command::Set(args)), _) => set::set(args, ui),
        (Some(Command::Remove(args)), _) => set::remove(args, ui),
        (Some(Command::Edit(args)), _) => edit::run(args, ui),
        (Some(Command::List(args)), _) => list::run(args, ui),
        (None, Some(name)) => one::run(args, name, ui),
        (None, None) => secrets::run(args, ui),
    }
}

pub(super) fn certificate(repo: &Repo) -> Result<Certificate, CliError> {
    let pem = repo.read(CERTIFICATE)?.ok_or_else(|| {
        CliError::user(format!("there is no `{CERTIFICATE}` to seal with")).help("knarr sealing-key new")
    })?;
    Certificate::valid(&pem, Timestamp::now()).map_err(|error| {
        CliError::user(format!("cannot seal with `{CERTIFICATE}`: {error}")).help(error.help())
    })
}

/// Does `work` with each of many things, on all cores, and shows how many of them are done.
pub(super) fn each_shown<T: Sync, R: Send>(
    progress: &Progress,
    what: &str,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let done = AtomicUsize::new(0);
    each(items, |item| {
        let came = work(item);
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        progress.step(format!("{done} of {}", counted(items.len(), what)));
        came
    })
}

/// What would vanish with a new file: who seals one value anew may think that the others stay.
fn lost(there: Option<&SealedSecret>, plain: &BTreeSet<&DataKey>) -> Vec<String> {
    let had = there.into_iter().flat_map(|sealed| sealed.spec.encrypted_data.keys());
    had.filter(|key| !plain.contains(key)).map(ToString::to_string).collect()
}

/// Asks before keys vanish; `what` says which.
fn may_drop(what: &[String], force: bool, ui: &Ui) -> Result<(), CliError> {
    if force || what.is_empty() {
        return Ok(());
    }
    let what = what.join("; ");
    if !ui.is_interactive() {
        return Err(CliError::user(what).help("give these keys too, or add --force to drop them"));
    }
    if ui.ask(&format!("{what}. Go on?"))? { Ok(()) } else { Err(CliError::user("nothing was changed")) }
}

/// Says what would vanish.
fn loses(title: &str, lost: &[String]) -> Option<String> {
    (!lost.is_empty()).then(|| format!("{title} loses what is not given now: {}", lost.join(", ")))
}

fn keys(plain: &Plain) -> BTreeSet<&DataKey> {
    plain.values.keys().collect()
}

/// Says what was written.
fn wrote(row: &Row<'_>, title: &str, ui: &Ui) {
    let Row { path, scope, keys, opens_with, .. } = row;
    let count = counted(keys.len(), "key");
    ui.done(format_args!("wrote {path}   Secret {title}, {scope}, {count}, opens with key {opens_with}"));
}
