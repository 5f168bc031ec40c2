//! `knarrd run`

use super::{CliError, need_root, now, open, paths, settings};
use crate::daemon::{self, Changing};
use crate::fetch::Bounds;
use crate::host::Settings;
use crate::identity::Identity;
use crate::lock::take;
use crate::pass::{Ground, PassError};
use crate::paths::Paths;
use knarr_node::report::Report;
use std::time::Duration;

/// Follow the repository until stopped; systemd calls this
///
/// A pass begins at once and then about every 30 seconds. SIGTERM lets the running change end.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  systemctl restart knarrd     # knarrd.service is `knarrd run`")]
pub(super) struct Args {
    /// Seconds between two passes; each varies by a fifth
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let paths = paths();
    Identity::read(&paths).map_err(PassError::from)?;
    let settings = settings(&paths)?;
    let changing = Changing::default();
    let every = Duration::from_secs(args.every);
    let pass = {
        let changing = changing.clone();
        move || in_words(pass(&paths, &settings, &changing))
    };
    daemon::run(pass, every, &changing)?;
    Ok(0)
}

fn pass(paths: &Paths, settings: &Settings, changing: &Changing) -> Result<Report, CliError> {
    let lock = take(paths, Duration::from_mins(20), || tracing::info!("another pass is running"))?;
    let (settings, changing) = (settings.clone(), changing.clone());
    let open = Box::new(move |secrets| Ok(changing.guard(open(&settings, secrets)?)));
    let ground = Ground { lock, paths: paths.clone(), bounds: Bounds::default(), open, now: now() };
    Ok(ground.pass()?)
}

/// Says how a pass ended, also in the log.
fn in_words(ended: Result<Report, CliError>) -> String {
    match ended {
        Ok(report) => {
            let commit = report.applied.as_ref().map_or("nothing", |commit| commit.short());
            let line = format!("{commit}: {}", report.outcome);
            tracing::info!("{line}");
            line
        }
        Err(error) => {
            tracing::error!("{} (type: {})", error.message, error.help);
            error.message
        }
    }
}
