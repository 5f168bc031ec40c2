//! A systemd in memory. A unit runs with what it read at its start: `cat A B > C` in its text is what it does.

use super::{Machine, State, key, settings};
use knarr_node::name::UnitName;
use knarrd::host::{Active, Enabled, Fault, Order, Start, UnitStatus, note_start};
use std::collections::{BTreeMap, BTreeSet};

/// What systemd holds of all units.
#[derive(Clone, Default)]
pub(super) struct Units {
    loaded: BTreeMap<String, Files>,
    running: BTreeSet<String>,
    moving: BTreeSet<String>,
}

/// The files of one unit.
#[derive(Clone, Default, PartialEq, Eq)]
struct Files {
    text: Option<String>,
    drop_in: Option<String>,
}

impl Files {
    fn installs(&self) -> bool {
        self.text.as_deref().is_some_and(|text| text.contains("[Install]"))
    }
}

impl State {
    fn files(&self, name: &str) -> Files {
        let text =
            |path: String| self.disk.read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let own = text(format!("/etc/systemd/system/{name}"));
        Files {
            text: own.or_else(|| text(format!("/usr/lib/systemd/system/{name}"))),
            drop_in: text(format!("/etc/systemd/system/{name}.d/knarr.conf")),
        }
    }

    fn loaded(&mut self, name: &str) -> Files {
        let now = self.files(name);
        self.units.loaded.entry(name.to_owned()).or_insert(now).clone()
    }
}

impl Machine {
    pub(super) fn status_of(&self, name: &UnitName) -> UnitStatus {
        let mut state = self.0.borrow_mut();
        let loaded = state.loaded(name.as_str());
        let enabled = match (state.disk.stat(&wants(name.as_str())), state.files(name.as_str())) {
            (Some(_), _) => Enabled::Yes,
            (None, files) if files.text.is_some() && !files.installs() => Enabled::Fixed,
            (None, _) => Enabled::No,
        };
        let active = match name.as_str() {
            name if state.units.moving.contains(name) => Active::Moving,
            name if state.units.running.contains(name) => Active::Yes,
            _ => Active::No,
        };
        UnitStatus {
            loaded: loaded.text.is_some(),
            masked: false,
            enabled,
            active,
            stale: loaded != state.files(name.as_str()),
        }
    }

    pub(super) fn obey(&mut self, order: Order, unit: &UnitName) -> Result<(), Fault> {
        let name = unit.as_str();
        match order {
            Order::Reload => self.0.borrow_mut().units.loaded.clear(),
            Order::Enable if self.0.borrow().files(name).installs() => {
                self.0.borrow_mut().disk.plant_link(&wants(name), name);
            }
            Order::Enable => {}
            Order::Disable => self.0.borrow_mut().disk.unlink_for_good(&wants(name)),
            Order::Stop => self.end(name),
            Order::Restart => return self.start(unit),
        }
        Ok(())
    }

    /// A start as systemd does it, whoever asked: the loaded files count, the note comes before the reading.
    pub(crate) fn start(&self, unit: &UnitName) -> Result<(), Fault> {
        let files = self.0.borrow_mut().loaded(unit.as_str());
        let failed = || Fault::Job { unit: unit.clone(), verb: "start", result: "failed".into() };
        let text = files.text.ok_or_else(failed)?;
        self.end(unit.as_str());
        if let Some(start) = files.drop_in.as_deref().and_then(noted) {
            note_start(&mut self.clone(), &settings(), &key(), &start).unwrap_or_default();
        }
        if text.contains("/bin/false") {
            return Err(failed());
        }
        let mut state = self.0.borrow_mut();
        if let Some((reads, out)) = cats(&text) {
            let read = |path: &&str| state.disk.read(path).unwrap_or_default();
            let read: Vec<u8> = reads.iter().flat_map(read).collect();
            state.disk.plant(out, &read, knarrd::host::Meta::root(0o644));
        }
        state.units.running.insert(unit.to_string());
        Ok(())
    }

    /// A start that does not come to its end.
    pub(crate) fn start_for_ever(&self, unit: &UnitName) {
        self.start(unit).unwrap();
        self.end(unit.as_str());
        self.0.borrow_mut().units.moving.insert(unit.to_string());
    }

    fn end(&self, name: &str) {
        let units = &mut self.0.borrow_mut().units;
        units.running.remove(name);
        units.moving.remove(name);
    }

    pub(crate) fn is_active(&self, unit: &UnitName) -> bool {
        self.0.borrow().units.running.contains(unit.as_str())
    }

    pub(crate) fn is_enabled(&self, unit: &UnitName) -> bool {
        self.0.borrow().disk.stat(&wants(unit.as_str())).is_some()
    }

    /// Starts what is enabled.
    pub(super) fn boot(&self) {
        let names = self.0.borrow().disk.names("/etc/systemd/system/multi-user.target.wants");
        for name in names {
            self.start(&name.parse().unwrap()).unwrap_or_default();
        }
    }
}

fn wants(name: &str) -> String {
    format!("/etc/systemd/system/multi-user.target.wants/{name}")
}

/// Reads the line that has a start noted, as systemd would take it apart.
fn noted(drop_in: &str) -> Option<Start> {
    let line =
        drop_in.lines().find_map(|line| line.strip_prefix("ExecStartPre=\"-+/usr/bin/knarrd\" started "))?;
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
    let reads = words[2..].iter().map(|path| path.parse().unwrap()).collect();
    Some(Start { unit: words[0].parse().unwrap(), loaded: words[1].to_owned(), reads })
}

/// Returns what a unit reads and where it shows that.
fn cats(text: &str) -> Option<(Vec<&str>, &str)> {
    let (reads, rest) = text.split_once("cat ")?.1.split_once(" > ")?;
    Some((reads.split_whitespace().collect(), rest.split([';', '"']).next()?))
}
