//! What a machine looks like before it enrols: one script runs there and changes nothing, and its lines are read here.
//!
//! The reading is pure and believes nothing: every value is parsed, and text is tamed before people see it.

mod firewall;
mod listen;

pub use firewall::Firewall;
pub use listen::{Listens, short};

use crate::spec::Arch;
use knarr_node::name::{ClusterName, Hex, NodeName};
use knarr_node::net::Port;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The script, for standard input of `sh`.
pub const SCRIPT: &str = include_str!("probe/probe.sh");

/// What was seen on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Distribution and release, e.g. `Debian 12`.
    pub os: String,
    /// Its architecture; else what `uname -m` says.
    pub arch: Result<Arch, String>,
    /// How root is reached.
    pub root: Root,
    /// Whether systemd runs it.
    pub systemd: bool,
    /// Whether it has apt-get.
    pub apt: bool,
    /// Programs that knarrd needs and that are not there.
    pub missing: BTreeSet<String>,
    /// Firewalls of others that are on, or will be after the next boot.
    pub firewalls: BTreeSet<Firewall>,
    /// SHA-256 of its machine id; none when it has no machine id.
    pub machine: Option<Hex>,
    /// Public host keys, type and base64.
    pub host_keys: BTreeSet<String>,
    /// Its addresses that others could use, those on the way to the default route first.
    pub addresses: Vec<IpAddr>,
    /// Its own address that this connection arrived at.
    pub dialled: Option<IpAddr>,
    /// Where its sshd listens: the port that this connection arrived at.
    pub sshd: Option<Port>,
    /// Whether it has a default route.
    pub routed: bool,
    /// Which ports listen to others.
    pub listens: BTreeSet<Listens>,
    /// The version of knarrd that is there.
    pub knarrd: Option<String>,
    /// What it is enrolled as.
    pub enrolled: Option<Enrolled>,
}

/// How root is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The login is root.
    Login,
    /// By sudo, without a password.
    Sudo,
    /// Not at all.
    No,
}

/// What a machine is enrolled as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// As this node of this cluster.
    As(ClusterName, NodeName),
    /// As something that this version cannot read.
    Unreadable,
}

/// An answer that is not the script's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProbe {
    /// The marker of the beginning or the end is missing.
    #[error("the answer is cut off")]
    Cut,
    /// A value that the script cannot have written.
    #[error("`{key}` is not what it should be: `{value}`")]
    Value {
        /// The key.
        key: String,
        /// The value, made fit for a terminal.
        value: String,
    },
    /// A value that must be there is not.
    #[error("nothing was said of `{0}`")]
    Missing(&'static str),
}

impl BadProbe {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> &'static str {
        "knarr runs on Debian, Ubuntu and their like: is this one, and is its login shell a plain one?"
    }
}

/// Reads what the script said. What a login shell prints before it is passed over.
///
/// # Errors
/// When lines are cut off, missing, or not of the script.
pub fn parse(said: &[u8]) -> Result<Probe, BadProbe> {
    let said = String::from_utf8_lossy(said);
    let (_, rest) = said.split_once("knarr-probe=1\n").ok_or(BadProbe::Cut)?;
    let (body, _) = rest.split_once("knarr-probe=end\n").ok_or(BadProbe::Cut)?;
    let lines = Lines(body.lines().filter_map(|line| line.split_once('=')).collect());
    Ok(Probe {
        os: lines.one("os").map_or_else(|| "unknown system".to_owned(), tame),
        arch: arch(lines.one("arch").ok_or(BadProbe::Missing("arch"))?),
        root: root(lines.one("root").ok_or(BadProbe::Missing("root"))?)?,
        systemd: lines.one("systemd") == Some("yes"),
        apt: lines.one("apt") == Some("yes"),
        missing: lines.all("missing").map(tame).collect(),
        firewalls: lines.all("firewall").filter_map(Firewall::named).collect(),
        machine: lines.one("machine").map(|hex| hex.parse().map_err(|_| bad("machine", hex))).transpose()?,
        host_keys: lines.all("host-key").filter_map(host_key).collect(),
        addresses: addresses(&lines),
        dialled: lines.one("connection").and_then(dialled),
        sshd: lines.one("connection").and_then(|said| said.split(' ').nth(3)?.parse().ok()),
        routed: lines.one("route").is_some(),
        listens: lines.all("listen").filter_map(listen::parse).collect(),
        knarrd: lines.one("knarrd").map(tame),
        enrolled: lines.one("identity").map(enrolled),
    })
}

struct Lines<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Lines<'a> {
    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// Returns the first value: a later line cannot take it back.
    fn one(&self, key: &str) -> Option<&'a str> {
        self.all(key).next()
    }
}

fn bad(key: &str, value: &str) -> BadProbe {
    BadProbe::Value { key: key.to_owned(), value: tame(value) }
}

/// Returns at most 60 characters that a terminal only shows.
fn tame(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
    text.chars().filter(plain).take(60).collect::<String>().trim().to_owned()
}

fn arch(uname: &str) -> Result<Arch, String> {
    Arch::of_uname(uname).ok_or_else(|| tame(uname))
}

fn root(word: &str) -> Result<Root, BadProbe> {
    match word {
        "yes" => Ok(Root::Login),
        "sudo" => Ok(Root::Sudo),
        "no" => Ok(Root::No),
        other => Err(bad("root", other)),
    }
}

fn host_key(text: &str) -> Option<String> {
    text.parse::<crate::model::SshKey>().ok().map(|key| key.to_string())
}

/// Takes the third word of `client port server port`. Source: ssh(1), SSH_CONNECTION.
fn dialled(connection: &str) -> Option<IpAddr> {
    let server = connection.split(' ').nth(2)?;
    let server = server.split('%').next()?;
    server.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Reads lines of ip(8), e.g. `2: eth0    inet 203.0.113.7/24 brd … scope global eth0`.
fn addresses(lines: &Lines<'_>) -> Vec<IpAddr> {
    let device = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "dev");
        words.nth(1).map(str::to_owned)
    };
    let routes: BTreeSet<String> = lines.all("route").filter_map(device).collect();
    let passing = ["temporary", "deprecated", "tentative", "dadfailed"];
    let mut found: Vec<(bool, bool, IpAddr)> = Vec::new();
    for line in lines.all("address") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, device, _, address, flags @ ..] = words.as_slice() else { continue };
        let ip = address.split('/').next().and_then(|ip| ip.parse::<IpAddr>().ok());
        if let Some(ip) = ip.filter(|_| !flags.iter().any(|flag| passing.contains(flag))) {
            found.push((!routes.contains(*device), ip.is_ipv6(), ip));
        }
    }
    found.sort();
    found.into_iter().map(|(_, _, ip)| ip).collect()
}

/// Reads two names of the identity and nothing else of it.
fn enrolled(identity: &str) -> Enrolled {
    #[derive(serde::Deserialize)]
    struct Names {
        cluster: ClusterName,
        node: NodeName,
    }
    match serde_json::from_str::<Names>(identity) {
        Ok(names) => Enrolled::As(names.cluster, names.node),
        Err(_) => Enrolled::Unreadable,
    }
}

/// Whether the internet can route to `ip`. Source: IANA special-purpose registries; documentation networks count as public.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let within = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified();
            !(within || shared || a >= 224 || a == 0)
        }
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
