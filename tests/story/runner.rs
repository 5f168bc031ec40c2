//! Runs scenarios step by step, tells each with its time, and counts. Knows no scenario by name.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::{Lab, Missing};

/// A part of the story.
#[derive(Debug)]
pub struct Scenario {
    /// By which it is chosen on the command line
    pub name: &'static str,
    /// What it shows, as a heading
    pub about: &'static str,
    /// Scenarios that have to have passed before
    pub needs: &'static [&'static str],
    /// Plays it
    pub play: fn(&mut Story<'_>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// What became of a step.
#[derive(Debug)]
struct Told {
    scenario: &'static str,
    step: String,
    verdict: Verdict,
    time: Duration,
}

/// A scenario while it is played.
#[derive(Debug)]
pub struct Story<'lab> {
    lab: &'lab Lab,
    scenario: &'static str,
    told: &'lab mut Vec<Told>,
}

/// Ends a scenario after a step that failed and was told already.
struct StepFailed;

impl<'lab> Story<'lab> {
    /// Plays one step. When it panics, the step has failed and the scenario ends.
    pub fn step<T>(&mut self, name: &str, act: impl FnOnce(&'lab Lab) -> T) -> T {
        let start = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| act(self.lab)));
        let verdict = if done.is_ok() { Verdict::Passed } else { Verdict::Failed };
        self.tell(name, verdict, start.elapsed());
        done.unwrap_or_else(|_| {
            println!("{}", indented(&last_words()));
            tell_journals(self.lab);
            resume_unwind(Box::new(StepFailed))
        })
    }

    /// Says that a step cannot be played on this machine, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.tell(&format!("{name} ({why})"), Verdict::Skipped, Duration::ZERO);
    }

    /// The lab, for what is no step of its own.
    pub fn lab(&self) -> &'lab Lab {
        self.lab
    }

    fn tell(&mut self, step: &str, verdict: Verdict, time: Duration) {
        tell_line(verdict, step, time);
        self.told.push(Told { scenario: self.scenario, step: step.to_owned(), verdict, time });
    }
}

/// Those that are wanted and all that they need, in the order of the table.
pub(crate) fn chosen(all: &'static [Scenario], wanted: impl Fn(&str) -> bool) -> Vec<&'static Scenario> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for scenario in all.iter().rev() {
        if wanted(scenario.name) || names.contains(scenario.name) {
            names.insert(scenario.name);
            names.extend(scenario.needs);
        }
    }
    all.iter().filter(|scenario| names.contains(scenario.name)).collect()
}

