//! A machine in memory with a disk, a systemd and logins. It keeps state, may be blind or broken at a place, and
//! dies at a given step.

mod disk;
mod network;
mod systemd;

use aws_lc_rs::digest::{SHA256, digest};
use disk::{Disk, Node};
use knarr_node::item::{Check, Source};
use knarr_node::name::{AccountName, Digest, Hex, HttpsUrl, UnitName};
use knarrd::host::{Fault, Host, Kind, Meta, Order, Os, Place, ReadsKey, Secrets, Settings, UnitStatus};
use knarrd::journal::{Journal, JournalError, Storage};
pub(crate) use network::Net;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;
use systemd::Units;

/// What a crash takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Only knarrd dies; the kernel and all units live on.
    Kill,
    /// The power goes: only what was made durable is there after the boot.
    Power,
    /// The power goes, yet all new names reached the disk, and of contents only what was made durable.
    PowerAfterNames,
}

/// A handle of one simulated machine.
#[derive(Clone, Default)]
pub(crate) struct Machine(Rc<RefCell<State>>);

#[derive(Clone, Default)]
struct State {
    disk: Disk,
    units: Units,
    net: Net,
    accounts: BTreeSet<String>,
    steps: usize,
    dies_at: Option<usize>,
    dead: bool,
    full: bool,
    blind: BTreeSet<String>,
    broken: BTreeSet<String>,
}

const JOURNAL: &str = "/var/lib/knarr/journal";
/// Source: RFC 7748, section 6.1: Bob's key.
const OWN_KEY: &str = "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n";
const PROGRAM: &str = "/usr/bin/knarrd";

pub(crate) fn settings() -> Settings {
    let path = |text: &str| text.parse().unwrap();
    Settings { state: path("/var/lib/knarr"), run: path("/run/knarr"), program: path(PROGRAM) }
}

fn key() -> ReadsKey {
    ReadsKey::new(&[7; 32])
}

impl Machine {
    /// Makes a machine as an installer leaves it.
    pub(crate) fn new() -> Self {
        let machine = Self::default();
        for folder in ["/etc/systemd/system", "/etc/ssh", "/etc/sudoers.d", "/usr/lib/systemd/system"] {
            machine.0.borrow_mut().disk.settle_folders(&format!("{folder}/x"));
        }
        for folder in ["/var/lib/knarr", "/run", "/proc/sys/net/ipv4"] {
            machine.0.borrow_mut().disk.settle_folders(&format!("{folder}/x"));
        }
        machine.plant("/proc/sys/net/ipv4/ip_default_ttl", "64\n", 0o644);
        machine.plant("/var/lib/knarr/wireguard.key", OWN_KEY, 0o600);
        machine.plant("/etc/hosts", "127.0.0.1 localhost\n", 0o644);
        machine.meddle(|net| net.plant_foreign_device("lo"));
        machine
    }

    pub(crate) fn host(&self, secrets: Secrets) -> Host<Self> {
        Host::new(self.clone(), settings(), key(), secrets)
    }

    /// Makes another machine that is the same at this moment.
    pub(crate) fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    pub(crate) fn journal(&self) -> Journal {
        self.try_journal().unwrap()
    }

    pub(crate) fn try_journal(&self) -> Result<Journal, JournalError> {
        Journal::open(Box::new(self.clone()))
    }

    /// Returns how many steps were done since [`Machine::die_at`].
    pub(crate) fn steps(&self) -> usize {
        self.0.borrow().steps
    }

    /// Lets it die at the step with this number, counted from now.
    pub(crate) fn die_at(&self, step: usize) {
        let mut state = self.0.borrow_mut();
        (state.steps, state.dies_at) = (0, Some(step));
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.borrow().dead
    }

    /// Starts it again after a crash.
    pub(crate) fn revive(&self, crash: Crash) {
        let mut state = self.0.borrow_mut();
        (state.dead, state.dies_at) = (false, None);
        if crash != Crash::Kill {
            state.disk.lose(crash == Crash::PowerAfterNames);
            (state.units, state.net) = Default::default();
            drop(state);
            self.meddle(|net| net.plant_foreign_device("lo"));
            self.plant("/proc/sys/net/ipv4/ip_default_ttl", "64\n", 0o644);
            self.boot();
        }
    }

    /// Puts something there that is durable and was always there.
    pub(crate) fn plant(&self, path: &str, text: &str, mode: u32) {
        self.0.borrow_mut().disk.plant(path, text.as_bytes(), Meta::root(mode));
    }

    pub(crate) fn plant_link(&self, path: &str, to: &str) {
        self.0.borrow_mut().disk.plant_link(path, to);
    }

    pub(crate) fn plant_folder(&self, path: &str) {
        self.0.borrow_mut().disk.settle_folders(&format!("{path}/x"));
    }

