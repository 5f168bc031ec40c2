//! How many servers may fail before a plan, after each of its steps, and at its end. Pure.

use super::{Fate, Row, World};
use crate::lower::own;
use knarr_node::name::NodeName;
use serde::Serialize;
use std::collections::BTreeSet;

/// The servers at one point of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Servers {
    /// Which point it is.
    pub when: When,
    /// Who does it; none before and after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// How many of them run.
    pub up: usize,
    /// How many there are.
    pub of: usize,
    /// How many more may fail; none: fewer than a majority run, and the API is away.
    pub survives: Option<usize>,
}

/// A point of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Before all else.
    Now,
    /// A server stops, and is still counted.
    Leaves,
    /// A server restarts.
    Restarts,
    /// A server has come.
    Joins,
    /// After all else.
    Then,
}

/// Returns the points of a plan, in order; machines that are removed wait for nobody, so they come first.
pub(super) fn servers(rows: &[Row], old: &World) -> Vec<Servers> {
    let mut there: BTreeSet<&NodeName> = old.servers();
    let mut said = Vec::new();
    point(&mut said, When::Now, None, there.len(), there.len());
    for row in rows.iter().filter(|row| row.fate == Fate::Removed && there.contains(&row.node)) {
        point(&mut said, When::Leaves, Some(row), there.len() - 1, there.len());
    }
    there.retain(|node| !rows.iter().any(|row| row.fate == Fate::Removed && row.node == **node));
    for row in rows {
        match of(row) {
            Some("make") => {
                there.insert(&row.node);
                point(&mut said, When::Joins, Some(row), there.len(), there.len());
            }
            Some("remove") => {
                point(&mut said, When::Leaves, Some(row), there.len().saturating_sub(1), there.len());
                there.remove(&row.node);
            }
            Some(_) => {
                point(&mut said, When::Restarts, Some(row), there.len().saturating_sub(1), there.len());
            }
            None => {}
        }
    }
    if said.len() == 1 {
        return Vec::new();
    }
    point(&mut said, When::Then, None, there.len(), there.len());
    said.into_iter().filter(|point| point.of > 0).collect()
}

/// Returns what a machine does with its server; what it refuses it does not do.
fn of(row: &Row) -> Option<&'static str> {
    let unit = format!("unit {}", own::K3S_SERVER);
    row.changes.iter().find(|step| step.what == unit && step.refused.is_none()).map(|step| step.verb)
}

/// Source: etcd documentation, v3.6, FAQ: a cluster of n members works while n/2 + 1 of them do; a lone server is its
/// own majority.
fn point(said: &mut Vec<Servers>, when: When, row: Option<&Row>, up: usize, of: usize) {
    let node = row.map(|row| row.node.clone());
    said.push(Servers { when, node, up, of, survives: up.checked_sub(of / 2 + 1) });
}

/// Returns all points in one line; neighbours that differ in their machine alone are told together.
pub fn words(points: &[Servers]) -> String {
    let mut told: Vec<(&Servers, Vec<&str>)> = Vec::new();
    for point in points {
        let same = |last: &Servers| (last.when, last.up, last.of) == (point.when, point.up, point.of);
        let node = point.node.iter().map(NodeName::as_str);
        match told.last_mut().filter(|(last, _)| same(last)) {
            Some((_, nodes)) => nodes.extend(node),
            None => told.push((point, node.collect())),
        }
    }
    let told: Vec<String> = told.iter().map(|(point, nodes)| one(point, &nodes.join(", then "))).collect();
    told.join("; ")
}

fn one(point: &Servers, nodes: &str) -> String {
    let Servers { up, of, .. } = point;
    let count = if up == of { format!("{of}") } else { format!("{up} of {of}") };
    let may = match point.survives {
        None => "the API is away".to_owned(),
        Some(0) => "none may fail".to_owned(),
        Some(survives) => format!("{survives} may fail"),
    };
    match point.when {
        When::Now => format!("{count} now, {may}"),
        When::Then => format!("then {count}, {may}"),
        When::Joins => format!("when {nodes} joined {count}, {may}"),
        When::Restarts => format!("while {nodes} restarts {count}, {may}"),
        When::Leaves => format!("while {nodes} leaves {count}, {may}"),
    }
}
