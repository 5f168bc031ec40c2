//! What a machine is made of. No feature appears here: the generator lowers every feature to these.

mod account;
mod address;
mod file;
mod hosts;
mod link;
mod sysctl;
mod table;
mod unit;
mod wireguard;

pub use account::Account;
pub use address::{Address, Route};
pub use file::{Check, File};
pub use hosts::HostsBlock;
pub use link::Link;
pub use sysctl::Sysctl;
pub use table::NftTable;
pub use unit::{Unit, Was};
pub use wireguard::{WgDevice, WgPeer};

use crate::name::{AbsPath, AccountName, BadName, KeptName, SecretName, SysctlKey, UnitName};
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
    /// A symbolic link.
    Link(Link),
    /// A systemd unit that runs with what it reads now.
    Unit(Unit),
    /// A login: who may come in, and whether as root.
    Account(Account),
}

impl Item {
    /// Returns what tells this item from all others on a machine.
    pub fn id(&self) -> Id {
        match self {
            Self::Sysctl(sysctl) => Id::Sysctl(sysctl.key.clone()),
            Self::File(file) => Id::Path(file.path.clone()),
            Self::Link(link) => Id::Path(link.path.clone()),
            Self::Unit(unit) => Id::Unit(unit.name.clone()),
            Self::Account(account) => Id::Account(account.name.clone()),
        }
    }

    /// Returns what this item reads at its start: it restarts when one of these changed.
    pub fn reads(&self) -> impl Iterator<Item = &AbsPath> {
        let unit: Option<&Unit> = match self {
            Self::Unit(unit) => Some(unit),
            Self::File(_) | Self::Link(_) | Self::Sysctl(_) | Self::Account(_) => None,
        };
        unit.into_iter().flat_map(|unit| &unit.reads)
    }

    /// Returns the secret whose value this item holds.
    pub fn secret(&self) -> Option<&SecretName> {
        match self {
            Self::File(File { body: Body::Secret(name), .. }) => Some(name),
            Self::File(_) | Self::Sysctl(_) | Self::Link(_) | Self::Unit(_) | Self::Account(_) => None,
        }
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
    /// A systemd unit.
    Unit(UnitName),
    /// A kernel parameter.
    Sysctl(SysctlKey),
    /// A login.
    Account(AccountName),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path {path}"),
            Self::Unit(name) => write!(f, "unit {name}"),
            Self::Sysctl(key) => write!(f, "sysctl {key}"),
            Self::Account(name) => write!(f, "account {name}"),
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
        let rule = "path, unit, sysctl or account, a space and the name";
        match text.split_once(' ') {
            Some(("path", path)) => path.parse().map(Self::Path),
            Some(("unit", name)) => name.parse().map(Self::Unit),
            Some(("sysctl", key)) => key.parse().map(Self::Sysctl),
            Some(("account", name)) => name.parse().map(Self::Account),
            Some(_) | None => Err(BadName { what: "an item's id", text, rule }),
        }
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