    /// Time passes: all that was written reaches the disk.
    pub(crate) fn flush(&self) {
        self.0.borrow_mut().disk.flush();
    }

    /// Lets the disk take nothing more, or something again.
    pub(crate) fn fill(&self, full: bool) {
        self.0.borrow_mut().full = full;
    }

    /// Makes a place unreadable.
    pub(crate) fn blind(&self, path: &str) {
        self.0.borrow_mut().blind.insert(path.to_owned());
    }

    /// Lets all changes of a place fail, or a unit's starts.
    pub(crate) fn break_at(&self, place: &str) {
        self.0.borrow_mut().broken.insert(place.to_owned());
    }

    pub(crate) fn mend(&self) {
        let mut state = self.0.borrow_mut();
        (state.blind, state.broken) = Default::default();
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.0.borrow().disk.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn mode(&self, path: &str) -> Option<u32> {
        self.0.borrow().disk.stat(path).map(|place| place.meta.mode)
    }

    pub(crate) fn target(&self, path: &str) -> Option<String> {
        match self.0.borrow().disk.stat(path)?.kind {
            Kind::Link(to) => Some(to),
            Kind::File | Kind::Folder | Kind::Other => None,
        }
    }

    /// Returns all files and links but knarrd's own and those in memory, with content and mode.
    pub(crate) fn everything(&self) -> BTreeMap<String, String> {
        self.0.borrow().disk.everything()
    }

    fn step<T>(&self, does: impl FnOnce(&mut State) -> io::Result<T>, place: &str) -> Result<T, Fault> {
        let fault = |error| Fault::Io { path: place.to_owned(), source: error };
        let mut state = self.0.borrow_mut();
        state.steps += 1;
        if state.dies_at.is_some_and(|step| step == state.steps) {
            state.dead = true;
        }
        if state.dead {
            return Err(fault(io::ErrorKind::Interrupted.into()));
        }
        if state.broken.contains(place) {
            return Err(fault(io::ErrorKind::PermissionDenied.into()));
        }
        does(&mut state).map_err(fault)
    }

    fn touch(&self, does: impl FnOnce(&mut State), place: &str) -> Result<(), Fault> {
        let does = |state: &mut State| {
            does(state);
            Ok(())
        };
        self.step(does, place)
    }

    fn view<T>(&self, sees: impl FnOnce(&State) -> io::Result<T>, place: &str) -> Result<T, Fault> {
        let fault = |error| Fault::Io { path: place.to_owned(), source: error };
        let state = self.0.borrow();
        if state.dead || state.blind.contains(place) {
            return Err(fault(io::ErrorKind::Other.into()));
        }
        sees(&state).map_err(fault)
    }
}

impl Os for Machine {
    fn stat(&self, path: &str) -> Result<Option<Place>, Fault> {
        self.view(|state| Ok(state.disk.stat(path)), path)
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.view(|state| state.disk.read(path).ok_or(io::ErrorKind::NotFound.into()), path)
    }
    fn names(&self, folder: &str) -> Result<Vec<String>, Fault> {
        self.view(|state| Ok(state.disk.names(folder)), folder)
    }
    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Fault> {
        self.step(|state| state.disk.put(path, Node::Folder(Meta::root(mode))), path)
    }
    fn remove_folder(&mut self, path: &str) -> Result<(), Fault> {
        self.touch(|state| state.disk.remove_folder(path), path)
    }
    fn write(&mut self, path: &str, bytes: &[u8], meta: Meta) -> Result<(), Fault> {
        self.step(|state| state.disk.write(path, &bytes[..bytes.len() / 2], meta), path)?;
        self.step(|state| state.disk.append(path, &bytes[bytes.len() / 2..]), path)
    }
    fn link(&mut self, path: &str, to: &str) -> Result<(), Fault> {
        self.step(|state| state.disk.put(path, Node::Link(to.to_owned())), path)
    }
    fn sync(&mut self, path: &str) -> Result<(), Fault> {
        self.step(|state| state.disk.sync(path), path)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        self.step(|state| state.disk.rename(from, to), to)
    }
    fn remove(&mut self, path: &str) -> Result<(), Fault> {
        self.touch(|state| state.disk.remove(path), path)
    }
    fn link_hard(&mut self, path: &str, second: &str) -> Result<(), Fault> {
        self.step(|state| state.disk.link_hard(path, second), second)
    }
    fn copy(&mut self, from: &str, to: &str, meta: Meta) -> Result<(), Fault> {
        let bytes = Os::read(self, from)?;
        self.write(to, &bytes, meta)?;
        Os::sync(self, to)
    }
    fn size(&self, path: &str) -> Result<u64, Fault> {
        Ok(Os::read(self, path)?.len() as u64)
    }
    fn room(&self, folder: &str) -> Result<u64, Fault> {
        self.view(|state| Ok(if state.full { 0 } else { 1 << 30 }), folder)
    }
    /// The small world has cp(1) of one file into a folder.
    fn run(&mut self, program: &str, args: &[&str]) -> Result<(), Fault> {
        let ("/bin/cp", [from, folder]) = (program, args) else {
            return Err(Fault::Save { program: program.to_owned(), said: "not found".to_owned() });
        };
        self.step(|_| Ok(()), program)?;
        let bytes = Os::read(self, from)?;
        self.write(&format!("{folder}/{}", from.rsplit('/').next().unwrap()), &bytes, Meta::root(0o600))
    }
    /// Like a download that goes on where an earlier one was cut off.
    fn fetch(&mut self, from: &Source, to: &str) -> Result<(), Fault> {
        let place = from.to_string();
        let bytes =
            self.view(|state| state.disk.read(&place).ok_or(io::ErrorKind::NotFound.into()), &place)?;
        if Os::stat(self, to)?.is_none() {
            self.step(|state| state.disk.write(to, &[], Meta::root(0o755)), to)?;
        }
        let have = Os::read(self, to)?.len();
        let missing = bytes.get(have..).unwrap_or_default();
        let (one, two) = missing.split_at(missing.len() / 2);
        self.step(|state| state.disk.append(to, one), to)?;
        self.step(|state| state.disk.append(to, two), to)
    }
    /// What an address gives is a file of that name.
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Fault> {
        let bytes = Os::read(self, url.as_str());
        let bytes = bytes.map_err(|fault| Fault::Silent { url: url.clone(), why: fault.to_string() })?;
        Ok(Digest::of_sha256(digest(&SHA256, &bytes).as_ref()))
    }
    fn digest(&self, path: &str) -> Result<Hex, Fault> {
        let bytes = Os::read(self, path)?;
        Ok(Digest::of_sha256(digest(&SHA256, &bytes).as_ref()).hex())
    }
    fn stamp(&self, path: &str) -> Result<String, Fault> {
        self.view(|state| state.disk.stamp(path).ok_or(io::ErrorKind::NotFound.into()), path)
    }
    fn set(&mut self, path: &str, value: &str) -> Result<(), Fault> {
        let text = format!("{}\n", value.split_whitespace().collect::<Vec<_>>().join("\t"));
        self.touch(|state| state.disk.plant(path, text.as_bytes(), Meta::root(0o644)), path)
    }
    fn accepts(&mut self, check: Check, path: &str) -> Result<(), Fault> {
        let (program, refused) = match check {
            Check::Sudoers => ("visudo", self.text(path).unwrap_or_default().contains("nonsense")),
            Check::Sshd => ("sshd", self.0.borrow().disk.any_below("/etc/ssh/", "nonsense")),
        };
        self.step(|_| Ok(()), "/usr/sbin")?;
        if refused { Err(Fault::Refused { program, said: "nonsense".into() }) } else { Ok(()) }
    }
    fn has_account(&self, name: &AccountName) -> Result<bool, Fault> {
        self.view(|state| Ok(state.accounts.contains(name.as_str())), "/etc/passwd")
    }
    fn add_account(&mut self, name: &AccountName) -> Result<(), Fault> {
        self.step(|state| Ok(state.accounts.insert(name.to_string())), "/etc/passwd").map(drop)
    }
    fn unit(&self, name: &UnitName) -> Result<UnitStatus, Fault> {
        self.view(|_| Ok(()), name.as_str())?;
        Ok(self.status_of(name))
    }
    fn order(&mut self, order: Order, unit: &UnitName) -> Result<(), Fault> {
        self.step(|_| Ok(()), unit.as_str())?;
        self.obey(order, unit)
    }
}

impl Storage for Machine {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().disk.read(JOURNAL))
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (one, two) = bytes.split_at(bytes.len() / 2);
        self.step(|state| state.disk.append(JOURNAL, one), JOURNAL).map_err(io::Error::other)?;
        self.step(|state| state.disk.append(JOURNAL, two), JOURNAL).map_err(io::Error::other)
    }
    fn sync(&mut self) -> io::Result<()> {
        Os::sync(self, JOURNAL).map_err(io::Error::other)
    }
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{JOURNAL}.new");
        let steps = |machine: &mut Self| {
            machine.remove(&temporary)?;
            machine.write(&temporary, bytes, Meta::root(0o600))?;
            Os::sync(machine, &temporary)?;
            machine.rename(&temporary, JOURNAL)?;
            Os::sync(machine, "/var/lib/knarr")
        };
        steps(self).map_err(io::Error::other)
    }
}
