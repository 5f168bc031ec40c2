//! `knarr plan`.

use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::git::History;
use crate::plan::{AppRow, Fate, Line, Planned, Row, World, base, between};
use crate::render;
use crate::ui::Ui;

/// Show what each machine would do
///
/// Without a range: from what was last pushed (else the last commit) to the files here, rendered or not.
/// Exit code 0: nothing, 2: changes, 1: refused.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr plan\n  knarr plan main..my-branch\n  knarr plan HEAD~1..HEAD --output json"
)]
pub(super) struct Args {
    /// Two commits as A..B, or one: from there to the files here
    range: Option<String>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let planned = plan(&repo, args.range.as_deref(), ui)?;
    if ui.json() {
        ui.value(&planned);
    } else {
        show(&planned, ui);
    }
    Ok(if planned.is_empty() { Done::Fine } else { Done::Changes })
}

fn plan(repo: &Repo, range: Option<&str>, ui: &Ui) -> Result<Planned, CliError> {
    let Some(history) = History::open(repo.root()) else {
        return Err(CliError::user("this folder is no git repository")
            .help("git init, or clone the cluster's repository"));
    };
    if let Some((old, new)) = range.and_then(|range| range.split_once("..")) {
        return Ok(between(&World::of_commit(&history, old)?, &World::of_commit(&history, new)?));
    }
    let prepared = render::prepare(repo, ui)?;
    render::warn(&prepared, ui);
    let from = range.map(str::to_owned).or_else(|| base(&history, &prepared.model.cluster.git.branch));
    let old = from.map(|name| World::of_commit(&history, &name)).transpose()?.unwrap_or_default();
    Ok(between(&old, &World::of_prepared(&prepared)))
}

/// Shows a plan to people.
pub(super) fn show(planned: &Planned, ui: &Ui) {
    if planned.is_empty() {
        ui.say("nothing changes on any machine");
        return;
    }
    let rows: Vec<[String; 3]> = planned.nodes.iter().flat_map(lines).collect();
    if !rows.is_empty() {
        ui.table(["NODE", "CHANGE", "IMPACT"], &rows);
    }
    if !planned.apps.is_empty() {
        let line = |row: &AppRow| [format!("{} {}", row.turn.sign(), row.app), row.words()];
        let rows: Vec<[String; 2]> = planned.apps.iter().map(line).collect();
        ui.table(["APP", "OBJECTS"], &rows);
        if planned.nodes.is_empty() {
            ui.say("nothing changes on any machine");
        }
    }
    for note in &planned.notes {
        ui.say(format_args!("note: {note}"));
    }
}

fn lines(row: &Row) -> Vec<[String; 3]> {
    let fate = match row.fate {
        Fate::Stays => None,
        Fate::New => Some(("new machine", String::new())),
        Fate::Removed => Some(("leaves the cluster, keeps its data", String::new())),
        Fate::Forgotten => Some((
            "has no file here any more: it keeps what it has",
            format!("knarr node remove {}", row.node),
        )),
    };
    let steps = row.lines.iter().map(|line| (line.change.clone(), impact(line)));
    let lines = fate.map(|(text, impact)| (text.to_owned(), impact)).into_iter().chain(steps);
    let name = |n: usize| if n == 0 { row.node.to_string() } else { String::new() };
    lines.enumerate().map(|(n, (change, impact))| [name(n), change, impact]).collect()
}

fn impact(line: &Line) -> String {
    if line.guarded { format!("{}, guarded", line.impact) } else { line.impact.to_string() }
}
