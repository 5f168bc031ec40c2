//! How a list differs from nodes/: machines that are new there, that moved, and that are gone.

use super::mapping::Machine;
use crate::spec::{At, Node, Spec};
use crate::ssh::Target;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a list says of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is no file of it.
    New(Machine),
    /// It is at another place: the file as it is, and as it is to be.
    Moved(String, Box<Node>, Box<Node>),
}

/// All that a list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What is to be written, by name.
    pub changes: Vec<Change>,
    /// Machines that came from this source and are not in it any more.
    pub vanished: Vec<String>,
}

/// Compares a list with the files; `known` came from the same source before. Only the place of a machine that has a file
/// is changed; one that was removed is left alone.
pub fn difference(spec: &Spec, machines: &[Machine], known: &BTreeSet<String>) -> Difference {
    let file = |name: &str| spec.nodes.get(name).or_else(|| spec.described.get(name));
    let change = |machine: &Machine| match file(machine.name.as_str()) {
        None => Some(Change::New(machine.clone())),
        Some(node) if node.removed => None,
        Some(node) => {
            let name = machine.name.to_string();
            let moved = moved(node, machine, known.contains(&name));
            (moved != *node).then(|| Change::Moved(name, Box::new(node.clone()), Box::new(moved)))
        }
    };
    let listed: BTreeSet<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
    let there = |name: &&String| file(name).is_some_and(|node| !node.removed);
    let vanished = known.iter().filter(there).filter(|name| !listed.contains(name.as_str()));
    Difference {
        changes: machines.iter().filter_map(change).collect(),
        vanished: vanished.cloned().collect(),
    }
}

/// Returns the file with the machine's place. ssh follows the address where it was the same; a name, or a port that
/// people wrote, stays. Behind NAT the file knows better than any list.
fn moved(node: &Node, machine: &Machine, known: bool) -> Node {
    let mut moved = node.clone();
    let old = node.address.as_ref().and_then(|word| word.parse::<IpAddr>().ok());
    let new = machine.address.filter(|new| !node.nat && old != Some(*new));
    if let Some(new) = new {
        moved.address = Some(At::from(new.to_string()));
    }
    let Some(target) = node.ssh.as_ref().and_then(|word| word.parse::<Target>().ok()) else { return moved };
    let dialled = target.host.parse::<IpAddr>().ok();
    let follows = new.is_some() && dialled.is_some() && (dialled == old || old.is_none());
    let inside = known && machine.address.is_none() && node.address.is_none() && dialled.is_some();
    let other = machine.ssh.host.parse::<IpAddr>().is_ok_and(|ip| Some(ip) != dialled);
    if other && (follows || inside) {
        moved.ssh = Some(Target { host: machine.ssh.host.clone(), ..target }.to_string().into());
    }
    moved
}
