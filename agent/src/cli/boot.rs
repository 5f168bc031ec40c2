//! `knarrd boot`

use super::{CliError, Kind, need_root, paths, say};
use crate::boot::{BootError, Proven, make, restored};
use crate::guard::settle_armed;
use crate::host::LinuxHost;
use crate::journal::{FileStorage, Journal, JournalError};
use crate::lock::take;
use crate::own;
use crate::paths::Paths;
use knarr_node::Id;
use knarr_node::causes::chain;
use std::path::Path;
use std::time::Duration;

/// Make mesh and firewall as they were when last proven; knarr-boot.service calls this
///
/// It needs no repository, D-Bus, network or clock, and decides nothing: a machine whose knarrd is dead boots into its
/// last proven network. All else waits for the next pass.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  systemctl start knarr-boot     # knarr-boot.service is `knarrd boot`")]
pub(super) struct Args {}

impl From<BootError> for CliError {
    fn from(error: BootError) -> Self {
        Self::new(Kind::Environment, chain(&error), error.help())
    }
}

pub(super) fn run(_: &Args) -> Result<u8, CliError> {
    need_root()?;
    let paths = paths();
    let lock = take(&paths, Duration::from_mins(1), || tracing::info!("a pass is running"))?;
    if let Err(error) = own::put_back(&paths) {
        tracing::warn!("a knarrd on trial stays: {error}");
    }
    let Some(proven) = Proven::read(&paths)? else {
        say("nothing was proven on this machine yet; there is nothing to make");
        return Ok(0);
    };
    let odd = |why: String| CliError::new(Kind::Environment, why, "journalctl -u knarr-boot");
    let settings =
        paths.settings(Path::new(proven.program.as_str())).map_err(|error| odd(error.to_string()))?;
    let mut host = LinuxHost::open(settings, [].into()).map_err(|fault| odd(chain(&fault)))?;
    let failed = restore(&mut host, &proven, journal(&paths));
    for (id, why) in &failed {
        tracing::error!("{id} failed: {why}");
    }
    let (all, bad) = (proven.items.len(), failed.len());
    say(&format!("made the network as last proven: {all} parts, {bad} failed"));
    drop(lock);
    Ok(if failed.is_empty() { 0 } else { 7 })
}

fn journal(paths: &Paths) -> Result<Journal, JournalError> {
    Journal::open(Box::new(FileStorage::new(paths.kept("journal"))))
}

/// What was proven is made first: a stage that was not can only be taken back where its devices are.
fn restore(
    host: &mut LinuxHost,
    proven: &Proven,
    journal: Result<Journal, JournalError>,
) -> Vec<(Id, String)> {
    let settled = journal.and_then(|mut journal| {
        make(host, &restored(&proven.items, journal.owned()));
        if settle_armed(host, &mut journal)?.is_some() {
            tracing::warn!("a change of the network was not proven before the boot; it is taken back");
        }
        Ok(restored(&proven.items, journal.owned()))
    });
    let items = settled.unwrap_or_else(|error| {
        tracing::warn!("{}; all that was proven is made", chain(&error));
        proven.items.clone()
    });
    make(host, &items)
}
