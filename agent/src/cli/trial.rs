//! `knarrd trial`: called by the unit that another version of knarrd is tried under, never by people.

use super::{CliError, Kind, need_root, paths};
use crate::guard::BootTime;
use crate::own::stand;
use knarr_node::causes::chain;

/// Put knarrd back unless the new one finishes a pass in time
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Until when, in milliseconds since the boot
    deadline: BootTime,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let failed =
        |error| CliError::new(Kind::Environment, chain(&error), "journalctl -u knarr-trial -u knarrd");
    stand(&paths(), args.deadline).map(|()| 0).map_err(failed)
}
