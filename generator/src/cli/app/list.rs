//! `knarr app list`.

use super::super::node::proven;
use super::super::{Done, open};
use crate::error::CliError;
use crate::model::App;
use crate::spec::Sync;
use crate::ui::Ui;
use knarr_node::name::{AppName, Namespace};
use serde::Serialize;
use std::collections::BTreeMap;

/// List the apps of the repository
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr app list --output json")]
pub(super) struct Args {}

/// One app, for programs.
#[derive(Debug, Serialize)]
struct Row<'a> {
    app: &'a AppName,
    namespace: &'a Namespace,
    url: Option<String>,
    sync: Sync,
    objects: Vec<String>,
}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (_, model) = proven(&repo, ui)?;
    let rows: Vec<Row<'_>> = model.apps.iter().map(row).collect();
    if ui.json() {
        ui.value(&rows);
    } else if rows.is_empty() {
        ui.say("no apps yet: knarr app add NAME --image IMAGE");
    } else {
        let lines: Vec<[String; 5]> = rows.iter().map(line).collect();
        ui.table(["APP", "NAMESPACE", "ADDRESS", "SYNC", "OBJECTS"], &lines);
    }
    Ok(Done::Fine)
}

fn row<'a>((name, app): (&'a AppName, &'a App)) -> Row<'a> {
    let url = app.host.as_ref().map(|host| format!("https://{host}"));
    let objects = app.objects().map(|object| object.id().to_string()).collect();
    Row { app: name, namespace: &app.namespace, url, sync: app.sync, objects }
}

/// Returns the row for people: kinds, each with how many there are.
fn line(row: &Row<'_>) -> [String; 5] {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &row.objects {
        *kinds.entry(object.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    let kind = |(kind, count): (&str, usize)| {
        if count == 1 { kind.to_owned() } else { format!("{count} {kind}") }
    };
    let kinds: Vec<String> = kinds.into_iter().map(kind).collect();
    let sync = match row.sync {
        Sync::Auto => "auto",
        Sync::Manual => "manual",
    };
    let url = row.url.clone().unwrap_or_else(|| "-".to_owned());
    [row.app.to_string(), row.namespace.to_string(), url, sync.to_owned(), kinds.join(", ")]
}
