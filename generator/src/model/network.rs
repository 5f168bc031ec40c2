//! The cluster's networks and who may come in from outside.

use super::check::{self, Check};
use crate::finding::{Fault, Place};
use crate::spec::{At, SshFrom};
use ipnet::{IpNet, Ipv4Net};
use knarr_node::firewall::Ssh;
use knarr_node::name::{BadName, RepoPath};
use knarr_node::net::Mtu;
use std::net::IpAddr;

/// Which addresses are whose, and who may dial sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Machines and devices.
    pub mesh: Ipv4Net,
    /// Pods.
    pub pods: Ipv4Net,
    /// Services.
    pub services: Ipv4Net,
    /// The largest packet in the mesh.
    pub mtu: Mtu,
    /// Who may dial sshd.
    pub ssh: Ssh,
}

impl Network {
    /// Returns the network of the cluster that holds an address.
    pub(super) fn holding(&self, address: IpAddr) -> Option<Ipv4Net> {
        let IpAddr::V4(v4) = address.to_canonical() else { return None };
        [self.mesh, self.pods, self.services].into_iter().find(|network| network.contains(&v4))
    }
}

impl Check<'_> {
    /// Proves the networks; none when one of them is no network.
    pub(super) fn network(&mut self) -> Option<Network> {
        let cluster = self.spec.cluster.as_ref()?;
        let path = check::path("cluster.yaml");
        let words = [&cluster.network.mesh, &cluster.network.pods, &cluster.network.services];
        let [mesh, pods, services] = words.map(|word| self.net(&path, word));
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            self.apart(&path, words[one], words[other]);
        }
        let ssh = self.ssh_from(&path, &cluster.firewall.ssh);
        let mtu = self.mtu(&path, &cluster.birth.mtu);
        Some(Network { mesh: mesh?, pods: pods?, services: services?, mtu: mtu?, ssh: ssh? })
    }

    fn net(&mut self, path: &RepoPath, word: &At<String>) -> Option<Ipv4Net> {
        let parsed = network(word);
        if parsed.is_none() {
            let rule = "an address with zeros at its end, a slash and at most 24, e.g. 10.210.0.0/16";
            self.bad(path, word, "a network", rule);
        }
        parsed
    }

    fn mtu(&mut self, path: &RepoPath, bytes: &At<u32>) -> Option<Mtu> {
        let mtu = u16::try_from(bytes.value).ok().and_then(|bytes| Mtu::try_from(bytes).ok());
        if mtu.is_none() {
            let bad = BadName { what: "an MTU", text: bytes.to_string(), rule: "1280 to 9000 bytes" };
            self.findings.add(Place::of(path, bytes), Fault::BadWord { bad });
        }
        mtu
    }

    fn apart(&mut self, path: &RepoPath, one: &At<String>, other: &At<String>) {
        let (Some(a), Some(b)) = (network(one), network(other)) else { return };
        if a.contains(&b) || b.contains(&a) {
            self.findings.add(Place::of(path, other), Fault::Overlap { one: b, other: a });
        }
    }

    fn ssh_from(&mut self, path: &RepoPath, from: &At<SshFrom>) -> Option<Ssh> {
        match &from.value {
            SshFrom::Anywhere => Some(Ssh::Anywhere),
            SshFrom::Mesh => Some(Ssh::Mesh),
            SshFrom::Only(words) if words.is_empty() => {
                self.findings.add(Place::of(path, from), Fault::NoNetworks {});
                None
            }
            SshFrom::Only(words) => {
                Some(Ssh::From(words.iter().filter_map(|word| self.outside(path, word)).collect()))
            }
        }
    }

    /// Takes a network of the internet, or one address of it.
    fn outside(&mut self, path: &RepoPath, word: &At<String>) -> Option<IpNet> {
        let alone = |_| word.parse::<IpAddr>().map(IpNet::from);
        let parsed = word.parse::<IpNet>().or_else(alone).ok();
        if parsed.is_none() {
            self.bad(path, word, "a network", "an address, or one with a slash and 0 to 32, or 128 for IPv6");
        }
        parsed
    }
}

/// Reads a network that has room for machines.
fn network(word: &At<String>) -> Option<Ipv4Net> {
    let network: Ipv4Net = word.parse().ok()?;
    (network.prefix_len() <= 24 && network.trunc() == network).then_some(network)
}
