//! `knarr app remove`.

use super::super::node::proven;
use super::super::{Done, open};
use super::{path, unknown};
use crate::disk::Inputs;
use crate::error::CliError;
use crate::model::{App, Object};
use crate::ui::Ui;
use knarr_node::name::{AppName, RepoPath};
use std::collections::BTreeMap;

/// Take an app out of the repository: delete apps/NAME.yaml and apps/NAME/
///
/// With the next commit Argo CD follows it no more. What runs goes on until you delete it, by the line that this prints:
/// it leaves out volumes, which hold your data.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr app remove shop && knarr ship -m \"the shop is closed\"")]
pub(super) struct Args {
    /// The app's name
    name: AppName,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let (compiled, model) = proven(&repo, &ui)?;
    let name = &args.name;
    let Some(app) = compiled.spec.apps.get(name.as_str()).and_then(|_| model.apps.get(name)) else {
        let known: Vec<&str> = compiled.spec.apps.keys().map(String::as_str).collect();
        return Err(unknown(name, &known));
    };
    let files = files(name, &compiled.inputs);
    if !ui.ask(&format!("Delete {} files of {name}?", files.len()))? {
        return Err(CliError::user("nothing was deleted"));
    }
    for file in &files {
        repo.remove(file)?;
    }
    let line = kubectl(app);
    if ui.json() {
        ui.value(&serde_json::json!({ "app": name, "deleted": files, "then": line }));
    }
    for file in &files {
        ui.done(format_args!("deleted {file}"));
    }
    ui.say("What runs goes on after the next commit; to stop it (volumes stay):");
    ui.say(format_args!("    knarr ship && {line}"));
    Ok(Done::Fine)
}

/// Returns the app's file and those of its own folder.
fn files(name: &AppName, inputs: &Inputs) -> Vec<RepoPath> {
    let folder = format!("apps/{name}/");
    let below = inputs.files.keys().filter(|path| path.as_str().starts_with(&folder)).cloned();
    std::iter::once(path(name)).chain(below).collect()
}

/// Returns the line that deletes the app's objects, but for volumes and what holds other apps too.
fn kubectl(app: &App) -> String {
    let mut by_namespace: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let stays = ["PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"];
    for id in app.objects().map(Object::id).filter(|id| !stays.contains(&id.kind.as_str())) {
        let group = if id.group.is_empty() { String::new() } else { format!(".{}", id.group) };
        let object = format!("{}{group}/{}", id.kind.to_lowercase(), id.name);
        let namespace = if id.namespace.is_empty() { app.namespace.to_string() } else { id.namespace };
        by_namespace.entry(namespace).or_default().push(object);
    }
    let line = |(namespace, objects): (String, Vec<String>)| {
        format!("kubectl delete --namespace {namespace} {}", objects.join(" "))
    };
    by_namespace.into_iter().map(line).collect::<Vec<_>>().join(" && ")
}
