//! The only writer of the machine: how each kind of item is seen, kept and changed.
//!
//! One file a kind says *what* is done; an [`Os`] does the single steps. [`Linux`] is the real one, the tests
//! have one with a disk that crashes. No feature is known here by name.

mod account;
mod address;
mod artifact;
mod device;
mod dir;
mod fault;
mod hosts;
mod linux;
mod network;
mod note;
mod os;
mod path;
mod peer;
mod snapshot;
mod started;
mod sysctl;
mod table;
mod unit;

pub use fault::Fault;
pub use linux::{Linux, digest_of};
pub use network::{Device, Network, Setting, Tunnel, Way, WireGuard};
pub use os::{Active, Enabled, Kind, Meta, Order, Os, Place, UnitStatus};
pub use started::{ReadsKey, Start, note_start};

use knarr_node::causes::chain;
use knarr_node::item::{Before, Unit};
use knarr_node::name::{AbsPath, Digest, HttpsUrl, KeptName, SecretName};
use knarr_node::{Act, ActError, Change, Id, Item, Look, Seen, SweepError, Why};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// The values of this machine's secrets, by name.
pub type Secrets = BTreeMap<SecretName, Zeroizing<Vec<u8>>>;

/// The machine that knarrd runs on.
pub type LinuxHost = Host<Linux>;

/// Where knarrd keeps what is its own.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What outlives a reboot, e.g. `/var/lib/knarr`.
    pub state: AbsPath,
    /// What does not, e.g. `/run/knarr`. It must outlive a restart of knarrd.
    pub run: AbsPath,
    /// knarrd itself: units call it at each start.
    pub program: AbsPath,
}

/// A machine, seen and changed through an [`Os`].
pub struct Host<O> {
    os: O,
    settings: Settings,
    key: ReadsKey,
    secrets: Secrets,
}

impl LinuxHost {
    /// Opens the machine that this program runs on; its key for starts is made when it has none.
    pub fn open(settings: Settings, secrets: Secrets) -> Result<Self, Fault> {
        let mut os = Linux::new()?;
        let key = ReadsKey::of_machine(&mut os, &settings)?;
        Ok(Self::new(os, settings, key, secrets))
    }
}

impl Start {
    /// Notes this start on the machine that this program runs on: what `knarrd started` does.
    pub fn note(&self, settings: &Settings) -> Result<(), Fault> {
        let mut os = Linux::new()?;
        let key = ReadsKey::of_machine(&mut os, settings)?;
        note_start(&mut os, settings, &key, self)
    }
}

impl<O: Os> Host<O> {
    /// Makes a host. Neither the key nor any secret is ever written anywhere but into the files that ask for it.
    pub fn new(os: O, settings: Settings, key: ReadsKey, secrets: Secrets) -> Self {
        Self { os, settings, key, secrets }
    }

    fn look_at(&self, id: &Id, like: Option<&Item>) -> Result<Seen, Fault> {
        match (id, like) {
            (Id::Path(path), like) => self.see_path(path, like),
            (Id::Dir(path), like) => self.see_dir(path, like),
            (Id::Sysctl(_), Some(Item::Sysctl(like))) => self.see_sysctl(like),
            (Id::Unit(name), Some(Item::Unit(like))) => self.see_unit(name, like),
            (Id::Unit(name), _) => self.see_own_unit(name),
            (Id::Account(_), Some(Item::Account(like))) => self.see_account(like),
            (Id::Account(name), _) => self.see_own_account(name),
            (Id::Sysctl(_), _) => Ok(Seen::Absent),
            (Id::Artifact(name, sha256), Some(Item::Artifact(like))) => {
                self.see_artifact(name, sha256, Some(like))
            }
            (Id::Artifact(name, sha256), _) => self.see_artifact(name, sha256, None),
            (Id::Device(_), Some(Item::Device(like))) => self.see_device(like),
            (Id::Device(name), _) => self.see_own_device(name),
            (Id::Peer(..), Some(Item::Peer(like))) => self.see_peer(like),
            (Id::Peer(device, key), _) => self.see_own_peer(device, *key),
            (Id::Address(device, ip), _) => self.see_address(device, *ip),
            (Id::Route(to), Some(_)) => self.see_route(*to),
            (Id::Route(to), None) => self.see_own_route(*to),
            (Id::Table(_), Some(Item::Table(like))) => self.see_table(like),
            (Id::Table(name), _) => self.see_own_table(name),
            (Id::Hosts, Some(Item::Hosts(like))) => self.see_hosts(like),
            (Id::Hosts, _) => Ok(self.keep_hosts()?.map_or(Seen::Absent, Seen::Is)),
        }
    }

    fn save(&mut self, id: &Id, name: &KeptName) -> Result<Option<Item>, Fault> {
        match id {
            Id::Path(path) => self.keep_path(path, name),
            Id::Dir(path) => self.keep_dir(path),
            Id::Sysctl(key) => self.keep_sysctl(key),
            Id::Unit(unit) => self.keep_unit(unit),
            Id::Account(account) => self.keep_account(account),
            Id::Artifact(artifact, sha256) => self.keep_artifact(artifact, sha256, name),
            Id::Device(device) => self.keep_device(device, name),
            Id::Peer(device, key) => self.keep_peer(device, *key),
            Id::Address(device, ip) => self.keep_address(device, *ip),
            Id::Route(to) => self.keep_route(*to),
            Id::Table(name) => self.keep_table(name),
            Id::Hosts => self.keep_hosts(),
        }
    }

