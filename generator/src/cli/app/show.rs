//! `knarr app show`.

use super::super::Done;
use super::{path, unknown};
use crate::disk::Repo;
use crate::emit::documents;
use crate::error::CliError;
use crate::finding::Findings;
use crate::model::App;
use crate::render;
use crate::spec::Spec;
use crate::ui::Ui;
use knarr_node::name::AppName;

/// Print an app's objects as Argo CD takes them; nothing is written
///
/// Reads the app's files and cluster.yaml, and nothing else: what the rest of the repository says against them, and whether
/// fields fit their kinds, `knarr check` tells. With `--output json` it is a List, which kubectl takes too.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr app show shop\n  knarr app show shop | kubectl diff --server-side -f -"
)]
pub(super) struct Args {
    /// The app's name
    name: AppName,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, name, file) = (Repo::open()?, args.name.as_str(), path(&args.name));
    let mut findings = Findings::default();
    let mut inputs = repo.files(&["cluster.yaml", file.as_str()])?;
    let spec = Spec::of(&inputs, &mut findings);
    let folder = spec.apps.get(name).map(|app| app.folder(name));
    if let Some(folder) = &folder {
        repo.manifests(folder, &mut inputs)?;
    } else if !spec.is_broken(file.as_str()) {
        let all = Spec::of(&repo.inputs()?, &mut findings);
        return Err(unknown(&args.name, &all.apps.keys().map(String::as_str).collect::<Vec<_>>()));
    }
    let app = App::alone(name, &spec, &inputs, &mut findings);
    let (Some(app), Some(folder), false) = (app, folder, findings.refuse()) else {
        return Err(render::show(&findings, &inputs, ui));
    };
    print(&app, &folder, ui);
    Ok(Done::Fine)
}

fn print(app: &App, folder: &str, ui: &Ui) {
    if ui.json() {
        let items: Vec<_> = app.objects().map(|object| &object.0).collect();
        ui.value(&serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items}));
        return;
    }
    let files = app.files.iter().map(|(file, objects)| format!("# {folder}{file}\n{}", documents(objects)));
    ui.text(&files.collect::<Vec<_>>().join("---\n"));
}
