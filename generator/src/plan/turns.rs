//! The order of machines: what each waits for, as its items say. Pure.

use super::Row;
use knarr_node::name::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// Gives each machine its turn, and sorts them by it.
pub(super) fn order(rows: &mut [Row]) {
    let mut turns: BTreeMap<NodeName, usize> = BTreeMap::new();
    let here: BTreeSet<NodeName> = rows.iter().map(|row| row.node.clone()).collect();
    let first = |row: &Row| -> BTreeSet<NodeName> {
        let after = row.changes.iter().flat_map(|step| &step.after);
        after.filter(|node| here.contains(*node) && **node != row.node).cloned().collect()
    };
    let mut waiting: Vec<(NodeName, BTreeSet<NodeName>)> =
        rows.iter().map(|row| (row.node.clone(), first(row))).collect();
    // Who waits in a circle, which no render writes, stays at the first turn.
    while !waiting.is_empty() {
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, first)| first.iter().all(|node| turns.contains_key(node)));
        if ready.is_empty() {
            break;
        }
        for (node, first) in ready {
            let turn = first.iter().map(|node| turns[node]).max().unwrap_or_default() + 1;
            turns.insert(node, turn);
        }
        waiting = rest;
    }
    for row in rows.iter_mut() {
        row.turn = turns.get(&row.node).copied().unwrap_or(1);
    }
    rows.sort_by(|one, two| (one.turn, &one.node).cmp(&(two.turn, &two.node)));
}
