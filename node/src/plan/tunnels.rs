//! Addresses that move from one tunnel of a device to another: given up first, taken then.
//!
//! WireGuard would take them silently, and what is kept of the loser after that would be too little to bring it back.
//! Source: wg(8), v1.0.20210914, allowed-ips.

use crate::change::Change;
use crate::item::{Id, Item, WgPeer};
use crate::name::DeviceName;
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};

/// Puts before `changes` what tunnels give up in them and in `removals`, wherever another tunnel takes it.
pub(super) fn given_up_first(changes: Vec<Change>, removals: &[Change]) -> Vec<Change> {
    let taken: BTreeSet<(DeviceName, Ipv4Net)> = changes.iter().flat_map(taken).collect();
    let given = changes.iter().chain(removals).filter_map(|change| given_up(change, &taken));
    let given: BTreeMap<Id, Change> = given.map(|change| (change.id().clone(), change)).collect();
    let rest = changes.into_iter().filter_map(|change| match given.get(change.id()) {
        Some(first) if first.wanted() == change.wanted() => None,
        Some(first) => Some(change.kept(first.wanted().cloned())),
        None => Some(change),
    });
    let rest: Vec<Change> = rest.collect();
    given.into_values().chain(rest).collect()
}

/// Lists what a tunnel gets that it did not have.
fn taken(change: &Change) -> Vec<(DeviceName, Ipv4Net)> {
    let Some(Item::Peer(to)) = change.wanted() else { return Vec::new() };
    let had = if let Some(Item::Peer(from)) = change.from() { from.allowed.clone() } else { BTreeSet::new() };
    to.allowed.difference(&had).map(|net| (to.device.clone(), *net)).collect()
}

/// Returns the change by which a tunnel gives up what others take.
fn given_up(change: &Change, taken: &BTreeSet<(DeviceName, Ipv4Net)>) -> Option<Change> {
    let Some(Item::Peer(from)) = change.from() else { return None };
    let stays = |net: &&Ipv4Net| !taken.contains(&(from.device.clone(), **net));
    let allowed: BTreeSet<Ipv4Net> = from.allowed.iter().filter(stays).copied().collect();
    let gives = allowed != from.allowed;
    let to = || Item::Peer(WgPeer { allowed, ..from.clone() });
    gives.then(|| Change::to(Some(Item::Peer(from.clone())), to()))
}
