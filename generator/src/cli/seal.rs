//! `knarr seal`.

mod values;

use super::{Done, open};
use crate::disk::Repo;
use crate::emit::{Line, yaml};
use crate::error::CliError;
use crate::seal::{CERTIFICATE, Certificate, Plain, Scope, SealedSecret};
use crate::spec;
use crate::ui::{Ui, counted};
use aws_lc_rs::rand::SystemRandom;
use jiff::Timestamp;
use knarr_node::name::{AppName, BadName, DataKey, Namespace, ObjectName, RepoPath};
use std::collections::BTreeSet;
use values::{Literal, Sources};

/// Seal the values of a Secret, so that only the cluster can open them
///
/// Works offline, with the repository's certificate (secrets/sealing.crt). Writes apps/APP/NAME.sealed.yaml, in the namespace
/// of the app, or without an app sealed/NAMESPACE/NAME.sealed.yaml.
/// A value after `KEY -` is asked for without echo, or comes from standard input as it is. What `--from-literal` says is
/// seen by your shell's history and by who lists processes. Sealing a Secret again replaces all its values.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr seal db --app shop password -\n  knarr seal db --namespace shop password -\n  printf %s \"$PASSWORD\" | knarr seal db --namespace shop password -\n  knarr seal tls --namespace shop --from-file tls.crt --from-file tls.key=private.pem"
)]
pub(super) struct Args {
    /// The Secret's name
    name: ObjectName,
    /// Keys whose values are asked for, each with a `-` behind it
    #[arg(value_name = "KEY -")]
    asked: Vec<String>,
    /// The app that uses it: its file goes with the app's
    #[arg(long, value_name = "APP")]
    app: Option<AppName>,
    /// The Secret's namespace; else the app's
    #[arg(long, short, value_name = "NAMESPACE", required_unless_present = "app")]
    namespace: Option<Namespace>,
    /// A value as it is; `KEY -` asks for it. Your shell's history sees what stands here
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<Literal>,
    /// A value from a file; the key is the file's name unless it is given
    #[arg(long, value_name = "[KEY=]PATH")]
    from_file: Vec<String>,
    /// Where it opens: under this name, in its namespace, or everywhere [default: as it was sealed before, else strict]
    #[arg(long, value_enum, hide_default_value = true)]
    scope: Option<Scope>,
    /// Drop keys that the Secret has and that are not given, without asking
    #[arg(long)]
    force: bool,
}

/// What was sealed, for programs.
#[derive(serde::Serialize)]
struct Row<'a> {
    path: &'a RepoPath,
    name: &'a ObjectName,
    namespace: &'a Namespace,
    scope: Scope,
    keys: BTreeSet<&'a DataKey>,
    opens_with: String,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let to = certificate(&repo)?;
    let sources = Sources::of(&args.asked, &args.from_literal, &args.from_file)?;
    let to_be = place(&repo, args)?;
    let path = to_be.path.clone();
    let there = there(&repo, &to_be)?;
    may_drop(there.as_ref(), &sources.keys(), &to_be, args.force, ui)?;
    let scope = args.scope.or(there.as_ref().map(SealedSecret::scope)).unwrap_or_default();
    let Place { name, namespace, .. } = to_be;
    let plain = Plain { name, namespace, scope, values: sources.read(ui)? };
    let sealed = seal(&to, &plain, there)?;
    let text = yaml::to_string(&sealed, Line::Fits).map_err(|error| CliError::bug(error.to_string()))?;
    repo.write(&path, text.as_bytes())?;
    report(&path, &plain, &to, ui);
    Ok(Done::Fine)
}

fn certificate(repo: &Repo) -> Result<Certificate, CliError> {
    let pem = repo.read(CERTIFICATE)?.ok_or_else(|| {
        CliError::user(format!("there is no `{CERTIFICATE}` to seal with")).help("knarr sealing-key new")
    })?;
    Certificate::valid(&pem, Timestamp::now()).map_err(|error| {
        CliError::user(format!("cannot seal with `{CERTIFICATE}`: {error}")).help(error.help())
    })
}

/// Where a Secret will be: in the repository, and in the cluster.
struct Place {
    path: RepoPath,
    name: ObjectName,
    namespace: Namespace,
}

