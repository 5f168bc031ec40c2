//! `knarr validate`.

use super::seal::find;
use super::{Done, open};
use crate::controller::{Address, Controller};
use crate::each::each;
use crate::error::CliError;
use crate::kubeconfig::Kubeconfig;
use crate::seal::{Keyring, SealedSecret, Wrong};
use crate::ui::{Ui, counted};
use find::Found;
use knarr_node::name::{DataKey, Namespace, ObjectName};
use serde::Serialize;
use std::path::PathBuf;

/// Say whether the cluster will open all sealed Secrets, and which value it will not
///
/// Works offline: tries all keys in secrets/sealing-keys.age, which your age identity opens. For a value that does not open it
/// says why: sealed for another name, namespace or scope, by a key that is not known, or changed since. No value is shown.
///
/// With `--controller` the one of a live cluster judges each sealed Secret as a whole, and no key is needed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr validate\n  knarr validate sealed/shop --output json\n  knarr validate --controller --context harbor"
)]
pub(super) struct Args {
    /// Files and folders with sealed Secrets; otherwise all of the repository
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A private key in PEM, or Secrets of the controller, in place of the repository's; can be repeated
    #[arg(long, value_name = "FILE")]
    recovery_private_key: Vec<PathBuf>,
    /// Ask the controller of a live cluster, through its API [default: kube-system/sealed-secrets-controller]
    #[arg(long, value_name = "NAMESPACE/SERVICE", num_args = 0..=1, require_equals = true, conflicts_with = "recovery_private_key",
        default_missing_value = "kube-system/sealed-secrets-controller")]
    controller: Option<Address>,
    /// The kubeconfig to reach it with [default: KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", requires = "controller")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "controller")]
    context: Option<String>,
}

/// What does not open, for people and programs.
#[derive(Serialize)]
struct Row {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<DataKey>,
    why: String,
}

/// All that was found out, for programs.
#[derive(Serialize)]
struct Report {
    values: usize,
    wrong: Vec<Row>,
    #[serde(skip)]
    judged: String,
    #[serde(skip)]
    by: &'static str,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (found, broken) = find::at(&repo, &args.paths)?;
    let mut report = match &args.controller {
        None => offline(&found, &find::keys(Some(&repo), &args.recovery_private_key)?, ui),
        Some(address) => {
            let config = Kubeconfig::read(args.kubeconfig.as_deref(), args.context.as_deref())?;
            live(&found, &Controller::find(config.way()?, address)?, ui)?
        }
    };
    report.wrong.splice(0..0, broken.iter().map(|line| whole(line)));
    tell(&report, found.len(), ui)
}

/// Tries all keys on all values.
fn offline(found: &[Found], keys: &Keyring, ui: &Ui) -> Report {
    let (values, names) = (values(found), names(found));
    let judged = counted(values.len(), "value");
    let _progress = ui.progress(format!("opening {judged}"));
    let wrong = each(&values, |value| value.judged(keys, &names)).into_iter().flatten().collect();
    Report { values: values.len(), wrong, judged, by: "the known keys open all" }
}

/// Asks the controller for each Secret; it takes two a second.
fn live(found: &[Found], controller: &Controller, ui: &Ui) -> Result<Report, CliError> {
    let entries = found.iter().flat_map(|found| found.file.entries.iter().map(move |entry| (found, entry)));
    let entries: Vec<_> = entries.collect();
    let judged = counted(entries.len(), "Secret");
    let progress = ui.progress(format!("asking the controller for {judged}"));
    let mut wrong = Vec::new();
    for (number, (found, entry)) in entries.iter().enumerate() {
        progress.step(format!("asking the controller: {number} of {judged}"));
        if !controller.opens(&entry.sealed)? {
            wrong.push(Row {
                path: found.path.to_string(),
                place: Some(entry.place.clone()),
                secret: Some(entry.sealed.title()),
                key: None,
                why: "the controller does not open it".to_owned(),
            });
        }
    }
    Ok(Report { values: values(found).len(), wrong, judged, by: "the controller opens all" })
}

fn whole(line: &str) -> Row {
    let (path, why) = line.split_once(": ").unwrap_or((line, ""));
    Row { path: path.to_owned(), place: None, secret: None, key: None, why: why.to_owned() }
}

/// A value where it stands.
struct Item<'a> {
    found: &'a Found,
    place: &'a str,
    sealed: &'a SealedSecret,
    key: &'a DataKey,
    text: &'a str,
}

fn values(found: &[Found]) -> Vec<Item<'_>> {
    let entries = found.iter().flat_map(|found| found.file.entries.iter().map(move |entry| (found, entry)));
    let values = entries.flat_map(|(found, entry)| {
        let (place, sealed) = (entry.place.as_str(), &entry.sealed);
        sealed.spec.encrypted_data.iter().map(move |(key, text)| Item { found, place, sealed, key, text })
    });
    values.collect()
}

/// Returns who the values may have been sealed for: the Secrets that there are.
fn names(found: &[Found]) -> Vec<(Option<Namespace>, ObjectName)> {
    let entries = found.iter().flat_map(|found| &found.file.entries);
    let mut names: Vec<_> = entries
        .map(|entry| (entry.sealed.metadata.namespace.clone(), entry.sealed.metadata.name.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

impl Item<'_> {
    fn judged(&self, keys: &Keyring, names: &[(Option<Namespace>, ObjectName)]) -> Option<Row> {
        let wrong: Wrong = keys.wrong(self.sealed, self.key, self.text, names)?;
        Some(Row {
            path: self.found.path.to_string(),
            place: Some(self.place.to_owned()),
            secret: Some(self.sealed.title()),
            key: Some(self.key.clone()),
            why: wrong.to_string(),
        })
    }
}

fn tell(report: &Report, files: usize, ui: &Ui) -> Result<Done, CliError> {
    if ui.json() {
        ui.value(report);
    }
    for Row { path, place, secret, key, why } in &report.wrong {
        let place = place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let secret = secret.as_ref().map(|secret| format!(" ({secret})")).unwrap_or_default();
        let key = key.as_ref().map(|key| format!(", key `{key}`")).unwrap_or_default();
        ui.wrong(format_args!("{path}{place}{secret}{key}: {why}"));
    }
    if report.wrong.is_empty() {
        ui.done(format_args!("{} in {}: {}", report.judged, counted(files, "file"), report.by));
        return Ok(Done::Fine);
    }
    Err(CliError::user(format!("{} of {} do not open", report.wrong.len(), report.judged))
        .help("seal them again: knarr seal set NAME KEY -"))
}
