//! Machines.

use super::check::{self, Check};
use super::{Host, SshKey};
use crate::finding::{Fault, Place};
use crate::spec::{self, Arch, At};
use crate::ssh::Target;
use knarr_node::firewall::Open;
use knarr_node::mesh::Role;
use knarr_node::name::{Hex, LabelKey, LabelValue, NodeName, RepoPath, Taint};
use knarr_node::net::{MeshIp, Port, WgKey};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// One machine.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where others reach it.
    pub address: Option<IpAddr>,
    /// Whether it is behind NAT.
    pub nat: bool,
    /// What it is to K3s.
    pub role: Role,
    /// Its address in the mesh.
    pub mesh: MeshIp,
    /// Who forwards between it and others behind NAT.
    pub relay: Option<NodeName>,
    /// Ports that the internet may dial.
    pub open: BTreeSet<Open>,
    /// Labels of its Node in Kubernetes.
    pub labels: BTreeMap<LabelKey, LabelValue>,
    /// Taints of its Node.
    pub taints: BTreeSet<Taint>,
    /// How people reach it, as ssh(1) takes it: `user@host[:port]` or a name from ssh_config.
    pub ssh: Option<String>,
    /// Its architecture.
    pub arch: Arch,
    /// What was born on it.
    pub keys: Keys,
    /// What it has: the cluster's and its own.
    pub host: Host,
    /// Whether a commit took it out of the cluster.
    pub removed: bool,
}

/// Public halves of what was born on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// SHA-256 of its machine id.
    pub machine: Hex,
    /// The age recipient of its secrets.
    pub age: String,
    /// The WireGuard key.
    pub wireguard: WgKey,
    /// The SSH host key.
    pub ssh: SshKey,
}

/// Keys by kind and value, each with the file that has it.
pub(super) type Keyring = BTreeMap<(&'static str, String), RepoPath>;

impl Node {
    /// Returns the port on which its sshd listens, as far as `ssh` says.
    pub fn ssh_port(&self) -> Port {
        ssh_port(self.ssh.as_deref())
    }
}

/// Returns the port in `user@host[:port]`; a name of ssh_config keeps its port to itself.
pub(super) fn ssh_port(ssh: Option<&str>) -> Port {
    let port = ssh.and_then(|text| text.parse::<Target>().ok()?.port);
    port.and_then(|port| Port::try_from(port).ok()).unwrap_or(Port::SSH)
}

impl Check<'_> {
    pub(super) fn nodes(&mut self, base: &Host, keys: &mut Keyring) -> BTreeMap<NodeName, Node> {
        let mut nodes = BTreeMap::new();
        for (file, node) in &self.spec.nodes {
            let path = check::path(&format!("nodes/{file}.yaml"));
            let name = self.file_name(&path, file);
            self.not_reserved(&path, file);
            self.own_keys(&path, &node.keys, keys);
            if let (Some(name), Some(node)) = (name, self.one_node(&path, node, base)) {
                nodes.insert(name, node);
            }
        }
        nodes
    }

    fn one_node(&mut self, path: &RepoPath, node: &spec::Node, base: &Host) -> Option<Node> {
        let address = node.address.as_ref().and_then(|word| self.address(path, word));
        let role = self.role(path, node);
        let open = node.open.iter().filter_map(|word| self.open(path, word, node)).collect();
        let relay = node.relay.as_ref().and_then(|word| self.relay(path, node, word));
        let ssh = node.ssh.as_ref().and_then(|word| self.ssh(path, word));
        let labels = self.labels(path, &node.labels);
        let taints = self.taints(path, &node.taints);
        let host = self.host(path, &node.host, base.clone());
        let keys = self.keys(path, &node.keys)?;
        Some(Node {
            address,
            nat: node.nat,
            role: role?,
            mesh: node.mesh.as_ref().and_then(|word| word.parse().ok()).map(Ipv4Addr::into)?,
            relay,
            open,
            labels,
            taints,
            ssh,
            arch: node.arch.unwrap_or_default(),
            keys,
            host,
            removed: node.removed,
        })
    }

    fn keys(&mut self, path: &RepoPath, keys: &spec::Keys) -> Option<Keys> {
        let machine = self.machine(path, &keys.machine);
        let age = self.age(path, &keys.age);
        let wireguard = self.wireguard(path, &keys.wireguard);
        let ssh = self.ssh_key(path, &keys.ssh);
        Some(Keys { machine: machine?, age: age?, wireguard: wireguard?, ssh: ssh? })
    }

    /// Reports a key that another machine has too: a copied file, or a cloned disk.
    fn own_keys(&mut self, path: &RepoPath, keys: &spec::Keys, all: &mut Keyring) {
        let named = [
            ("machine", &keys.machine),
            ("age", &keys.age),
            ("wireguard", &keys.wireguard),
            ("ssh", &keys.ssh),
        ];
        for (key, word) in named {
            self.own_key(path, key, word, all);
        }
    }

    pub(super) fn own_key(
        &mut self,
        path: &RepoPath,
        key: &'static str,
        word: &At<String>,
        all: &mut Keyring,
    ) {
        let value = word.parse::<SshKey>().map_or_else(|_| word.value.clone(), |key| key.to_string());
        if let Some(other) = all.insert((key, value), path.clone()) {
            self.findings.add(Place::of(path, word), Fault::SameKey { key, other });
        }
    }

    pub(super) fn address(&mut self, path: &RepoPath, word: &At<String>) -> Option<IpAddr> {
        let parsed = word.parse();
        if parsed.is_err() {
            self.bad(
                path,
                word,
                "an IP address",
                "four numbers joined by dots, or IPv6, without brackets and port",
            );
        }
        parsed.ok()
    }

    /// Takes what is safe as an argument of ssh(1).
    pub(super) fn ssh(&mut self, path: &RepoPath, word: &At<String>) -> Option<String> {
        let plain = |c: char| c.is_ascii_graphic() && !"'\"\\`$;&|<>(){}*?!#".contains(c);
        let valid =
            !word.is_empty() && !word.starts_with('-') && !word.contains("@-") && word.chars().all(plain);
        if !valid {
            self.bad(
                path,
                word,
                "an ssh destination",
                "user@host, user@host:port, or a name from your ssh_config",
            );
        }
        valid.then(|| word.value.clone())
    }
}
