//! `knarrd plan`

use super::{CliError, Format, as_json, code, on_ground, say};
use crate::pass::Ground;
use knarr_node::plan::Plan;
use knarr_node::report::Outcome;
use serde::Serialize;
use std::fmt::Write as _;

/// Show what a pass would change now
///
/// It fetches and looks, but changes nothing. The exit code is 2 when there are changes. Of Kubernetes' objects, which
/// the server that holds Lease `knarr` makes so, nothing is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarrd plan --output json | jq '.changes[].id'")]
pub(super) struct Args {
    /// How the plan is written
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Serialize)]
struct Line {
    id: String,
    verb: &'static str,
    impact: String,
    /// Whether a snapshot is taken before it.
    snapshot: bool,
}

#[derive(Serialize)]
struct Shown {
    changes: Vec<Line>,
    /// What cannot be seen, and why.
    skipped: Vec<(String, String)>,
    outcome: Outcome,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let (plan, outcome) = on_ground(Ground::plan)?;
    let (none, code) = (plan.is_empty(), code(&outcome));
    let shown = shown(&plan, outcome);
    match args.output {
        Format::Text => say(&text(&shown)),
        Format::Json => say(&as_json(&shown)),
    }
    Ok(if none { code } else { 2 })
}

fn shown(plan: &Plan, outcome: Outcome) -> Shown {
    let line = |change: &knarr_node::Change| Line {
        id: change.id().to_string(),
        verb: change.verb(),
        impact: change.impact().to_string(),
        snapshot: change.saves(),
    };
    let skipped = plan.skipped.iter().map(|(id, why)| (id.to_string(), why.to_string())).collect();
    Shown { changes: plan.changes().map(line).collect(), skipped, outcome }
}

fn text(shown: &Shown) -> String {
    let mut text = String::new();
    for Line { id, verb, impact, snapshot } in &shown.changes {
        let snapshot = if *snapshot { ", after a snapshot" } else { "" };
        writeln!(text, "{verb:<8}{id}  ({impact}{snapshot})").expect("a String takes all");
    }
    for (id, why) in &shown.skipped {
        writeln!(text, "skip    {id}  ({why})").expect("a String takes all");
    }
    match (&shown.outcome, shown.outcome.way_out()) {
        (Outcome::Converged, _) if text.is_empty() => "nothing to change".to_owned(),
        (Outcome::Converged, _) => text,
        (outcome, None) => format!("{text}{outcome}"),
        (outcome, Some(way_out)) => format!("{text}{outcome}\n  type: {way_out}"),
    }
}
