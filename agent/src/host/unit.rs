//! systemd units: the file, a note beside it, and a restart that is never lost.
//!
//! The note is a drop-in. It says what Knarr made, and has each start noted with what the unit read.

use super::note::Note;
use super::os::{Active, Enabled, Kind, Meta, Order, Os, UnitStatus};
use super::path::{parent, swap_in, take_away};
use super::{Fault, Host, Start, started};
use knarr_node::item::{Unit, Was};
use knarr_node::name::UnitName;
use knarr_node::{Item, Seen};

/// All that is there of a unit.
struct There {
    text: Option<String>,
    plain: bool,
    drop_in: Option<String>,
    note: Option<Note>,
    status: UnitStatus,
}

impl There {
    fn ours(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.ours)
    }

    fn is_nothing(&self) -> bool {
        !self.status.loaded && self.text.is_none() && self.note.is_none()
    }

    fn item(&self, name: &UnitName) -> Unit {
        let Note { reads, floor, .. } = self.note.clone().unwrap_or_default();
        let enabled = self.status.enabled != Enabled::No;
        let was = Was { enabled, active: self.status.active == Active::Yes, ours: self.ours() };
        Unit { floor, was: Some(was), ..Unit::new(name.clone(), self.text.clone(), reads) }
    }
}

impl<O: Os> Host<O> {
    pub(super) fn see_unit(&self, name: &UnitName, like: &Unit) -> Result<Seen, Fault> {
        let there = self.unit_there(name)?;
        if there.status.masked {
            return Err(Fault::Masked(name.clone()));
        }
        let fresh = self.reads_this(like)?;
        // One that starts for ever with something else is helped only by the change.
        if there.status.active == Active::Moving && like.starts() && fresh && self.has_files_of(&there, like)
        {
            return Err(Fault::Moving(name.clone()));
        }
        let item = there.item(name);
        Ok(if fresh && self.is_as(&there, like) {
            Seen::Is(Item::Unit(like.clone()))
        } else if there.is_nothing() {
            Seen::Absent
        } else if item == *like {
            Seen::Is(Item::Unit(Unit { was: None, ..item }))
        } else {
            Seen::Is(Item::Unit(item))
        })
    }

    /// Returns what Knarr made of a unit: its file, or only the note beside the distribution's.
    pub(super) fn see_own_unit(&self, name: &UnitName) -> Result<Seen, Fault> {
        let there = self.unit_there(name)?;
        let text = there.text.clone().filter(|_| there.ours());
        let unit =
            there.note.map(|note| Unit { floor: note.floor, ..Unit::new(name.clone(), text, note.reads) });
        Ok(unit.map_or(Seen::Absent, |unit| Seen::Is(Item::Unit(unit))))
    }

    pub(super) fn keep_unit(&self, name: &UnitName) -> Result<Option<Item>, Fault> {
        let there = self.unit_there(name)?;
        Ok((!there.is_nothing()).then(|| Item::Unit(there.item(name))))
    }

    /// The start is the last step: until it went well, the unit is seen as not as wanted.
    pub(super) fn put_unit(&mut self, unit: &Unit) -> Result<(), Fault> {
        let there = self.unit_there(&unit.name)?;
        if listens(&unit.name) && there.status.active != Active::No {
            self.os.order(Order::Stop, &unit.name)?;
        }
        if !unit.starts() && there.status.enabled == Enabled::Yes {
            self.os.order(Order::Disable, &unit.name)?;
        }
        self.put_unit_files(unit, &there)?;
        self.os.order(Order::Reload, &unit.name)?;
        match unit.was {
            _ if !unit.starts() => Ok(()),
            None => self.run(unit, true, true),
            Some(was) => self.run(unit, was.enabled, was.active),
        }
    }

    /// A unit of the distribution goes on as it is; only the note goes.
    pub(super) fn take_unit_away(&mut self, name: &UnitName) -> Result<(), Fault> {
        let there = self.unit_there(name)?;
        if there.ours() || there.note.is_none() {
            self.os.order(Order::Stop, name)?;
            self.os.order(Order::Disable, name)?;
            take_away(&mut self.os, &file_path(name))?;
            self.os.order(Order::Reload, name)?;
        }
        self.drop_note(name)?;
        self.os.order(Order::Reload, name)
    }

    fn put_unit_files(&mut self, unit: &Unit, there: &There) -> Result<(), Fault> {
        match self.drop_in(unit) {
            Some(text) => swap_in(&mut self.os, &note_path(&unit.name), text.as_bytes(), Meta::root(0o644))?,
            None => self.drop_note(&unit.name)?,
        }
        let path = file_path(&unit.name);
        match &unit.text {
            Some(text) => swap_in(&mut self.os, &path, text.as_bytes(), Meta::root(0o644)),
            None if there.ours() => take_away(&mut self.os, &path),
            None => Ok(()),
        }
    }

