//! One figure: what was measured how often, its target, and the peer beside it.

use std::process::Command;
use std::time::Instant;

/// One row of the table.
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) ours: Values,
    pub(crate) target: Target,
    /// Its name with version, and its values; none when it is not here.
    pub(crate) peer: Option<(String, Values)>,
}

/// What was promised.
pub(crate) enum Target {
    /// Nothing; it is told all the same.
    None,
    /// In the unit of what was measured.
    AtMost(f64),
    TimesFaster(f64),
}

/// What the numbers are.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    MiB,
    Count,
    /// So many times another figure.
    Times,
}

impl Unit {
    fn say(self, value: f64) -> String {
        match self {
            Self::MiB => format!("{value:.1} MiB"),
            Self::Count => format!("{value}"),
            Self::Times => format!("{value:.1} ×"),
            Self::Seconds if value < 1.0 => format!("{:.1} ms", value * 1000.0),
            Self::Seconds => format!("{value:.2} s"),
        }
    }
}

/// What several runs gave, least first.
pub(crate) struct Values {
    unit: Unit,
    values: Vec<f64>,
}

impl Values {
    /// Runs the work once for warmth, then so often, and takes the times.
    pub(crate) fn times(runs: usize, work: impl FnMut()) -> Self {
        Self::times_after(runs, || (), work)
    }

    /// As [`Values::times`]; what prepares each run is not timed.
    pub(crate) fn times_after(runs: usize, mut prepare: impl FnMut(), mut work: impl FnMut()) -> Self {
        work();
        let mut once = || {
            prepare();
            time(&mut work)
        };
        Self::new(Unit::Seconds, (0..runs).map(|_| once()).collect())
    }

    /// Takes what was measured elsewhere.
    pub(crate) fn new(unit: Unit, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { unit, values }
    }

    pub(crate) fn median(&self) -> f64 {
        self.values[self.values.len() / 2]
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let say = |value| self.unit.say(value);
        let (least, most) = (say(self.values[0]), say(self.values[self.values.len() - 1]));
        if self.values.len() == 1 {
            f.write_str(&least)
        } else {
            write!(f, "{} ({least} to {most})", say(self.median()))
        }
    }
}

/// Returns how many seconds the work takes.
fn time(work: &mut impl FnMut()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

impl Figure {
    /// Runs a work and that of a peer in turn, each twenty times in a row as a shell's loop does, five times over: what else the
    /// machine does meanwhile slows them alike.
    pub(crate) fn beside(
        what: &'static str,
        target: Target,
        mut ours: impl FnMut(),
        peer: Option<(&str, impl FnMut())>,
    ) -> Self {
        let (name, mut theirs) = peer.unzip();
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            our_times.extend((0..20).map(|_| time(&mut ours)));
            if let Some(theirs) = &mut theirs {
                their_times.extend((0..20).map(|_| time(theirs)));
            }
        }
        let peer = name.map(|name| (name.to_owned(), Values::new(Unit::Seconds, their_times)));
        Self { what, ours: Values::new(Unit::Seconds, our_times), target, peer }
    }

    /// Takes times in seconds that were measured elsewhere, without a peer.
    pub(crate) fn seconds(what: &'static str, times: Vec<f64>, target: Target) -> Self {
        Self { what, ours: Values::new(Unit::Seconds, times), target, peer: None }
    }

    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        Some(peer.median() / self.ours.median())
    }

    /// Whether the target was measured and not reached.
    pub(crate) fn is_missed(&self) -> bool {
        match self.target {
            Target::None => false,
            Target::AtMost(most) => self.ours.median() > most,
            Target::TimesFaster(least) => self.ratio().is_some_and(|ratio| ratio < least),
        }
    }

    fn verdict(&self) -> &'static str {
        match (&self.target, self.is_missed()) {
            (Target::None, _) => "",
            (Target::TimesFaster(_), _) if self.peer.is_none() => "not measured",
            (_, true) => "**missed**",
            (_, false) => "reached",
        }
    }

    /// Returns it as a row of the table.
    pub(crate) fn row(&self) -> String {
        let target = match self.target {
            Target::None => String::new(),
            Target::AtMost(most) => format!("≤ {}", self.ours.unit.say(most)),
            Target::TimesFaster(least) => format!("≥ {least} × faster"),
        };
        let peer = self.peer.as_ref().map_or(String::new(), |(name, values)| format!("{name}: {values}"));
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("{ratio:.1} ×"));
        format!("| {} | {} | {target} | {} | {peer} | {ratio} |", self.what, self.ours, self.verdict())
    }
}

/// Returns all figures as a table of Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = "| work | Knarr | target | | peer | ratio |\n|---|---|---|---|---|---|\n";
    figures.iter().fold(head.to_owned(), |text, figure| text + &figure.row() + "\n")
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
