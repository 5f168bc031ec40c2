//! Whether machines may join, and as what: decided from what was seen, all findings at once. Pure.

mod described;
mod part;
mod ports;
mod refusal;

pub use described::{completed, contradictions};
pub use part::{Part, Wishes, node, parts};
pub use ports::{Opening, by_node, closing, keep};
pub use refusal::Refusal;

use crate::probe::{Enrolled, Probe, Root, is_public};
use crate::spec::{At, Keys, Node};
use crate::ssh::Target;
use knarr_node::enrol::Born;
use knarr_node::name::{ClusterName, NodeName};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A machine that somebody wants to add, and what was seen on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name that it gets.
    pub name: NodeName,
    /// How people reach it.
    pub target: Target,
    /// What was seen.
    pub probe: Probe,
}

/// How others reach a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At this address.
    At(IpAddr),
    /// Not at all: it dials the others.
    Nat,
}

/// Names, machine ids and host keys that are taken, each with who has it.
type Taken<'a> = BTreeMap<&'a str, &'a str>;

/// Returns why machines may not join, by name; empty: all may.
pub fn refusals(
    cluster: &ClusterName,
    nodes: &BTreeMap<String, Node>,
    candidates: &[Candidate],
) -> Vec<(NodeName, Refusal)> {
    let mut taken: Taken<'_> = nodes.iter().flat_map(|(name, node)| known(name, &node.keys)).collect();
    let mut found = Vec::new();
    for candidate in candidates {
        let own = one(cluster, nodes.get(candidate.name.as_str()), candidate);
        // A machine that says who it is needs no advice for copies.
        let named = own.iter().any(|refusal| matches!(refusal, Refusal::Elsewhere { .. }));
        let copied = copied(&taken, candidate).filter(|_| !named);
        found.extend(own.into_iter().chain(copied).map(|refusal| (candidate.name.clone(), refusal)));
        for key in identities(&candidate.probe) {
            taken.entry(key).or_insert(candidate.name.as_str());
        }
    }
    found
}

fn known<'a>(name: &'a str, keys: &'a Keys) -> [(&'a str, &'a str); 2] {
    [(keys.machine.as_str(), name), (keys.ssh.as_str(), name)]
}

fn identities(probe: &Probe) -> impl Iterator<Item = &str> {
    let machine = probe.machine.as_ref().map(knarr_node::name::Hex::as_str);
    machine.into_iter().chain(probe.host_keys.iter().map(String::as_str))
}

/// A cloned disk has the machine id, and mostly the host keys, of the machine that it was cloned from.
fn copied(taken: &Taken<'_>, candidate: &Candidate) -> Option<Refusal> {
    let others = identities(&candidate.probe).filter_map(|key| taken.get(key));
    let mut others = others.filter(|other| **other != candidate.name.as_str());
    others.next().map(|other| Refusal::Cloned { other: (*other).to_owned() })
}

/// Returns what speaks against one machine, whatever the others are.
fn one(cluster: &ClusterName, there: Option<&Node>, candidate: &Candidate) -> Vec<Refusal> {
    let (probe, mut found) = (&candidate.probe, Vec::new());
    if let Err(arch) = &probe.arch {
        found.push(Refusal::Arch(arch.clone()));
    }
    if !probe.systemd {
        found.push(Refusal::NoSystemd);
    }
    if probe.root == Root::No {
        found.push(Refusal::NoRoot { user: candidate.target.user.clone() });
    }
    if probe.machine.is_none() {
        found.push(Refusal::NoMachineId);
    }
    if !probe.missing.is_empty() && !probe.apt {
        found.push(Refusal::Missing(probe.missing.clone()));
    }
    found.extend(probe.firewalls.iter().copied().map(Refusal::Firewall));
    found.extend(ports::turned(candidate).map(|(typed, found)| Refusal::OtherPort { typed, found }));
    found.extend(elsewhere(cluster, candidate));
    found.extend(there.and_then(|node| name_taken(node, candidate)));
    found
}

fn elsewhere(cluster: &ClusterName, candidate: &Candidate) -> Option<Refusal> {
    match candidate.probe.enrolled.as_ref()? {
        Enrolled::As(there, name) if there == cluster && *name == candidate.name => None,
        Enrolled::As(cluster, name) => {
            Some(Refusal::Elsewhere { cluster: cluster.clone(), name: name.clone() })
        }
        Enrolled::Unreadable => Some(Refusal::Unreadable),
    }
}

fn name_taken(node: &Node, candidate: &Candidate) -> Option<Refusal> {
    let same =
        candidate.probe.machine.as_ref().is_some_and(|machine| *machine.as_str() == *node.keys.machine.value);
    match (node.removed, same) {
        (true, _) => Some(Refusal::Removed(candidate.name.clone())),
        (false, false) => Some(Refusal::Taken(candidate.name.clone())),
        (false, true) => None,
    }
}

/// Returns how others reach each machine.
///
/// A machine is public when this very connection arrived at a public address of its own. While no machine of the
/// cluster is, all are in one private network, and the private address that was dialled serves them.
pub fn places(nodes: &BTreeMap<String, Node>, probes: &[&Probe]) -> Vec<Place> {
    let dialled: Vec<Option<IpAddr>> = probes.iter().map(|probe| probe.dialled).collect();
    let known = nodes.values().filter_map(|node| node.address.as_ref()?.parse::<IpAddr>().ok());
    let mut all = known.chain(dialled.iter().copied().flatten());
    let inward = !all.any(is_public);
    let usable = |ip: &IpAddr| is_public(*ip) || (inward && !ip.is_loopback());
    dialled.into_iter().map(|ip| ip.filter(usable).map_or(Place::Nat, Place::At)).collect()
}

/// Returns the Debian packages that bring what is missing. Source: packages.debian.org, bookworm.
pub fn packages(probe: &Probe) -> BTreeSet<&'static str> {
    let package = |program: &String| match program.as_str() {
        "git" => Some("git"),
        "ssh" | "ssh-keygen" => Some("openssh-client"),
        "nft" => Some("nftables"),
        "wg" => Some("wireguard-tools"),
        "wireguard-go" => Some("wireguard-go"),
        "ip" => Some("iproute2"),
        "prlimit" => Some("util-linux"),
        "ca-certificates" => Some("ca-certificates"),
        _ => None,
    };
    probe.missing.iter().filter_map(package).collect()
}

/// Returns the keys as its file has them.
pub fn keys(born: &Born) -> Keys {
    let [machine, age, wireguard, ssh] =
        [&born.machine, &born.age, &born.wireguard, &born.ssh].map(|text| At::from(text.clone()));
    Keys { machine, age, wireguard, ssh }
}

/// Whether the answer is of the machine that was looked at.
pub fn is_same(probe: &Probe, born: &Born) -> bool {
    let host_key = born.ssh.parse::<crate::model::SshKey>().map(|key| key.to_string());
    probe.machine.as_ref().is_some_and(|machine| machine.as_str() == born.machine)
        && host_key.is_ok_and(|key| probe.host_keys.contains(&key))
}

#[cfg(test)]
mod tests;