    fn run(&mut self, unit: &Unit, enabled: bool, active: bool) -> Result<(), Fault> {
        let order = if enabled { Order::Enable } else { Order::Disable };
        let now = self.os.unit(&unit.name)?.enabled;
        if unit.text.is_some() || (now == Enabled::No) == enabled {
            self.os.order(order, &unit.name)?;
        }
        if !active {
            return self.os.order(Order::Stop, &unit.name);
        }
        let start = self.start(unit);
        let digest = self.key.of_start(&self.os, &start.loaded, &start.reads)?;
        self.os.order(Order::Restart, &unit.name)?;
        started::write(&mut self.os, &self.settings, &unit.name, &digest)
    }

    fn drop_note(&mut self, name: &UnitName) -> Result<(), Fault> {
        let path = note_path(name);
        take_away(&mut self.os, &path)?;
        self.os.remove_folder(parent(&path))
    }

    /// Whether the machine holds exactly this, and has it run or not.
    fn is_as(&self, there: &There, like: &Unit) -> bool {
        let wanted = like.was.map_or((true, true), |was| (was.enabled, was.active));
        let state = (there.status.enabled != Enabled::No, there.status.active == Active::Yes);
        self.has_files_of(there, like) && (!like.starts() || state == wanted)
    }

    /// Whether systemd has read exactly the files that the unit is to have.
    fn has_files_of(&self, there: &There, like: &Unit) -> bool {
        let file = match &like.text {
            Some(text) => there.plain && there.text.as_ref() == Some(text),
            None => !there.ours() && there.status.loaded,
        };
        file && there.drop_in == self.drop_in(like) && !there.status.stale
    }

    /// Whether a unit runs with what it reads now; what it reads must be readable in any case.
    fn reads_this(&self, unit: &Unit) -> Result<bool, Fault> {
        if !notes_starts(unit) || unit.was.is_some_and(|was| !was.active) {
            return Ok(true);
        }
        let start = self.start(unit);
        let now = self.key.of_start(&self.os, &start.loaded, &start.reads)?;
        Ok(started::read(&self.os, &self.settings, &unit.name)? == Some(now))
    }

    fn start(&self, unit: &Unit) -> Start {
        let loaded = unit.text.as_ref().map_or_else(|| "-".to_owned(), |text| self.key.of_text(text));
        Start { unit: unit.name.clone(), loaded, reads: unit.reads.iter().cloned().collect() }
    }

    fn drop_in(&self, unit: &Unit) -> Option<String> {
        let start = notes_starts(unit).then(|| self.start(unit));
        Some(Note::of(unit)?.text(&unit.name, start.as_ref(), &self.settings.program))
    }

    fn unit_there(&self, name: &UnitName) -> Result<There, Fault> {
        let (text, plain) = self.unit_file(&file_path(name))?.unzip();
        let drop_in = self.unit_file(&note_path(name))?.map(|(text, _)| text);
        let note = drop_in.as_deref().and_then(Note::parse);
        Ok(There { text, plain: plain.unwrap_or(false), note, drop_in, status: self.os.unit(name)? })
    }

    /// Returns the text of a unit file, and whether it has the owner and mode that Knarr gives.
    fn unit_file(&self, path: &str) -> Result<Option<(String, bool)>, Fault> {
        match self.os.stat(path)? {
            Some(place) if place.kind == Kind::File => {
                let text = String::from_utf8(self.os.read(path)?);
                let text = text.map_err(|_| Fault::NotText(path.to_owned()))?;
                Ok(Some((text, place.meta == Meta::root(0o644))))
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// Whether its starts are noted. Only a service reads anything; what was there before Knarr has no note.
fn notes_starts(unit: &Unit) -> bool {
    kind(&unit.name) == "service" && unit.starts() && Note::of(unit).is_some()
}

/// Returns all places that belong to a unit.
pub(super) fn places(name: &UnitName) -> Vec<String> {
    vec![file_path(name), note_path(name)]
}

fn file_path(name: &UnitName) -> String {
    format!("/etc/systemd/system/{name}")
}

fn note_path(name: &UnitName) -> String {
    format!("/etc/systemd/system/{name}.d/knarr.conf")
}

fn kind(name: &UnitName) -> &str {
    name.as_str().rsplit_once('.').map_or("", |(_, kind)| kind)
}

/// Whether it takes its file's settings only when it starts, and nothing notes that start: it is stopped before
/// its file changes, so that a crash in between leaves it visibly stopped.
fn listens(name: &UnitName) -> bool {
    matches!(kind(name), "socket" | "timer" | "path" | "mount")
}