    fn change(&mut self, change: &Change) -> Result<(), Fault> {
        match change.wanted() {
            Some(item) => self.put(item),
            None => self.take_away(change),
        }
    }

    fn put(&mut self, item: &Item) -> Result<(), Fault> {
        match item {
            Item::File(file) => self.put_file(file),
            Item::Dir(dir) => self.put_dir(dir),
            Item::Link(link) => path::swap_in_link(&mut self.os, link.path.as_str(), link.to.as_str()),
            Item::Sysctl(sysctl) => self.set_sysctl(sysctl),
            Item::Unit(unit) => self.put_unit(unit),
            Item::Account(account) => self.put_account(account),
            Item::Artifact(artifact) => self.put_artifact(artifact),
            Item::Device(device) => self.put_device(device),
            Item::Peer(peer) => self.put_peer(peer),
            Item::Address(address) => self.os.add_address(address),
            Item::Route(route) => self.put_route(route),
            Item::Table(table) => self.put_table(table),
            Item::Hosts(block) => self.put_hosts(block),
        }
    }

    fn take_away(&mut self, change: &Change) -> Result<(), Fault> {
        match (change.id(), change.from()) {
            (Id::Path(path), _) => path::take_away(&mut self.os, path.as_str()),
            (Id::Unit(name), _) => self.take_unit_away(name),
            (Id::Account(name), _) => self.take_account_away(name),
            (Id::Artifact(_, sha256), _) => self.take_artifact_away(sha256),
            (Id::Device(name), _) => self.take_device_away(name),
            (Id::Peer(device, key), _) => self.take_peer_away(device, *key),
            (Id::Address(device, ip), _) => self.take_address_away(device, *ip),
            (Id::Route(_), Some(Item::Route(route))) => self.take_route_away(route),
            (Id::Table(name), _) => self.take_table_away(name),
            (Id::Hosts, _) => self.take_hosts_away(),
            (Id::Dir(_) | Id::Sysctl(_) | Id::Route(_), _) => Ok(()),
        }
    }

    fn kept_folder(&self) -> String {
        format!("{}/kept", self.settings.state)
    }

    fn kept_path(&self, name: &KeptName) -> String {
        format!("{}/{name}", self.kept_folder())
    }
}

impl<O: Os> Look for Host<O> {
    fn see(&self, id: &Id, like: Option<&Item>) -> Seen {
        self.look_at(id, like).unwrap_or_else(|fault| Seen::Unknown(Why(chain(&fault))))
    }

    fn names(&self, folder: &AbsPath) -> Result<BTreeSet<String>, Why> {
        let names = self.os.names(folder.as_str()).map_err(|fault| Why(chain(&fault)))?;
        Ok(names.into_iter().filter(|name| !path::is_temporary(name)).collect())
    }

    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Why> {
        self.os.digest_at(url).map_err(|fault| Why(chain(&fault)))
    }
}

impl<O: Os> Act for Host<O> {
    fn keep(&mut self, id: &Id, name: &KeptName) -> Result<Option<Item>, ActError> {
        self.save(id, name).map_err(|fault| ActError { doing: "keep", id: id.clone(), why: chain(&fault) })
    }

    fn act(&mut self, change: &Change) -> Result<(), ActError> {
        let failed =
            |fault: Fault| ActError { doing: change.verb(), id: change.id().clone(), why: chain(&fault) };
        self.change(change).map_err(failed)
    }

    fn save(&mut self, unit: &Unit, before: &Before) -> Result<Option<AbsPath>, ActError> {
        let id = Id::Unit(unit.name.clone());
        self.save_data(unit, before).map_err(|fault| ActError {
            doing: "save the data of",
            id,
            why: chain(&fault),
        })
    }

    fn tidy(&mut self, id: &Id) -> Result<(), SweepError> {
        let places = match id {
            Id::Path(path) => vec![path.to_string()],
            Id::Dir(_)
            | Id::Sysctl(_)
            | Id::Artifact(..)
            | Id::Device(_)
            | Id::Peer(..)
            | Id::Address(..)
            | Id::Route(_)
            | Id::Table(_) => {
                vec![]
            }
            Id::Hosts => hosts::places(),
            Id::Unit(name) => unit::places(name),
            Id::Account(name) => account::places(name),
        };
        let mut remove = |place: &String| path::remove_temporary(&mut self.os, place);
        places.iter().try_for_each(&mut remove).map_err(|fault| SweepError(chain(&fault)))
    }

    fn sweep(&mut self, needed: &BTreeSet<KeptName>) -> Result<(), SweepError> {
        let failed = |fault: Fault| SweepError(chain(&fault));
        let folder = self.kept_folder();
        let needed: BTreeSet<&str> = needed.iter().map(KeptName::as_str).collect();
        for name in self.os.names(&folder).map_err(failed)? {
            if !needed.contains(name.as_str()) {
                self.os.remove(&format!("{folder}/{name}")).map_err(failed)?;
            }
        }
        Ok(())
    }
}
