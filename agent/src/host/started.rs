//! What a unit read at its start: a keyed digest that systemd itself has noted at each start.
//!
//! So a restart that a crash prevented is still seen as missing. A plain hash would betray short secrets; this
//! one needs a key that never leaves the machine (ADR 0010).

use super::os::{Kind, Meta, Os};
use super::path::swap_in;
use super::{Fault, Settings};
use aws_lc_rs::hmac;
use knarr_node::name::{AbsPath, UnitName, hex};
use std::io;
use zeroize::Zeroizing;

/// The random key of this machine under which starts are noted.
pub struct ReadsKey(hmac::Key);

impl ReadsKey {
    /// Makes a key of bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Reads the machine's key from `reads.key` in the state folder, or makes it there, mode 0600.
    pub fn of_machine(os: &mut impl Os, settings: &Settings) -> Result<Self, Fault> {
        let path = format!("{}/reads.key", settings.state);
        if os.stat(&path)?.is_some() {
            let bytes = Zeroizing::new(os.read(&path)?);
            let bytes = bytes.first_chunk().ok_or_else(|| damaged(&path))?;
            return Ok(Self::new(bytes));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| damaged(&path))?;
        swap_in(os, &path, &*bytes, Meta::root(0o600))?;
        Ok(Self::new(&bytes))
    }

    /// Returns the digest of a text, e.g. a unit file.
    pub(super) fn of_text(&self, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        add(&mut context, text.as_bytes());
        hex(context.sign().as_ref())
    }

    /// Returns the digest of a start: the unit file as systemd loaded it, and what lies at each path now.
    ///
    /// A file counts by mode and bytes, a link by its target as written.
    pub(super) fn of_start(&self, os: &impl Os, loaded: &str, reads: &[AbsPath]) -> Result<String, Fault> {
        let mut context = hmac::Context::with_key(&self.0);
        add(&mut context, loaded.as_bytes());
        for path in reads {
            add(&mut context, path.as_str().as_bytes());
            add_place(&mut context, os, path.as_str())?;
        }
        Ok(hex(context.sign().as_ref()))
    }
}

/// Notes that systemd is starting `unit`, whose file had the digest `loaded` when systemd loaded it.
///
/// It is called by the unit itself before it reads anything, so a change in between causes one restart too many
/// and never one too few.
pub fn note_start(os: &mut impl Os, settings: &Settings, key: &ReadsKey, start: &Start) -> Result<(), Fault> {
    let digest = key.of_start(os, &start.loaded, &start.reads)?;
    write(os, settings, &start.unit, &digest)
}

/// One start of a unit, as its drop-in says it: the arguments of `knarrd started`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Which unit.
    pub unit: UnitName,
    /// The digest of its file, or `-` for a unit of the distribution.
    pub loaded: String,
    /// What it reads.
    pub reads: Vec<AbsPath>,
}

/// Writes down with what a unit started.
pub(super) fn write(
    os: &mut impl Os,
    settings: &Settings,
    unit: &UnitName,
    digest: &str,
) -> Result<(), Fault> {
    swap_in(os, &path(settings, unit), digest.as_bytes(), Meta::root(0o600))
}

/// Returns with what a unit started, if anybody wrote it down since the boot.
pub(super) fn read(os: &impl Os, settings: &Settings, unit: &UnitName) -> Result<Option<String>, Fault> {
    let path = path(settings, unit);
    let there = os.stat(&path)?.is_some();
    there.then(|| os.read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())).transpose()
}

fn path(settings: &Settings, unit: &UnitName) -> String {
    format!("{}/started/{unit}", settings.run)
}

fn add_place(context: &mut hmac::Context, os: &impl Os, path: &str) -> Result<(), Fault> {
    let Some(place) = os.stat(path)? else {
        add(context, b"nothing");
        return Ok(());
    };
    match place.kind {
        Kind::File => {
            add(context, &place.meta.mode.to_le_bytes());
            add(context, &Zeroizing::new(os.read(path)?));
        }
        Kind::Link(to) => add(context, format!("-> {to}").as_bytes()),
        Kind::Folder | Kind::Other => add(context, b"something else"),
    }
    Ok(())
}

/// Adds a part with its length, so that no two lists of parts look alike.
fn add(context: &mut hmac::Context, part: &[u8]) {
    context.update(&(part.len() as u64).to_le_bytes());
    context.update(part);
}

fn damaged(path: &str) -> Fault {
    Fault::io(path)(io::ErrorKind::InvalidData.into())
}
