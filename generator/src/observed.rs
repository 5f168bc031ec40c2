//! Where machines stand by their own reports, and what they still would do to become as these files say. Pure: nobody is
//! asked here, and what nobody said is not guessed.

use crate::finding::Row;
use crate::heard::{By, Heard, STALE};
use crate::plan::{At, Planned, World, between};
use knarr_node::Id;
use knarr_node::name::{NodeName, Oid};
use knarr_node::report::{ClusterReport, Drift, Quarantine, Report, Trouble};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Where machines stand, and what is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Who said so.
    pub by: By,
    /// Each machine, in the order of asking.
    pub nodes: Vec<Stand>,
    /// How Kubernetes' objects stand, as the server says that sees to them.
    pub cluster: Option<ClusterReport>,
    /// What is wrong there by that report, whatever the commit says.
    pub findings: Vec<Row>,
    /// What each machine would do from its own commit to these files; nothing for those of which that cannot be told.
    pub plan: Planned,
}

/// Where one machine stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stand {
    /// The machine.
    pub node: NodeName,
    /// The commit that it applied last.
    pub commit: Option<Oid>,
    /// The newest commit that it has fetched.
    pub seen: Option<Oid>,
    /// How its last pass ended, or why nobody has heard of it.
    pub state: String,
    /// Seconds since it said so; none when it said nothing.
    pub age: Option<u64>,
    /// What is not there as its commit says.
    pub differs: Vec<Differs>,
    /// What was different last, and was made as its commit says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mended: Option<Drift>,
    /// Changes of the network that it does not try again.
    pub quarantined: Vec<Quarantine>,
    /// Why what it would do cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
}

/// One thing that is not as a machine's commit says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differs {
    /// What.
    pub what: Id,
    /// Why, for people.
    pub why: String,
}

/// Puts reports beside the files: `render` gives what a commit had, or why it cannot be read here; `now` is in seconds
/// since 1970.
pub fn observe(
    heard: &Heard,
    nodes: &[NodeName],
    new: &World,
    render: impl Fn(&Oid) -> Result<World, String>,
    now: u64,
) -> Observed {
    let cluster = heard.cluster().cloned();
    let commits = heard.reports.values().filter_map(|report| report.applied.as_ref());
    let commits: BTreeSet<&Oid> = commits.chain(cluster.iter().map(|cluster| &cluster.commit)).collect();
    let renders: BTreeMap<&Oid, Result<World, String>> =
        commits.into_iter().map(|commit| (commit, render(commit))).collect();
    let stands: Vec<(Stand, At<'_>)> = nodes.iter().map(|node| stand(node, heard, &renders, now)).collect();
    let objects = cluster.as_ref().and_then(|cluster| renders.get(&cluster.commit)?.as_ref().ok());
    let at = stands.iter().map(|(stand, at)| (&stand.node, *at)).collect();
    let mut plan = between(&World::reported(new, &at, objects), new);
    if stands.iter().any(|(stand, _)| stand.untold.is_some()) {
        plan.servers.clear(); // who did not say whether it runs is not counted
    }
    Observed {
        by: heard.by.clone(),
        nodes: stands.into_iter().map(|(stand, _)| stand).collect(),
        cluster,
        findings: Vec::new(),
        plan,
    }
}

fn stand<'a>(
    node: &NodeName,
    heard: &Heard,
    renders: &'a BTreeMap<&Oid, Result<World, String>>,
    now: u64,
) -> (Stand, At<'a>) {
    let silent = heard.silent.get(node);
    let Some(report) = heard.reports.get(node) else {
        let why = silent.cloned().unwrap_or_default();
        let state = format!("not heard of: {why}");
        let untold = Some("nobody has heard of it".to_owned());
        let nothing = Stand {
            node: node.clone(),
            commit: None,
            seen: None,
            state,
            age: None,
            differs: Vec::new(),
            mended: None,
            quarantined: Vec::new(),
            untold,
        };
        return (nothing, At::Unknown);
    };
    let (at, untold) = match report.applied.as_ref().map(|applied| &renders[applied]) {
        None => (At::Nothing, None),
        Some(Ok(world)) => (At::Render(world), None),
        Some(Err(why)) => (At::Unknown, Some(why.clone())),
    };
    let stand = Stand {
        node: node.clone(),
        commit: report.applied.clone(),
        seen: report.seen.clone(),
        state: state(report, silent, now.saturating_sub(report.at)),
        age: Some(now.saturating_sub(report.at)),
        differs: report
            .items
            .iter()
            .map(|(what, trouble)| Differs { what: what.clone(), why: words(trouble) })
            .collect(),
        mended: report.drift.clone(),
        quarantined: report.quarantined.clone(),
        untold,
    };
    (stand, at)
}

/// Returns how the last pass ended and when; news of yesterday say why there are no newer ones.
fn state(report: &Report, silent: Option<&String>, age: u64) -> String {
    let line = report.line();
    match silent {
        _ if age < STALE => format!("{line}, {age} s ago"),
        Some(why) => format!("{line}, {} min ago; not heard of since: {why}", age / 60),
        None => format!("{line}, {} min ago", age / 60),
    }
}

fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Unknown(why) => format!("cannot be seen: {why}"),
        Trouble::Failed(why) => format!("its change failed: {why}"),
        Trouble::Needs(id) => format!("left alone: {id} failed"),
        Trouble::Differs => "shows something else after its change".to_owned(),
        Trouble::Held => "is not tried for now".to_owned(),
        Trouble::Strangers(names) => {
            format!("these lie there too: {}", names.iter().cloned().collect::<Vec<_>>().join(", "))
        }
    }
}

impl Observed {
    /// Whether all machines are as these files say, as far as they said.
    pub fn is_empty(&self) -> bool {
        self.plan.is_empty()
            && self.nodes.iter().all(|stand| stand.differs.is_empty() && stand.quarantined.is_empty())
    }

    /// Returns how many machines are not told of.
    pub fn untold(&self) -> usize {
        self.nodes.iter().filter(|stand| stand.untold.is_some()).count()
    }
}

#[cfg(test)]
mod tests;
