//! Namespaces, bridges and cables between the hosts. Everything lives in namespaces bound to files in the lab's folder,
//! so that nothing appears in the machine's own network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::child::Child;
use crate::shell::{self, Output};
use crate::spec::{HOSTS, HostSpec, NETWORKS, NetworkSpec};

/// A network namespace, held open by a file that it is bound to.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    file: PathBuf,
}

impl Namespace {
    fn create(folder: &Path, name: &str) -> Self {
        let file = folder.join(name);
        fs::write(&file, "").expect("the lab's folder can be written");
        let space = Self { name: name.to_owned(), file };
        space.open();
        space
    }

    fn open(&self) {
        shell::must(&format!("unshare --net={} ip link set lo up", self.file.display()));
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Runs shell text as root in this namespace, with the machine's own files and programs.
    pub fn run(&self, text: &str) -> Output {
        let net = format!("--net={}", self.file.display());
        shell::run(Command::new("nsenter").args([&net, "sh", "-ec", text]), b"")
    }

    /// Starts shell text as [`Namespace::run`] does, which runs on until the value is dropped.
    pub fn spawn(&self, text: &str) -> Child {
        let mut command = Command::new("nsenter");
        command.args([&format!("--net={}", self.file.display()), "sh", "-ec", text]);
        Child::start(format!("in namespace `{}`: {text}", self.name), command)
    }

    /// Runs shell text that has to succeed and gives its standard output.
    pub fn expect(&self, text: &str) -> String {
        let output = self.run(text);
        assert!(output.ok(), "in namespace `{}`: {text}\n{output}", self.name);
        output.text().to_owned()
    }
}

/// All namespaces of a lab and the cables between them.
#[derive(Debug)]
pub(crate) struct Net {
    internet: Namespace,
    routers: BTreeMap<&'static str, Namespace>,
    hosts: BTreeMap<&'static str, Namespace>,
    unplugged: Mutex<BTreeSet<(&'static str, usize)>>,
}

impl Net {
    /// Lays the internet and the networks behind NAT; the hosts' cables come with their power.
    pub(crate) fn lay(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("the lab's folder can be written");
        let hidden = NETWORKS.iter().filter(|it| it.nat.is_some());
        let net = Self {
            internet: Namespace::create(folder, "internet"),
            routers: hidden
                .map(|it| (it.name, Namespace::create(folder, &format!("router-{}", it.name))))
                .collect(),
            hosts: HOSTS.iter().map(|it| (it.name, Namespace::create(folder, it.name))).collect(),
            unplugged: Mutex::default(),
        };
        for network in NETWORKS {
            net.lay_network(network);
        }
        net
    }

    fn lay_network(&self, network: &NetworkSpec) {
        let (name, gateway) = (network.name, network.gateway());
        self.around(name).expect(&format!(
            "sysctl -qw net.ipv4.ip_forward=1
             ip link add {name} type bridge mcast_snooping 0
             ip address add {gateway}/24 dev {name}
             ip link set {name} up"
        ));
        if let Some(outside) = network.nat {
            self.lay_nat(name, &outside.address(), &outside.network().gateway(), outside.network);
        }
    }

    /// Connects a NAT router to the internet; like those sold for homes it lets nothing in that was not asked for.
    fn lay_nat(&self, name: &str, address: &str, gateway: &str, on: &str) {
        let internet = self.internet.file.display();
        self.around(name).expect(&format!(
            "ip link add wan type veth peer name {name}-wan netns {internet}
             ip address add {address}/24 dev wan
             ip link set wan up
             ip route add default via {gateway}
             nft -f - <<'END'
             table ip nat {{
               chain out {{ type nat hook postrouting priority srcnat; oifname wan masquerade; }}
             }}
             table ip filter {{
               chain through {{
                 type filter hook forward priority filter; policy drop
                 iifname {name} accept
                 ct state established,related accept
               }}
             }}\nEND"
        ));
        self.internet.expect(&format!("ip link set {name}-wan master {on} up"));
    }

    /// The namespace in which the bridge of a network stands.
    pub(crate) fn around(&self, network: &str) -> &Namespace {
        self.routers.get(network).unwrap_or(&self.internet)
    }

    /// The namespace of a host.
    pub(crate) fn of(&self, host: &HostSpec) -> &Namespace {
        &self.hosts[host.name]
    }

    /// Gives a host that is off a fresh namespace with its cables: a boot starts without routes, tables and tunnels.
    pub(crate) fn rewire(&self, host: &'static HostSpec) {
        for (number, leg) in host.legs.iter().enumerate() {
            self.around(leg.network).run(&format!("ip link delete {}-{number}", host.name));
        }
        shell::must(&format!("umount {}", self.of(host).file.display()));
        self.of(host).open();
        (0..host.legs.len()).for_each(|number| self.wire(host, number));
        let gateway = host.legs[0].network().gateway();
        self.of(host).expect(&format!("ip route add default via {gateway}"));
    }

    fn wire(&self, host: &'static HostSpec, number: usize) {
        let (leg, mac, name) = (host.legs[number], host.mac(number), host.name);
        let bridge = self.around(leg.network);
        self.of(host).expect(&format!(
            "ip link add eth{number} address {mac} type veth peer name {name}-{number} netns {}
             ip address add {}/24 dev eth{number}
             ip link set eth{number} up",
            bridge.file.display(),
            leg.address()
        ));
        bridge.expect(&format!("ip link set {name}-{number} master {}", leg.network));
        let plugged =
            !self.unplugged.lock().expect("no holder of this lock panics").contains(&(name, number));
        self.carry(host, number, plugged);
    }

    /// Pulls or plugs the cable of one leg. This outlives power cuts.
    pub(crate) fn plug(&self, host: &'static HostSpec, number: usize, plugged: bool) {
        let mut unplugged = self.unplugged.lock().expect("no holder of this lock panics");
        if plugged {
            unplugged.remove(&(host.name, number))
        } else {
            unplugged.insert((host.name, number))
        };
        drop(unplugged);
        self.carry(host, number, plugged);
    }

    fn carry(&self, host: &HostSpec, number: usize, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        self.around(host.legs[number].network).expect(&format!("ip link set {}-{number} {state}", host.name));
    }

    pub(crate) fn internet(&self) -> &Namespace {
        &self.internet
    }
}