fn place(repo: &Repo, args: &Args) -> Result<Place, CliError> {
    let (folder, namespace) = match (&args.app, &args.namespace) {
        (Some(app), given) => {
            let (folder, namespace) = home(repo, app)?;
            (folder, given.clone().unwrap_or(namespace))
        }
        (None, Some(namespace)) => (format!("sealed/{namespace}"), namespace.clone()),
        (None, None) => return Err(CliError::user("a Secret has a namespace").help("add --app APP")),
    };
    let name = args.name.clone();
    let path = format!("{folder}/{name}.sealed.yaml");
    let path = path.parse().map_err(|bad: BadName| CliError::user(bad).help("change `path` of the app"))?;
    Ok(Place { path, name, namespace })
}

/// Returns an app's folder and namespace.
fn home(repo: &Repo, app: &AppName) -> Result<(String, Namespace), CliError> {
    let file: RepoPath = format!("apps/{app}.yaml").parse().expect("a name has no slash");
    let Some(bytes) = repo.read(file.as_str())? else {
        return Err(CliError::user(format!("there is no app `{app}`"))
            .help(format!("knarr app add {app} --image IMAGE")));
    };
    let broken = |_| CliError::user(format!("`{file}` cannot be read")).help("knarr check");
    let app: spec::App = spec::parse(&file, &bytes).map_err(broken)?;
    let namespace = app.namespace.parse().map_err(|bad: BadName| CliError::user(bad).help("knarr check"))?;
    let folder =
        app.path.map_or_else(|| file.as_str().trim_end_matches(".yaml").to_owned(), |path| path.value);
    Ok((folder.trim_end_matches('/').to_owned(), namespace))
}

/// Reads what is sealed there already.
fn there(repo: &Repo, place: &Place) -> Result<Option<SealedSecret>, CliError> {
    let Place { path, name, namespace } = place;
    let Some(bytes) = repo.read(path.as_str())? else { return Ok(None) };
    let read: Option<SealedSecret> = serde_saphyr::from_slice(&bytes).ok();
    let same = |sealed: &SealedSecret| {
        sealed.is_known() && sealed.metadata.name == *name && sealed.metadata.namespace == *namespace
    };
    read.filter(same).map(Some).ok_or_else(|| {
        CliError::user(format!("`{path}` is there, and is not the sealed Secret {namespace}/{name}"))
            .help(format!("move it away, or delete it: rm {path}"))
    })
}

/// Asks before keys vanish: who seals one value anew may think that the others stay.
fn may_drop(
    there: Option<&SealedSecret>,
    given: &BTreeSet<&DataKey>,
    place: &Place,
    force: bool,
    ui: &Ui,
) -> Result<(), CliError> {
    let had = there.iter().flat_map(|sealed| sealed.spec.encrypted_data.keys());
    let lost: Vec<&str> = had.filter(|key| !given.contains(key)).map(DataKey::as_str).collect();
    if force || lost.is_empty() {
        return Ok(());
    }
    let what = format!("{}/{} loses what is not given now: {}", place.namespace, place.name, lost.join(", "));
    if !ui.is_interactive() {
        return Err(CliError::user(what).help("give these keys too, or add --force to drop them"));
    }
    if ui.ask(&format!("{what}. Go on?"))? { Ok(()) } else { Err(CliError::user("nothing was changed")) }
}

fn seal(to: &Certificate, plain: &Plain, there: Option<SealedSecret>) -> Result<SealedSecret, CliError> {
    let random = SystemRandom::new();
    match there {
        Some(mut sealed) => sealed.replace(to, plain, &random).map(|()| sealed),
        None => SealedSecret::seal(to, plain, &random),
    }
    .map_err(CliError::from)
}

fn report(path: &RepoPath, plain: &Plain, to: &Certificate, ui: &Ui) {
    let Plain { name, namespace, scope, values } = plain;
    if ui.json() {
        let keys = values.keys().collect();
        ui.value(&Row { path, name, namespace, scope: *scope, keys, opens_with: to.id.to_string() });
        return;
    }
    let count = counted(values.len(), "key");
    ui.done(format_args!(
        "wrote {path}   Secret {namespace}/{name}, {scope}, {count}, opens with key {}",
        to.id
    ));
}