/// Boots a lab, plays the scenarios, prints the times and the count. Those in `alone` get a lab of their own each.
pub(crate) fn run(scenarios: &[&'static Scenario], alone: &[&str]) -> ExitCode {
    if scenarios.is_empty() {
        println!("no scenario has such a name");
        return ExitCode::FAILURE;
    }
    let start = Instant::now();
    let (single, shared): (Vec<_>, Vec<_>) =
        scenarios.iter().copied().partition(|scenario| alone.contains(&scenario.name));
    let groups = [shared].into_iter().chain(single.into_iter().map(|scenario| vec![scenario]));
    let mut told = vec![];
    for group in groups.filter(|group| !group.is_empty()) {
        if let Err(missing) = play_all(&group, &mut told) {
            println!("{missing}");
            return ExitCode::from(3);
        }
    }
    close(&told, start.elapsed())
}

/// Plays scenarios on one lab.
fn play_all(scenarios: &[&'static Scenario], told: &mut Vec<Told>) -> Result<(), Missing> {
    let start = Instant::now();
    let lab = Lab::boot()?;
    tell_line(Verdict::Passed, "the lab is booted", start.elapsed());
    listen_to_panics();
    for scenario in scenarios {
        play(scenario, &lab, told);
    }
    Ok(())
}

fn play(scenario: &'static Scenario, lab: &Lab, told: &mut Vec<Told>) {
    println!("\n{}: {}", scenario.name, scenario.about);
    let missing = |need: &&&str| !told.iter().any(|it| it.scenario == **need) || failed(told, need);
    let missed = scenario.needs.iter().find(missing).copied();
    let mut story = Story { lab, scenario: scenario.name, told };
    if let Some(need) = missed {
        return story.skip("all steps", &format!("needs `{need}`, which did not pass"));
    }
    let ended = catch_unwind(AssertUnwindSafe(|| (scenario.play)(&mut story)));
    if let Err(cause) = ended {
        story.tell_if_outside_a_step(cause.as_ref());
    }
}

fn failed(told: &[Told], scenario: &str) -> bool {
    told.iter().any(|it| it.scenario == scenario && it.verdict == Verdict::Failed)
}

impl Story<'_> {
    fn tell_if_outside_a_step(&mut self, cause: &(dyn Any + Send)) {
        if !cause.is::<StepFailed>() {
            self.tell("between the steps", Verdict::Failed, Duration::ZERO);
            println!("{}", indented(&last_words()));
        }
    }
}

fn tell_line(verdict: Verdict, step: &str, time: Duration) {
    let mark = match verdict {
        Verdict::Passed => '✓',
        Verdict::Failed => '✗',
        Verdict::Skipped => '-',
    };
    println!(" {mark} {step:<70} {:>6.1} s", time.as_secs_f64());
}

/// Prints the time of each scenario, the slowest steps, and the count as last line.
fn close(told: &[Told], total: Duration) -> ExitCode {
    println!("\nscenario                  steps      time");
    for own in told.chunk_by(|one, next| one.scenario == next.scenario) {
        let time: Duration = own.iter().map(|it| it.time).sum();
        println!("{:<24} {:>6} {:>7.1} s", own[0].scenario, own.len(), time.as_secs_f64());
    }
    let mut slowest: Vec<&Told> = told.iter().collect();
    slowest.sort_by_key(|it| std::cmp::Reverse(it.time));
    println!("slowest steps");
    slowest
        .iter()
        .take(5)
        .for_each(|it| println!("{:>7.1} s  {}: {}", it.time.as_secs_f64(), it.scenario, it.step));
    let count = |verdict| told.iter().filter(|it| it.verdict == verdict).count();
    let failed = count(Verdict::Failed);
    println!("story: {:.1} s with boot and removal", total.as_secs_f64());
    println!("{} passed, {failed} failed, {} skipped", count(Verdict::Passed), count(Verdict::Skipped));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What knarrd said last on each host that has it.
fn tell_journals(lab: &Lab) {
    for host in lab.hosts().filter(|host| host.is_on()) {
        let journal = host.run("systemctl cat knarrd.service >/dev/null 2>&1 && journalctl -u knarrd.service -n 15 --no-pager -o cat");
        if journal.ok() {
            println!("   knarrd on {}:\n{}", host.name(), indented(journal.text()));
        }
    }
}

static LAST_WORDS: Mutex<String> = Mutex::new(String::new());

/// Keeps what a panic says until the step that it ends is told.
fn listen_to_panics() {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut words) = LAST_WORDS.lock() {
            *words = format!("{words}\n{info}");
        }
    }));
}

fn last_words() -> String {
    let mut words = LAST_WORDS.lock().expect("the hook does not panic");
    std::mem::take(&mut *words).trim().to_owned()
}

fn indented(text: &str) -> String {
    format!("     {}", text.replace('\n', "\n     "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn scenario(name: &'static str, needs: &'static [&'static str]) -> Scenario {
        Scenario { name, about: "", needs, play: |_| () }
    }
    static ALL: [Scenario; 4] = [
        scenario("new", &[]),
        scenario("enrol", &["new"]),
        scenario("mend", &["enrol"]),
        scenario("peer", &["new"]),
    ];

    #[test]
    fn a_wanted_scenario_brings_all_that_it_needs() {
        let names =
            |wanted: &str| chosen(&ALL, |it| it == wanted).iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names("mend"), ["new", "enrol", "mend"]);
        assert_eq!(names("peer"), ["new", "peer"]);
    }
}
