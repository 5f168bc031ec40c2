//! The story: scenarios in their order on one lab. A scenario is a file here and a row of the table.

mod lab;
mod runner;

use std::process::ExitCode;

pub use runner::{Scenario, Story};

/// All scenarios in the order in which they run: those that destroy something come last.
const SCENARIOS: &[Scenario] =
    &[Scenario { name: "lab", about: "the test lab itself", needs: &[], play: lab::play }];

/// What `make demo` shows.
const DEMO: &[&str] = &["lab"];

/// Runs the scenarios whose names contain one of `wanted`, with those that they need; all when `wanted` is empty.
pub fn test(wanted: &[String]) -> ExitCode {
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    runner::run(&runner::chosen(SCENARIOS, wants))
}

/// Plays the scenarios of the demo.
pub fn demo() -> ExitCode {
    runner::run(&runner::chosen(SCENARIOS, |name| DEMO.contains(&name)))
}
