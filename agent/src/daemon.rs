//! Passes for ever: one at once, then on a timer or when somebody calls for one. It tells systemd how it stands, and stops between two changes.

mod pace;

pub use pace::Pace;

use crate::listener::Listener;
use knarr_node::item::{Before, Unit};
use knarr_node::name::{AbsPath, Digest, HttpsUrl, KeptName};
use knarr_node::{Act, ActError, Change, Id, Item, Look, Seen, SweepError, Why};
use sd_notify::NotifyState;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, sleep_until};

/// A pass that takes longer hangs, and systemd restarts knarrd.
const LONGEST_PASS: Duration = Duration::from_mins(30);

/// However many words come, passes that they start begin no closer together.
const WORDS_APART: Duration = Duration::from_secs(2);

/// Held while a change is made: who wants to stop takes it.
#[derive(Clone, Debug, Default)]
pub struct Changing(Arc<Mutex<()>>);

impl Changing {
    /// Wraps a machine so that each change on it holds this.
    pub fn guard(&self, host: Box<dyn Act>) -> Box<dyn Act> {
        Box::new(Guarded { host, changing: self.clone() })
    }

    /// Waits for the running change; no further one begins while the guard lives.
    pub fn stop(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Guarded {
    host: Box<dyn Act>,
    changing: Changing,
}

impl Look for Guarded {
    fn see(&self, id: &Id, like: Option<&Item>) -> Seen {
        self.host.see(id, like)
    }
    fn names(&self, folder: &AbsPath) -> Result<BTreeSet<String>, Why> {
        self.host.names(folder)
    }
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Why> {
        self.host.digest_at(url)
    }
}

impl Act for Guarded {
    fn keep(&mut self, id: &Id, name: &KeptName) -> Result<Option<Item>, ActError> {
        self.host.keep(id, name)
    }
    fn act(&mut self, change: &Change) -> Result<(), ActError> {
        let _changing = self.changing.stop();
        self.host.act(change)
    }
    fn save(&mut self, unit: &Unit, before: &Before) -> Result<Option<AbsPath>, ActError> {
        let _changing = self.changing.stop();
        self.host.save(unit, before)
    }
    fn sweep(&mut self, needed: &BTreeSet<KeptName>) -> Result<(), SweepError> {
        self.host.sweep(needed)
    }
    fn tidy(&mut self, id: &Id) -> Result<(), SweepError> {
        self.host.tidy(id)
    }
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// In one line, for systemd's status.
    pub line: String,
    /// About how long until the next pass, unless something calls for one.
    pub next: Duration,
}

/// Does `pass` again and again, on a timer and on a word of a newer commit, until SIGTERM or SIGINT; the listener
/// runs beside it.
///
/// # Errors
/// When signals cannot be received, or the runtime cannot be made.
pub fn run(
    pass: impl Fn() -> Ended + Send + Sync + 'static,
    listener: &Arc<Listener>,
    changing: &Changing,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Arc::new(Mutex::new(None));
    let ended = runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(listener.clone().run());
        tell(&[NotifyState::Ready]);
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            ended = passes(Arc::new(pass), listener, began.clone()) => ended,
            ended = watchdog(began.clone()) => ended,
        }
    });
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping after the running change")]);
    // The guard is never given back: the process ends before another change can begin.
    std::mem::forget(changing.stop());
    runtime.shutdown_background();
    ended
}

type Began = Arc<Mutex<Option<Instant>>>;

fn set(began: &Began, when: Option<Instant>) {
    *began.lock().unwrap_or_else(PoisonError::into_inner) = when;
}

async fn passes(
    pass: Arc<impl Fn() -> Ended + Send + Sync + 'static>,
    listener: &Listener,
    began: Began,
) -> io::Result<()> {
    loop {
        let start = tokio::time::Instant::now();
        set(&began, Some(start.into_std()));
        let pass = pass.clone();
        let ended = tokio::task::spawn_blocking(move || pass()).await?;
        set(&began, None);
        tell(&[NotifyState::Status(&ended.line)]);
        tokio::select! {
            () = sleep(jittered(ended.next)?) => {}
            () = listener.origin.calls() => {}
            () = listener.words.come() => sleep_until(start + WORDS_APART).await,
        }
    }
}

/// Says that it is alive, as long as the pass is not too old.
async fn watchdog(began: Began) -> io::Result<()> {
    let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(limit / 3);
    loop {
        ticks.tick().await;
        let since = *began.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none_or(|since| since.elapsed() < LONGEST_PASS) {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

/// Returns 80 to 120 % of `every`, so that machines do not ask all at once.
fn jittered(every: Duration) -> io::Result<Duration> {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(every.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0))
}

/// Without systemd nobody listens, which is fine.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Paths;
    use std::sync::atomic::Ordering;

    #[test]
    fn the_time_between_passes_varies_by_a_fifth() {
        for _ in 0..100 {
            let span = jittered(Duration::from_secs(30)).unwrap();
            assert!((24.0..=36.0).contains(&span.as_secs_f64()), "{span:?}");
        }
    }

    #[test]
    fn a_flood_of_words_starts_few_passes() {
        let listener = Arc::new(Listener::new(Paths::below("/nowhere")));
        let begins = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let (heard, begun) = (listener.clone(), begins.clone());
        let pass = move || {
            begun.fetch_add(1, Ordering::Relaxed);
            heard.words.looked(&heard.words.wanted(), |_| true);
            Ended { line: String::new(), next: Duration::from_hours(1) }
        };
        let flood = async {
            for said in 0..5000_u32 {
                listener.words.take("n1".parse().unwrap(), format!("{said:040x}").parse().unwrap());
                sleep(Duration::from_millis(1)).await;
            }
        };
        // The clock stands still but for sleeps, so five thousand words are five seconds on any machine.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                ended = passes(Arc::new(pass), &listener, Began::default()) => panic!("{ended:?}"),
                () = flood => {}
            }
        });
        let begins = begins.load(Ordering::Relaxed);
        assert!((2..=3).contains(&begins), "5000 words started {begins} passes");
    }
}
