//! `knarr plan`.

mod observed;

use super::{Done, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::git::History;
use crate::plan::{AppRow, Planned, Row, World, base, between, markdown, servers_in_words};
use crate::render;
use crate::ui::Ui;
use owo_colors::Style;

/// Show what each machine would do, and in which order
///
/// Without a range: from what was last pushed (else the last commit) to the files here, rendered or not.
/// With `--observed` machines are asked as by `knarr status`: what differs there, and what each still would do from its own commit.
/// `--output` takes `markdown`, too: the comment of a pull request. Reads only, and needs no key.
/// Exit code 0: nothing, 2: changes, 1: refused, 3: of some machine it cannot be told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr plan\n  knarr plan main..my-branch\n  knarr plan origin/main...HEAD --output markdown\n  knarr plan HEAD~1..HEAD --output json\n  knarr plan --observed"
)]
pub(super) struct Args {
    /// Two commits as A..B; as A...B: from where they went apart; or one: from there to the files here
    range: Option<String>,
    /// Ask the machines where they are
    #[arg(long, conflicts_with = "range")]
    observed: bool,
}

impl Args {
    /// Whether no machine is asked.
    pub(super) fn is_offline(&self) -> bool {
        !self.observed
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    if args.observed {
        return observed::run(&repo, ui);
    }
    let planned = plan(&repo, args.range.as_deref(), ui)?;
    if ui.json() {
        ui.value(&planned);
    } else if ui.markdown() {
        ui.text(&markdown(&planned, args.range.as_deref().unwrap_or("this work tree")));
    } else {
        show(&planned, ui);
    }
    Ok(if planned.is_empty() { Done::Fine } else { Done::Changes })
}

fn plan(repo: &Repo, range: Option<&str>, ui: &Ui) -> Result<Planned, CliError> {
    let history = history(repo)?;
    if let Some((old, new)) = range.and_then(|range| range.split_once("...")) {
        found(&history, old)?;
        found(&history, new)?;
        let fork = history.fork(old, new)?;
        let fork = fork
            .ok_or_else(|| missing(&history, &format!("no commit that `{old}` and `{new}` share is here")))?;
        let new = World::of_commit(&history, new)?;
        return Ok(between(&new.beside(&history, &fork)?, &new));
    }
    if let Some((old, new)) = range.and_then(|range| range.split_once("..")) {
        found(&history, old)?;
        found(&history, new)?;
        let new = World::of_commit(&history, new)?;
        return Ok(between(&new.beside(&history, old)?, &new));
    }
    range.map_or(Ok(()), |range| found(&history, range))?;
    let prepared = render::prepare(repo, ui)?;
    render::warn(&prepared, ui);
    let from = range.map(str::to_owned).or_else(|| base(&history, &prepared.model.cluster.git.branch));
    let new = World::of_prepared(&prepared);
    let old = from.map(|name| new.beside(&history, &name)).transpose()?.unwrap_or_default();
    Ok(between(&old, &new))
}

fn history(repo: &Repo) -> Result<History, CliError> {
    let none = || {
        CliError::user("this folder is no git repository").help("git init, or clone the cluster's repository")
    };
    History::open(repo.root()).ok_or_else(none)
}

/// Proves that a commit is here; a clone for a CI job often lacks it.
fn found(history: &History, name: &str) -> Result<(), CliError> {
    let is_there = history.commit(name).is_ok();
    if is_there { Ok(()) } else { Err(missing(history, &format!("there is no commit `{name}` here"))) }
}

fn missing(history: &History, what: &str) -> CliError {
    let help = if history.is_shallow() {
        "this clone has only the newest commits: git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
    } else {
        "git fetch origin '+refs/heads/*:refs/remotes/origin/*', or look at the name: git log --oneline --all"
    };
    CliError::user(what).help(help)
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
    for lost in &planned.destroys {
        ui.say(ui.paint(&format!("destroys data: {lost}"), Style::new().red()));
    }
    if !planned.servers.is_empty() {
        ui.say(format_args!("servers: {}", servers_in_words(&planned.servers)));
    }
    for note in &planned.notes {
        ui.say(format_args!("note: {note}"));
    }
}

fn lines(row: &Row) -> Vec<[String; 3]> {
    let name = |n: usize| if n == 0 { row.node.to_string() } else { String::new() };
    let lines = row.words().into_iter().enumerate();
    lines.map(|(n, [change, terms])| [name(n), change, terms]).collect()
}
