//! `knarrd started`: called by the units that knarrd installs, never by people.

use super::{CliError, Kind, paths, settings};
use crate::host::{Linux, ReadsKey, Start, note_start};
use knarr_node::causes::chain;
use knarr_node::name::{AbsPath, UnitName};

/// Note with what a unit starts
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The unit
    unit: UnitName,
    /// The digest of its file
    loaded: String,
    /// What it reads
    reads: Vec<AbsPath>,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let settings = settings(&paths())?;
    let start = Start { unit: args.unit.clone(), loaded: args.loaded.clone(), reads: args.reads.clone() };
    let noted = Linux::new().and_then(|mut os| {
        let key = ReadsKey::of_machine(&mut os, &settings)?;
        note_start(&mut os, &settings, &key, &start)
    });
    let failed = |error| CliError::new(Kind::Environment, chain(&error), "systemctl status knarrd");
    noted.map(|()| 0).map_err(failed)
}
