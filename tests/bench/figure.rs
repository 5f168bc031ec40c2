//! One figure: what was measured how often, its target, and the peer beside it.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

/// One row of the table.
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) ours: Times,
    pub(crate) target: Target,
    /// Its name with version, and its times; none when it is not here.
    pub(crate) peer: Option<(String, Times)>,
}

/// What was promised.
pub(crate) enum Target {
    AtMost(Duration),
    TimesFaster(f64),
}

/// The times of several runs, shortest first.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Runs the work once for warmth, then so often.
    pub(crate) fn of(runs: usize, mut work: impl FnMut()) -> Self {
        work();
        let mut once = || {
            let began = Instant::now();
            work();
            began.elapsed()
        };
        let mut times: Vec<Duration> = (0..runs).map(|_| once()).collect();
        times.sort();
        Self(times)
    }

    fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        write!(f, "{} ({} to {})", short(self.median()), short(least), short(most))
    }
}

fn short(span: Duration) -> String {
    let millis = span.as_secs_f64() * 1000.0;
    if millis < 1000.0 { format!("{millis:.1} ms") } else { format!("{:.2} s", millis / 1000.0) }
}

impl Figure {
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        Some(peer.median().as_secs_f64() / self.ours.median().as_secs_f64())
    }

    /// Whether the target was measured and not reached.
    pub(crate) fn is_missed(&self) -> bool {
        match self.target {
            Target::AtMost(most) => self.ours.median() > most,
            Target::TimesFaster(least) => self.ratio().is_some_and(|ratio| ratio < least),
        }
    }

    fn verdict(&self) -> &'static str {
        match (&self.target, self.is_missed()) {
            (Target::TimesFaster(_), _) if self.peer.is_none() => "not measured",
            (_, true) => "**missed**",
            (_, false) => "reached",
        }
    }
}

/// Returns all figures as a table of Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = "| work | Knarr | target | | peer | ratio |\n|---|---|---|---|---|---|\n".to_owned();
    for figure in figures {
        let target = match figure.target {
            Target::AtMost(most) => format!("≤ {}", short(most)),
            Target::TimesFaster(least) => format!("≥ {least} × faster"),
        };
        let peer =
            figure.peer.as_ref().map_or("none here".to_owned(), |(name, times)| format!("{name}: {times}"));
        let ratio = figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.1} ×"));
        let (what, ours, verdict) = (figure.what, &figure.ours, figure.verdict());
        writeln!(text, "| {what} | {ours} | {target} | {verdict} | {peer} | {ratio} |").unwrap();
    }
    text
}

/// Says in one line where and when this was measured.
pub(crate) fn machine() -> String {
    let first = |program: &str, words: &[&str]| {
        let output =
            Command::new(program).args(words).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().next().unwrap_or_default().to_owned()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (date, kernel) = (first("date", &["-u", "+%F"]), first("uname", &["-sr"]));
    format!("{date}, {cpu}, {cores} cores, {kernel}, {}", first("rustc", &["--version"]))
}
