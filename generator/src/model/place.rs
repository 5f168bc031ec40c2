//! A machine's place in the cluster: its role, who dials it, what it opens.

use super::check::Check;
use super::node::ssh_port;
use super::{Network, check};
use crate::finding::{Fault, Place, near};
use crate::spec::{self, At, OpenPort, SshFrom};
use crate::ssh::Target;
use knarr_node::firewall::{Open, Proto};
use knarr_node::mesh::Role;
use knarr_node::name::{NodeName, RepoPath};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Ports that believe whoever dials them. Source: K3s documentation, installation/requirements.md, 2026-11.
const CLUSTER: [(Proto, u16, &str); 5] = [
    (Proto::Udp, 8472, "pods' packets between machines"),
    (Proto::Tcp, 2379, "etcd"),
    (Proto::Tcp, 2380, "etcd"),
    (Proto::Tcp, 10250, "the kubelet"),
    (Proto::Tcp, 51821, "knarrd's listener"),
];

/// The label that says where a machine is. Source: Kubernetes, "Well-Known Labels", v1.36.
const REGION: &str = "topology.kubernetes.io/region";

impl Check<'_> {
    pub(super) fn role(&mut self, path: &RepoPath, node: &spec::Node) -> Option<Role> {
        match node.roles.as_slice() {
            [role] => Some(match role.value {
                spec::Role::Server => Role::Server,
                spec::Role::Agent => Role::Agent,
            }),
            [] => {
                self.findings.add(Place::file(path), Fault::NoRole {});
                None
            }
            [_, second, ..] => {
                self.findings.add(Place::of(path, second), Fault::TwoRoles {});
                None
            }
        }
    }

    pub(super) fn open(&mut self, path: &RepoPath, word: &At<OpenPort>, node: &spec::Node) -> Option<Open> {
        let place = Place::of(path, word);
        let open: Open = match word.0.parse() {
            Ok(open) => open,
            Err(bad) => {
                self.findings.add(place, Fault::BadWord { bad });
                return None;
            }
        };
        let whose =
            CLUSTER.iter().find(|(proto, port, _)| (*proto, *port) == (open.proto, open.port.number()));
        if let Some((_, _, what)) = whose {
            self.findings.add(place, Fault::ClusterPort { port: open.to_string(), what });
            return None;
        }
        let sshd = ssh_port(node.ssh.as_ref().map(|ssh| ssh.as_str()));
        let narrow = self.spec.cluster.as_ref().is_some_and(|it| it.firewall.ssh.value != SshFrom::Anywhere);
        if narrow && open == (Open { proto: Proto::Tcp, port: sshd }) {
            self.findings.add(place, Fault::OpensSsh {});
        }
        Some(open)
    }

    pub(super) fn relay(
        &mut self,
        path: &RepoPath,
        node: &spec::Node,
        word: &At<String>,
    ) -> Option<NodeName> {
        // Two that wait for their enrolment may do so together.
        let waits = (!node.is_enrolled()).then(|| self.spec.described.get(word.as_str())).flatten();
        let name = match waits {
            Some(_) => self.word(path, word)?,
            None => self.node_there(path, word)?,
        };
        if !node.nat {
            self.findings.add(Place::of(path, word), Fault::NeedlessRelay {});
            return None;
        }
        if waits.or_else(|| self.spec.nodes.get(name.as_str())).is_some_and(|relay| relay.nat) {
            let hint = self.relay_hint(path);
            self.findings.add(Place::of(path, word), Fault::HiddenRelay { name: name.clone(), hint });
        }
        Some(name)
    }

    /// Finds a machine that is part of the cluster.
    pub(super) fn node_there(&mut self, path: &RepoPath, word: &At<String>) -> Option<NodeName> {
        let name = self.node(path, word)?;
        if self.spec.nodes.get(name.as_str()).is_some_and(|node| node.removed) {
            self.findings.add(Place::of(path, word), Fault::GoneNode { name });
            return None;
        }
        Some(name)
    }

    fn relay_hint(&self, path: &RepoPath) -> String {
        let public = self.spec.there().find(|(_, node)| !node.nat);
        match public {
            Some((name, _)) => format!("write `relay: {name}` in {path}"),
            None => "one machine needs an `address` where the others can dial it".to_owned(),
        }
    }

    /// Reports addresses that lead nowhere, machines that cannot find each other, and a cluster without a server.
    pub(super) fn places(&mut self, network: Option<&Network>) {
        let there = self.spec.there();
        for (file, node) in there.clone().chain(&self.spec.described) {
            let path = check::path(&format!("nodes/{file}.yaml"));
            self.reached(&path, node, network);
        }
        self.one_at_each_place();
        self.regions();
        let mut stuck = there.clone().filter(|(_, node)| node.nat && node.relay.is_none());
        let first = stuck.next().and_then(|(name, _)| name.parse::<NodeName>().ok());
        for (file, _) in stuck {
            let path = check::path(&format!("nodes/{file}.yaml"));
            let (Some(other), hint) = (first.clone(), self.relay_hint(&path)) else { continue };
            self.findings.add(Place::file(&path), Fault::NoWay { other, hint });
        }
        if there.clone().all(|(_, node)| !node.roles.is_empty()) && !self.folder_broken("nodes/") {
            let roles = there.flat_map(|(_, node)| &node.roles);
            self.servers(&roles.map(|role| role.value).collect::<Vec<_>>());
        }
    }

    fn reached(&mut self, path: &RepoPath, node: &spec::Node, network: Option<&Network>) {
        self.dialled_by_people(path, node, network);
        let Some(word) = &node.address else {
            if !node.nat && node.is_enrolled() {
                self.findings.add(Place::file(path), Fault::NoPlace {});
            }
            return;
        };
        if node.nat {
            self.findings.add(Place::of(path, word), Fault::BothPlaces {});
        }
        let address = word.parse::<IpAddr>().ok();
        if let Some((address, network)) =
            address.and_then(|address| Some((address, network?.holding(address)?)))
        {
            self.findings.add(Place::of(path, word), Fault::AddressInside { address, network });
        }
    }

    /// Reports a machine in a LAN whose addresses are pods' or Services': machines of that LAN would not find it.
    fn dialled_by_people(&mut self, path: &RepoPath, node: &spec::Node, network: Option<&Network>) {
        let Some((word, network)) = node.ssh.as_ref().zip(network) else { return };
        let host = word.parse::<Target>().ok().and_then(|target| target.host.parse::<IpAddr>().ok());
        let Some(address) = host else { return };
        if let Some(network) = network.holding(address).filter(|holds| *holds != network.mesh) {
            self.findings.add(Place::of(path, word), Fault::AddressInside { address, network });
        }
    }

    /// Reports two machines that are dialled at one address: each has the same port.
    fn one_at_each_place(&mut self) {
        let mut whose: BTreeMap<IpAddr, RepoPath> = BTreeMap::new();
        for (file, node) in self.spec.there().chain(&self.spec.described) {
            let path = check::path(&format!("nodes/{file}.yaml"));
            let Some(word) = &node.address else { continue };
            let Ok(address) = word.parse::<IpAddr>() else { continue };
            if let Some(other) = whose.insert(address.to_canonical(), path.clone()) {
                self.findings.add(Place::of(&path, word), Fault::SamePlace { address, other });
            }
        }
    }

    /// Warns of servers in more than one region. Source: etcd, "Hardware recommendations"; K3s documentation,
    /// networking/distributed-multicloud.md: embedded etcd is not supported there.
    fn regions(&mut self) {
        let region = |(file, node): (&String, &spec::Node)| {
            let (key, value) = node.labels.iter().find(|(key, _)| key.as_str() == REGION)?;
            Some((value.value.clone(), Place::of(&check::path(&format!("nodes/{file}.yaml")), key)))
        };
        let regions: BTreeMap<String, Place> = self.servers_there().filter_map(region).collect();
        if let Some((_, place)) = regions.last_key_value().filter(|_| regions.len() > 1) {
            let names = regions.keys().cloned().collect::<Vec<_>>().join(", ");
            self.findings.add(place.clone(), Fault::SpreadServers { regions: names });
        }
    }

    /// Judges how many servers there are, when all machines have a role.
    fn servers(&mut self, roles: &[spec::Role]) {
        let place = Place::file(&check::path("cluster.yaml"));
        let count = roles.iter().filter(|role| **role == spec::Role::Server).count();
        if count == 0 && !roles.is_empty() {
            self.findings.add(place, Fault::NoServer {});
        } else if count > 0 && count.is_multiple_of(2) {
            self.findings.add(
                place,
                Fault::EvenServers { count, survives: count / 2 - 1, fewer: count - 1, more: count + 1 },
            );
        }
    }

    /// Whether a file of a folder could not be read.
    pub(super) fn folder_broken(&self, folder: &str) -> bool {
        self.spec.broken.iter().any(|path| path.as_str().starts_with(folder))
    }

    /// Returns the name of a person; one who is not here is reported.
    pub(super) fn person<T: std::str::FromStr<Err = knarr_node::name::BadName> + ToString>(
        &mut self,
        path: &RepoPath,
        word: &At<String>,
    ) -> Option<T> {
        let name: T = self.word(path, word)?;
        if !self.spec.people.contains_key(word.as_str()) {
            self.nobody(Place::of(path, word), word);
        }
        Some(name)
    }

    /// Reports the name of a person who is not here; of a file that cannot be read, its own finding speaks.
    pub(super) fn nobody(&mut self, place: Place, name: &str) {
        let (people, name) = (&self.spec.people, name.to_owned());
        if self.spec.left.contains_key(&name) {
            self.findings.add(place, Fault::PersonLeft { name });
        } else if !self.spec.is_broken(&format!("people/{name}.yaml")) {
            let hint = near(&name, people.keys().map(String::as_str), "write that file: email and keys");
            self.findings.add(place, Fault::PersonUnknown { name, hint });
        }
    }
}
