//! Snapshots of a unit's data: made beside their place, then put there by one rename.

use super::os::{Active, Kind, Order, Os};
use super::path::parent;
use super::{Fault, Host};
use knarr_node::item::{Before, Snapshot, Unit};
use knarr_node::name::{AbsPath, UnitName};

/// How many snapshots of a unit are kept, the newest ones.
const KEPT: usize = 3;
/// The name of a snapshot that is not whole yet.
const PART: &str = ".part";

impl<O: Os> Host<O> {
    /// Saves the data of a unit and returns where they lie; nothing when there are none. One that this pass took before a
    /// crash counts. A unit whose data are copied is left stopped, so that nothing changes them before it is changed.
    pub(super) fn save_data(&mut self, unit: &Unit, before: &Before) -> Result<Option<AbsPath>, Fault> {
        let folder = format!("{}/snapshots/{}", self.settings.state, unit.name);
        let place = format!("{folder}/{}", before.name());
        let found = place.parse().map_err(|_| Fault::NotText(place.clone()))?;
        let Some(how) = self.first_there(&unit.snapshot)? else { return Ok(None) };
        if self.os.stat(&place)?.is_none() {
            self.make_private(&folder)?;
            let part = format!("{folder}/{PART}");
            self.remove_all(&part)?;
            self.os.make_folder(&part, 0o700)?;
            self.fill(&unit.name, &how, &part)?;
            self.os.rename(&part, &place)?;
            self.os.sync(&folder)?;
        }
        self.forget_old(&folder)?;
        Ok(Some(found))
    }

    fn first_there(&self, ways: &[Snapshot]) -> Result<Option<Snapshot>, Fault> {
        for way in ways {
            if let Some(first) = way.of.first()
                && self.os.stat(first.as_str())?.is_some()
            {
                return Ok(Some(way.clone()));
            }
        }
        Ok(None)
    }

    fn fill(&mut self, unit: &UnitName, how: &Snapshot, part: &str) -> Result<(), Fault> {
        self.has_room(&how.of, part)?;
        if let Some((program, args)) = how.by.split_first() {
            let args: Vec<&str> = args.iter().map(String::as_str).chain([part]).collect();
            self.os.run(program, &args)?;
        } else {
            if self.os.unit(unit)?.active != Active::No {
                self.os.order(Order::Stop, unit)?;
            }
            for path in &how.of {
                let name = path.as_str().rsplit('/').next().unwrap_or_default();
                self.copy_all(path.as_str(), &format!("{part}/{name}"))?;
            }
        }
        self.os.sync(part)
    }

    /// Refuses before anything is stopped. A third more is asked for, since the disk has to serve meanwhile.
    fn has_room(&self, of: &[AbsPath], folder: &str) -> Result<(), Fault> {
        let mut needed = 0;
        for path in of {
            needed += self.size_of_all(path.as_str())?;
        }
        let free = self.os.room(folder)?;
        if free / 4 * 3 >= needed {
            Ok(())
        } else {
            Err(Fault::NoRoom { folder: folder.to_owned(), needed, free })
        }
    }

    fn size_of_all(&self, path: &str) -> Result<u64, Fault> {
        match self.os.stat(path)?.map(|place| place.kind) {
            Some(Kind::File) => self.os.size(path),
            Some(Kind::Folder) => {
                self.os.names(path)?.iter().map(|name| self.size_of_all(&format!("{path}/{name}"))).sum()
            }
            Some(Kind::Link(_) | Kind::Other) | None => Ok(0),
        }
    }

    /// Copies a file, or a folder with all below, with owners and modes. Sockets and pipes are no data.
    fn copy_all(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        let Some(place) = self.os.stat(from)? else { return Ok(()) };
        match place.kind {
            Kind::File => self.os.copy(from, to, place.meta),
            Kind::Link(target) => self.os.link(to, &target),
            Kind::Folder => {
                self.os.make_folder(to, place.meta.mode)?;
                for name in self.os.names(from)? {
                    self.copy_all(&format!("{from}/{name}"), &format!("{to}/{name}"))?;
                }
                self.os.sync(to)
            }
            Kind::Other => Ok(()),
        }
    }

    fn remove_all(&mut self, path: &str) -> Result<(), Fault> {
        match self.os.stat(path)?.map(|place| place.kind) {
            None => Ok(()),
            Some(Kind::Folder) => {
                for name in self.os.names(path)? {
                    self.remove_all(&format!("{path}/{name}"))?;
                }
                self.os.remove_folder(path)
            }
            Some(Kind::File | Kind::Link(_) | Kind::Other) => self.os.remove(path),
        }
    }

    fn forget_old(&mut self, folder: &str) -> Result<(), Fault> {
        let mut all: Vec<String> = self.os.names(folder)?;
        all.retain(|name| Before::age(name).is_some());
        all.sort_by_key(|name| Before::age(name));
        for name in all.iter().rev().skip(KEPT) {
            self.remove_all(&format!("{folder}/{name}"))?;
        }
        self.os.sync(parent(&format!("{folder}/{PART}")))
    }
}
