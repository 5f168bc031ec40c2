//! What a machine is made of. No feature appears here: the generator lowers every feature to these.

mod account;
mod address;
mod artifact;
mod dir;
mod file;
mod gate;
mod hosts;
mod link;
mod snapshot;
mod sysctl;
mod table;
mod unit;
mod wireguard;

pub use account::Account;
pub use address::{Address, Route};
pub use artifact::{Artifact, Source};
pub use dir::Dir;
pub use file::{Check, File};
pub use gate::Gate;
pub use hosts::HostsBlock;
pub use link::Link;
pub use snapshot::{Before, Minor, Snapshot};
pub use sysctl::Sysctl;
pub use table::NftTable;
pub use unit::{Unit, Was};
pub use wireguard::{WgDevice, WgPeer};

use crate::name::{
    AbsPath, AccountName, ArtifactName, BadName, DeviceName, Hex, KeptName, SecretName, SysctlKey, TableName,
    UnitName,
};
use crate::net::WgKey;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One primitive part of a machine. In YAML a map with one key: `- file: {…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// A kernel parameter's live value.
    Sysctl(Sysctl),
    /// A regular file, owned by root.
    File(File),
    /// A folder in which everything is known.
    Dir(Dir),
    /// A symbolic link.
    Link(Link),
    /// A systemd unit that runs with what it reads now.
    Unit(Unit),
    /// A login: who may come in, and whether as root.
    Account(Account),
    /// A WireGuard device.
    Device(WgDevice),
    /// A tunnel of a WireGuard device.
    Peer(WgPeer),
    /// An address of a network device.
    Address(Address),
    /// A route into a network device.
    Route(Route),
    /// A table of nftables.
    Table(NftTable),
    /// The names of machines in /etc/hosts.
    Hosts(HostsBlock),
    /// A file in the machine's store, by its digest.
    Artifact(Artifact),
}

impl Item {
    /// Returns what tells this item from all others on a machine.
    pub fn id(&self) -> Id {
        match self {
            Self::Sysctl(sysctl) => Id::Sysctl(sysctl.key.clone()),
            Self::File(file) => Id::Path(file.path.clone()),
            Self::Dir(dir) => Id::Dir(dir.path.clone()),
            Self::Link(link) => Id::Path(link.path.clone()),
            Self::Unit(unit) => Id::Unit(unit.name.clone()),
            Self::Account(account) => Id::Account(account.name.clone()),
            Self::Device(device) => Id::Device(device.name.clone()),
            Self::Peer(peer) => Id::Peer(peer.device.clone(), peer.key),
            Self::Address(address) => Id::Address(address.device.clone(), address.ip),
            Self::Route(route) => Id::Route(route.to),
            Self::Table(table) => Id::Table(table.name.clone()),
            Self::Hosts(_) => Id::Hosts,
            Self::Artifact(artifact) => Id::Artifact(artifact.name.clone(), artifact.sha256.clone()),
        }
    }

    /// Returns what this item reads at its start: it restarts when one of these changed.
    pub fn reads(&self) -> impl Iterator<Item = &AbsPath> {
        let unit = if let Self::Unit(unit) = self { Some(unit) } else { None };
        unit.into_iter().flat_map(|unit| &unit.reads)
    }

    /// Whether both ask the same of the machine: what a unit waits for, how its data are saved, and what may lie in a
    /// folder is not part of it.
    pub fn is_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unit(one), Self::Unit(two)) => {
                let (waits, snapshot) = (two.waits.clone(), two.snapshot.clone());
                Unit { waits, snapshot, ..one.clone() } == *two
            }
            (Self::Dir(one), Self::Dir(two)) => one.path == two.path,
            (_, _) => self == other,
        }
    }

    /// Returns the secret whose value this item holds.
    pub fn secret(&self) -> Option<&SecretName> {
        if let Self::File(File { body: Body::Secret(name), .. }) = self { Some(name) } else { None }
    }
}

/// Where the bytes of a file come from. YAML keys `text`, `secret`, `kept`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The bytes themselves.
    Text(String),
    /// The value of a secret in this node's `.age` file; the bytes are never part of an item.
    Secret(SecretName),
    /// What the journal kept before a change. Never in a State, only in `from` of a [`crate::Change`].
    Kept(KeptName),
}

/// What tells one item from all others: two items with one id are the same place on the machine.
///
/// A file and a link share `Path`, so one turns into the other by a single change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Id {
    /// A place in the file system.
    Path(AbsPath),
    /// A folder: apart from `Path`, for it is never turned into a file.
    Dir(AbsPath),
    /// A systemd unit.
    Unit(UnitName),
    /// A kernel parameter.
    Sysctl(SysctlKey),
    /// A login.
    Account(AccountName),
    /// A WireGuard device.
    Device(DeviceName),
    /// The other end of a tunnel, by its key.
    Peer(DeviceName, WgKey),
    /// An address of a network device.
    Address(DeviceName, Ipv4Net),
    /// Where packets to a network go: one place, whatever device leads there.
    Route(Ipv4Net),
    /// A table of nftables, family inet.
    Table(TableName),
    /// Knarr's block of /etc/hosts.
    Hosts,
    /// A file in the store: another version is another one.
    Artifact(ArtifactName, Hex),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path {path}"),
            Self::Dir(path) => write!(f, "dir {path}"),
            Self::Unit(name) => write!(f, "unit {name}"),
            Self::Sysctl(key) => write!(f, "sysctl {key}"),
            Self::Account(name) => write!(f, "account {name}"),
            Self::Device(name) => write!(f, "device {name}"),
            Self::Peer(device, key) => write!(f, "peer {device} {key}"),
            Self::Address(device, ip) => write!(f, "address {device} {ip}"),
            Self::Route(to) => write!(f, "route {to}"),
            Self::Table(name) => write!(f, "table {name}"),
            Self::Hosts => f.write_str("hosts names"),
            Self::Artifact(name, sha256) => write!(f, "artifact {name} {sha256}"),
        }
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        let rule = "a kind such as path, unit or peer, a space and the name";
        let odd = || BadName { what: "an item's id", text: text.clone(), rule };
        let (kind, name) = text.split_once(' ').ok_or_else(odd)?;
        let pair = || name.split_once(' ').ok_or_else(odd);
        let network = |text: &str| text.parse::<Ipv4Net>().map_err(|_| odd());
        Ok(match kind {
            "path" => Self::Path(name.parse()?),
            "dir" => Self::Dir(name.parse()?),
            "unit" => Self::Unit(name.parse()?),
            "sysctl" => Self::Sysctl(name.parse()?),
            "account" => Self::Account(name.parse()?),
            "device" => Self::Device(name.parse()?),
            "peer" => pair().and_then(|(device, key)| Ok(Self::Peer(device.parse()?, key.parse()?)))?,
            "address" => pair().and_then(|(device, ip)| Ok(Self::Address(device.parse()?, network(ip)?)))?,
            "route" => Self::Route(network(name)?),
            "table" => Self::Table(name.parse()?),
            "hosts" if name == "names" => Self::Hosts,
            "artifact" => pair().and_then(|(name, hex)| Ok(Self::Artifact(name.parse()?, hex.parse()?)))?,
            _ => return Err(odd()),
        })
    }
}

impl std::str::FromStr for Id {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::try_from(text.to_owned())
    }
}

/// An item that does not make sense as written.
#[derive(Debug, thiserror::Error)]
pub enum BadItem {
    /// A file without a body, or with two.
    #[error("`{0}` needs exactly one of text and secret")]
    OneBody(String),
    /// A kernel parameter is a map with one entry.
    #[error("a sysctl has exactly one key")]
    OneKey,
}
