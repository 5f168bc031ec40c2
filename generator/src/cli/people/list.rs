//! `knarr people list`.

use super::super::{Done, open};
use crate::error::CliError;
use crate::finding::Findings;
use crate::spec::{Person, Spec, Which};
use crate::ui::Ui;
use serde::Serialize;

/// List people and what they may, and those who left
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr people list --output json")]
pub(super) struct Args {}

/// A person for programs.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    email: &'a str,
    signs: bool,
    opens_secrets: bool,
    groups: Vec<&'a str>,
    /// The machines; empty for no login.
    logs_in: String,
    until: Option<&'a str>,
    left: bool,
    /// How much this person could read that did not change since.
    unchanged: usize,
}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let spec = Spec::of(&open(ui)?.inputs()?, &mut Findings::default());
    let all = spec.people.iter().chain(&spec.left);
    let rows: Vec<Row<'_>> = all.map(|(name, person)| row(&spec, name, person)).collect();
    if ui.json() {
        ui.value(&rows);
    } else {
        let head = ["PERSON", "SIGNS", "OPENS SECRETS", "LOGS IN", "UNTIL", "LEFT"];
        ui.table(head, &rows.iter().map(line).collect::<Vec<_>>());
    }
    Ok(Done::Fine)
}

fn row<'a>(spec: &'a Spec, name: &'a str, person: &'a Person) -> Row<'a> {
    let mut signers = spec.cluster.iter().flat_map(|cluster| &cluster.trust.signers);
    Row {
        name,
        email: &person.email,
        signs: !person.removed && signers.any(|signer| signer.value == name),
        opens_secrets: !person.removed && !person.decrypt.is_empty(),
        groups: person.groups.iter().map(|group| group.as_str()).collect(),
        logs_in: logs_in(person),
        until: person.until.as_ref().map(|until| until.as_str()),
        left: person.removed,
        unchanged: person.unchanged.len(),
    }
}

fn logs_in(person: &Person) -> String {
    match person.access.as_ref().filter(|_| !person.removed).map(|access| &access.nodes) {
        None => String::new(),
        Some(Which::All) => "all".to_owned(),
        Some(Which::Only(nodes)) => nodes.iter().map(|node| node.as_str()).collect::<Vec<_>>().join(" "),
    }
}

fn line(row: &Row<'_>) -> [String; 6] {
    let yes = |is: bool| if is { "yes" } else { "-" }.to_owned();
    let left = if row.left { format!("yes, {} not changed", row.unchanged) } else { String::new() };
    let logs_in = if row.logs_in.is_empty() { "-".to_owned() } else { row.logs_in.clone() };
    let until = row.until.unwrap_or("never").to_owned();
    let until = if row.left { "-".to_owned() } else { until };
    [row.name.to_owned(), yes(row.signs), yes(row.opens_secrets), logs_in, until, left]
}
