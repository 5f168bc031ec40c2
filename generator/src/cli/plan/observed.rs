//! `knarr plan --observed`.

use super::show;
use crate::cli::Done;
use crate::cli::status::show_findings;
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::{Findings, rows};
use crate::follow::show_cluster;
use crate::git::History;
use crate::heard::{By, asked, hear};
use crate::observed::{Observed, Stand, observe};
use crate::plan::World;
use crate::render::{self, Compiled};
use crate::seal::held::strange;
use crate::ui::Ui;
use jiff::Timestamp;
use knarr_node::name::{NodeName, Oid};
use std::time::SystemTime;

/// Asks the machines, and shows what they still would do.
pub(super) fn run(repo: &Repo, ui: &Ui) -> Result<Done, CliError> {
    let history = super::history(repo)?;
    let Compiled { inputs, spec, .. } = render::compile(repo)?;
    let prepared = render::prepare(repo, ui)?;
    render::warn(&prepared, ui);
    let asked = asked(&spec);
    let progress = ui.progress("asking the machines");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let heard = hear(&prepared.model.cluster.name, &asked, now)?;
    drop(progress);
    let nodes: Vec<NodeName> = asked.into_iter().map(|asked| asked.node).collect();
    let new = World::of_prepared(&prepared);
    let mut observed = observe(&heard, &nodes, &new, |commit| read(&history, commit), now);
    if let Some(report) = &observed.cluster {
        let mut findings = Findings::default();
        strange(report, &inputs, &mut findings);
        observed.findings = rows(&findings, &inputs);
    }
    if ui.json() {
        ui.value(&observed);
    } else {
        tell(&observed, ui);
    }
    judge(&observed)
}

fn read(history: &History, commit: &Oid) -> Result<World, String> {
    if history.commit(commit.as_str()).is_err() {
        return Err(format!("its commit {} is not here: git fetch", commit.short()));
    }
    World::of_commit(history, commit.as_str()).map_err(|error| error.message)
}

fn tell(observed: &Observed, ui: &Ui) {
    if observed.nodes.is_empty() {
        ui.say("no machines yet: knarr node add NAME=USER@HOST");
        return;
    }
    let commit = |stand: &Stand| stand.commit.as_ref().map_or("-", Oid::short).to_owned();
    let line = |stand: &Stand| [stand.node.to_string(), commit(stand), stand.state.clone()];
    ui.table(["NODE", "COMMIT", "STATE"], &observed.nodes.iter().map(line).collect::<Vec<_>>());
    let rows: Vec<[String; 3]> = observed.nodes.iter().flat_map(differs).collect();
    if !rows.is_empty() {
        ui.table(["NODE", "DIFFERS", "WHY"], &rows);
    }
    if let Some(cluster) = &observed.cluster {
        show_cluster(cluster, ui);
    }
    ui.say(match &observed.by {
        By::Here => "said by knarrd here".to_owned(),
        By::Node(node) => format!("said by {node}"),
        By::Each => "said by each for itself: no machine answered for all".to_owned(),
    });
    show_findings(&observed.findings, ui);
    ui.say("On its way, from the commit of each machine to the files here:");
    show(&observed.plan, ui);
    for stand in &observed.nodes {
        if let Some(why) = &stand.untold {
            ui.say(format_args!("{}: what it would do cannot be told: {why}", stand.node));
        }
    }
}

fn differs(stand: &Stand) -> Vec<[String; 3]> {
    let node = || stand.node.to_string();
    let items = stand.differs.iter().map(|one| [node(), one.what.to_string(), one.why.clone()]);
    let quarantined = stand.quarantined.iter().map(|one| {
        let what = format!("the network of {}", one.commit.short());
        [node(), what, format!("in quarantine: {}", one.why)]
    });
    let mended = stand.mended.iter().flat_map(|drift| {
        let why = format!("was, until {}", at(drift.at));
        drift.items.iter().map(move |what| [stand.node.to_string(), what.to_string(), why.clone()])
    });
    items.chain(quarantined).chain(mended).collect()
}

/// Returns a time of a machine's clock, UTC.
fn at(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Judges what was said.
///
/// # Errors
/// When of some machine nothing can be told.
fn judge(observed: &Observed) -> Result<Done, CliError> {
    match (observed.untold(), observed.is_empty()) {
        (0, true) => Ok(Done::Fine),
        (0, false) => Ok(Done::Changes),
        (untold, _) => {
            let all = observed.nodes.len();
            Err(CliError::environment(format!("what {untold} of {all} machines would do cannot be told"))
                .help("knarr status, and git fetch"))
        }
    }
}
