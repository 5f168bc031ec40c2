//! `knarrd guard`: called by the unit that a guarded stage starts, never by people.

use super::{CliError, Kind, need_root, open, paths, settings};
use crate::contact::{Standing, stand};
use crate::guard::BootTime;
use crate::host::Secrets;
use knarr_node::causes::chain;

/// Take a change of the network back unless it is proven in time
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Until when, in milliseconds since the boot
    deadline: BootTime,
    /// The process that does the pass
    pass: u32,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let paths = paths();
    let settings = settings(&paths)?;
    let open = Box::new(move || open(&settings, Secrets::new()).map_err(|fault| chain(&fault)));
    let standing = Standing { paths: &paths, deadline: args.deadline, pass: args.pass, open };
    let failed =
        |error| CliError::new(Kind::Environment, chain(&error), "journalctl -u knarr-guard -u knarrd");
    stand(standing).map(|()| 0).map_err(failed)
}
