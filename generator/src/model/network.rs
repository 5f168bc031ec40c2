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
        if let Some(pods) = pods {
            self.room_for_pods(&path, &cluster.network.pods, pods);
        }
        if let Some(services) = services {
            self.not_wider(&path, &cluster.network.services, services, WIDEST_SERVICES);
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            self.apart(&path, words[one], words[other]);
        }
        let ssh = self.ssh_from(&path, &cluster.firewall.ssh);
        let mtu = self.mtu(&path, &cluster.birth.mtu);
        self.wide_mtu(&path, &cluster.birth.mtu);
        Some(Network { mesh: mesh?, pods: pods?, services: services?, mtu: mtu?, ssh: ssh? })
    }

    fn net(&mut self, path: &RepoPath, word: &At<String>) -> Option<Ipv4Net> {
        let Ok(written) = word.parse::<Ipv4Net>() else {
            self.bad(path, word, "a network", "an IPv4 address, a slash and at most 24, e.g. 10.210.0.0/16");
            return None;
        };
        self.canonical(path, word, written.into())?;
        if written.prefix_len() > LEAST {
            self.findings.add(Place::of(path, word), Fault::SmallNetwork { network: written });
            return None;
        }
        if !private().any(|private| private.contains(&written)) {
            self.findings.add(Place::of(path, word), Fault::PublicNetwork { network: written });
        }
        Some(written)
    }

    /// Takes a network that is written as such, without an address within it.
    fn canonical(&mut self, path: &RepoPath, word: &At<String>, written: IpNet) -> Option<IpNet> {
        let network = written.trunc();
        if network != written {
            let found = word.value.clone();
            self.findings.add(Place::of(path, word), Fault::NotCanonical { found, network });
        }
        (network == written).then_some(network)
    }

    /// Reports a network with fewer pod addresses than the machines take: each gets a /24 of it.
    /// Source: Kubernetes, kube-controller-manager, `--node-cidr-mask-size`, which people may set; v1.36.
    fn room_for_pods(&mut self, path: &RepoPath, word: &At<String>, network: Ipv4Net) {
        self.not_wider(path, word, network, WIDEST_PODS);
        let Some(k3s) = self.spec.cluster.as_ref().and_then(|cluster| cluster.k3s.as_ref()) else { return };
        let machines = self.spec.there().count();
        let room = 1usize << (LEAST - network.prefix_len());
        let own_size = k3s.config.values().any(|setting| setting.value.has("node-cidr-mask-size="));
        if machines > room && !own_size {
            self.findings.add(Place::of(path, word), Fault::FewPodNetworks { network, room, machines });
        }
    }

    fn not_wider(&mut self, path: &RepoPath, word: &At<String>, network: Ipv4Net, least: u8) {
        if network.prefix_len() < least {
            self.findings.add(Place::of(path, word), Fault::WideNetwork { network, least });
        }
    }

    /// Warns of packets that do not fit through the internet, where machines dial each other through it.
    /// Source: WireGuard paper, section 5.4.6: 32 bytes, UDP 8, IPv4 20 or IPv6 40, of 1500.
    fn wide_mtu(&mut self, path: &RepoPath, bytes: &At<u32>) {
        let addresses =
            self.spec.there().filter_map(|(_, node)| node.address.as_ref()?.parse::<IpAddr>().ok());
        let far: Vec<IpAddr> = addresses.filter(|address| is_far(*address)).collect();
        let most = if far.iter().any(|address| address.to_canonical().is_ipv6()) { 1420 } else { 1440 };
        if !far.is_empty() && (most + 1..=9000).contains(&bytes.value) {
            self.findings.add(Place::of(path, bytes), Fault::WideMtu { mtu: bytes.value, most });
        }
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
        let Ok(written) = word.parse::<IpNet>().or_else(alone) else {
            self.bad(path, word, "a network", "an address, or one with a slash and 0 to 32, or 128 for IPv6");
            return None;
        };
        self.canonical(path, word, written)
    }
}

/// The most that may stand behind a network's slash.
const LEAST: u8 = 24;

/// The least behind the slash of Services' network: 20 bits of addresses are the most.
/// Source: Kubernetes v1.36, cmd/kube-apiserver/app/options/validation.go, maxCIDRBits.
const WIDEST_SERVICES: u8 = 12;

/// The same of pods': 16 bits of machines are the most, with a /24 each.
/// Source: Kubernetes v1.36, pkg/controller/nodeipam/ipam/cidrset, clusterSubnetMaxDiff.
const WIDEST_PODS: u8 = 8;

/// Networks that nobody has on the internet. Source: RFC 1918, RFC 6598, RFC 2544.
fn private() -> impl Iterator<Item = Ipv4Net> {
    let all = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"];
    all.into_iter().map(|network| network.parse().expect("it is a network"))
}

/// Whether an address is found through the internet.
fn is_far(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !private().any(|network| network.contains(&v4)) && !v4.is_link_local() && !v4.is_loopback()
        }
        IpAddr::V6(v6) => !v6.is_unique_local() && !v6.is_unicast_link_local() && !v6.is_loopback(),
    }
}

/// Reads a network that has room for machines.
fn network(word: &At<String>) -> Option<Ipv4Net> {
    let network: Ipv4Net = word.parse().ok()?;
    (network.prefix_len() <= LEAST && network.trunc() == network).then_some(network)
}
