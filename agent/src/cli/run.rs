//! `knarrd run`

use super::{CliError, keep_program, look_around, need_root, now, open, paths, settings};
use crate::daemon::{self, Changing, Ended, Pace};
use crate::fetch::Bounds;
use crate::host::Settings;
use crate::identity::Identity;
use crate::listener::Listener;
use crate::lock::take;
use crate::pass::{Ground, PassError, place};
use crate::paths::Paths;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use knarr_node::report::Report;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Follow the repository until stopped; systemd calls this
///
/// A pass begins at once and then about every 30 seconds, in a cluster of more than 10 machines every 3 seconds for
/// each of them; every 5 seconds while something else comes first; and whenever another node has a newer commit. While the commits cannot be fetched it asks less and
/// less often, every 5 minutes at last. SIGTERM lets the running change end.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  systemctl restart knarrd     # knarrd.service is `knarrd run`")]
pub(super) struct Args {
    /// Seconds between two passes, instead; each varies by a fifth
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: Option<u64>,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let paths = paths();
    Identity::read(&paths).map_err(PassError::from)?;
    let settings = settings(&paths)?;
    let (listener, changing) = (Arc::new(Listener::new(paths.clone())), Changing::default());
    let pace = Mutex::new(Pace::new(args.every.map(Duration::from_secs)));
    let machine = Machine { paths, settings, listener: listener.clone(), changing: changing.clone() };
    let kept = AtomicBool::new(false);
    let pass = move || {
        if !kept.swap(true, Ordering::Relaxed) {
            return machine.keep();
        }
        machine.pass(&mut pace.lock().unwrap_or_else(PoisonError::into_inner))
    };
    daemon::run(pass, &listener, &changing)?;
    Ok(0)
}

/// While another process does the first pass, it is looked so often for what that one found.
const LOOKS: Duration = Duration::from_secs(1);

struct Machine {
    paths: Paths,
    settings: Settings,
    listener: Arc<Listener>,
    changing: Changing,
}

impl Machine {
    fn ground(&self) -> Result<Ground, CliError> {
        let lock = thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            let waiting = || {
                tracing::info!("another pass is running");
                scope.spawn(move || self.find_place(&is_done));
            };
            let lock = take(&self.paths, Duration::from_mins(20), waiting);
            drop(done);
            lock
        })?;
        let (settings, changing) = (self.settings.clone(), self.changing.clone());
        let look_around = look_around(&settings);
        let open = Box::new(move |secrets| Ok(changing.guard(open(&settings, secrets)?)));
        let (paths, listener) = (self.paths.clone(), self.listener.clone());
        Ok(Ground { lock, paths, bounds: Bounds::default(), open, look_around, listener, now: now() })
    }

    /// Listens as soon as another process's pass has accepted the first commit: what comes in turns asks this machine
    /// how far it is.
    fn find_place(&self, is_done: &Receiver<()>) {
        while self.listener.place().is_none() {
            let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(LOOKS) else { return };
            let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
            if let Some(place) = place(&self.paths, today) {
                self.listener.stand(Some(place));
            }
        }
    }

    /// Without waiting for a network that may not be there: after a boot it often is not.
    fn keep(&self) -> Ended {
        let line = in_words(self.ground().and_then(|ground| Ok(ground.keep()?)));
        Ended { line, next: Duration::ZERO }
    }

    fn pass(&self, pace: &mut Pace) -> Ended {
        let ended = self.ground().and_then(|ground| {
            let began = Instant::now();
            let report = ground.pass()?;
            self.listener.took(began.elapsed());
            Ok(Some(report))
        });
        if let Ok(Some(report)) = &ended {
            keep_program(report, &self.paths);
        }
        let fetched = matches!(&ended, Ok(Some(report)) if report.unfetched.is_none());
        let nodes = self.listener.place().map_or(1, |place| place.directory.nodes.len());
        let waits = matches!(&ended, Ok(Some(report)) if report.outcome.passes());
        let next = if waits { pace.soon(nodes, fetched) } else { pace.next(nodes, fetched) };
        Ended { line: in_words(ended), next }
    }
}

/// Says how a pass ended, also in the log.
fn in_words(ended: Result<Option<Report>, CliError>) -> String {
    match ended {
        Ok(None) => "nothing was applied yet".to_owned(),
        Ok(Some(report)) => {
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
