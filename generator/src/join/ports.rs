//! What the table of a new machine closes that listens now. Pure.

use super::Candidate;
use crate::probe::{Listens, short};
use crate::ssh::Target;
use knarr_node::firewall::{Open, Proto, Ssh};
use knarr_node::name::NodeName;
use knarr_node::net::Port;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Where WireGuard listens, on every machine of format 1.
const MESH: &str = "udp/51821";

/// What needs no open port: answers to what a machine asked pass, and these are asked from fixed ports.
/// Source: RFC 2131 section 4.1, RFC 8415 section 7.2.
const ASKING: [&str; 2] = ["udp/68", "udp/546"];

/// Ports that the kernel gives to who asks for none; who waits for an answer there seems to listen.
/// Source: Linux, Documentation/networking/ip-sysctl.rst, ip_local_port_range.
const PASSING: std::ops::RangeInclusive<u16> = 32768..=60999;

/// Ports to open on one machine, as they are typed: `worker:80,443,udp/53`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The machine.
    pub node: NodeName,
    /// Its ports.
    pub ports: BTreeSet<Open>,
}

impl FromStr for Opening {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (node, ports) = text.split_once(':').ok_or("write NODE:PORT[,PORT…], e.g. worker:80,udp/53")?;
        let parse = |word: &str| word.parse::<Open>().map_err(|error| error.to_string());
        Ok(Self {
            node: node.parse().map_err(|error: knarr_node::name::BadName| error.to_string())?,
            ports: ports.split(',').map(parse).collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the ports to open of each machine that is named.
pub fn by_node(openings: &[Opening]) -> BTreeMap<NodeName, BTreeSet<Open>> {
    let mut all: BTreeMap<NodeName, BTreeSet<Open>> = BTreeMap::new();
    for opening in openings {
        all.entry(opening.node.clone()).or_default().extend(&opening.ports);
    }
    all
}

/// Returns the line's option that keeps ports of a machine open.
pub fn keep(node: &NodeName, ports: &BTreeSet<Open>) -> String {
    let ports: Vec<String> = ports.iter().copied().map(short).collect();
    format!("--open {node}:{}", ports.join(","))
}

/// Returns the ports that others reach on a machine now, and will not reach once its table stands.
///
/// `ssh` is who may dial sshd.
pub fn closing(candidate: &Candidate, open: &BTreeSet<Open>, ssh: &Ssh) -> BTreeSet<Open> {
    let sshd = (*ssh == Ssh::Anywhere).then(|| Open { proto: Proto::Tcp, port: sshd(&reached(candidate)) });
    let fixed = [MESH].into_iter().chain(ASKING).filter_map(|port| port.parse().ok());
    let stays: BTreeSet<Open> = fixed.chain(sshd).chain(open.iter().copied()).collect();
    let passing = |port: &Open| port.proto == Proto::Udp && PASSING.contains(&port.port.number());
    let listens = candidate.probe.listens.iter().map(|Listens { port, .. }| *port);
    listens.filter(|port| !stays.contains(port) && !passing(port)).collect()
}

/// Returns how people reach a machine, with the port of its sshd where that is another than 22: a name of ssh_config
/// may hide it, and the machine's table opens what its file says.
pub(super) fn reached(candidate: &Candidate) -> Target {
    let found = candidate.probe.sshd.filter(|port| *port != Port::SSH).map(Port::number);
    Target { port: candidate.target.port.or(found), ..candidate.target.clone() }
}

/// Returns the port that a router on the way turns into another, and that other one.
pub(super) fn turned(candidate: &Candidate) -> Option<(Port, Port)> {
    let (typed, found) = (sshd(&reached(candidate)), candidate.probe.sshd?);
    (typed != found).then_some((typed, found))
}

fn sshd(target: &Target) -> Port {
    target.port.and_then(|port| port.try_into().ok()).unwrap_or(Port::SSH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::tests::candidate;

    fn ports(words: &[&str]) -> BTreeSet<Open> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    fn closes(candidate: &Candidate, open: &[&str], ssh: &Ssh) -> Vec<String> {
        closing(candidate, &ports(open), ssh).into_iter().map(short).collect()
    }

    #[test]
    fn what_listens_closes_unless_it_is_opened_or_belongs_to_ssh_mesh_or_dhcp() {
        let mut edge = candidate("edge");
        let more = ports(&["udp/51821", "udp/53", "udp/40000", "udp/546"]);
        edge.probe.listens.extend(more.into_iter().map(|port| Listens { port, program: None }));
        assert_eq!(closes(&edge, &[], &Ssh::Anywhere), ["80", "udp/53"]);
        assert_eq!(closes(&edge, &["80"], &Ssh::Anywhere), ["udp/53"]);
        assert_eq!(closes(&edge, &["80", "udp/53", "443"], &Ssh::Anywhere), [""; 0]);
        assert_eq!(closes(&edge, &["80", "udp/53"], &Ssh::Mesh), ["22"]);
    }

    #[test]
    fn sshd_is_where_it_was_reached_also_behind_a_name_of_ssh_config() {
        let mut edge = candidate("edge");
        edge.probe.sshd = "2222".parse().ok();
        assert_eq!(closes(&edge, &["80"], &Ssh::Anywhere), ["22"]);
        assert_eq!(reached(&edge).to_string(), "me@203.0.113.7:2222");
        assert_eq!(turned(&edge), None);
        edge.target.port = Some(2200);
        assert_eq!(turned(&edge), Some((2200.try_into().unwrap(), 2222.try_into().unwrap())));
    }

    #[test]
    fn ports_to_open_are_typed_by_machine() {
        let typed: Vec<Opening> =
            ["worker:80,udp/53", "edge:443", "worker:80"].iter().map(|text| text.parse().unwrap()).collect();
        let all = by_node(&typed);
        let lines: Vec<String> = all.iter().map(|(node, ports)| keep(node, ports)).collect();
        assert_eq!(lines, ["--open edge:443", "--open worker:80,udp/53"]);
        for wrong in ["worker", "worker:", "worker:0", "Worker:80", "worker:80;81", ":80"] {
            assert!(wrong.parse::<Opening>().is_err(), "{wrong}");
        }
    }
}
