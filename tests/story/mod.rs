//! The story: scenarios in their order on one lab. A scenario is a file here and a row of the table.

mod cluster;
mod crash;
mod firewall;
mod guard;
mod hands;
mod k3s;
mod keys;
mod lab;
mod leak;
mod mesh;
mod outage;
mod own;
mod runner;
mod servers;
mod stand_in;
mod thread;
mod trust;
mod up;

use std::process::ExitCode;

pub use runner::{Scenario, Story};
pub use thread::first_hour;

/// All scenarios in the order in which they run: those that destroy something come last.
const SCENARIOS: &[Scenario] = &[
    Scenario { name: "lab", about: "the test lab itself", needs: &[], play: lab::play },
    Scenario { name: "stand-in", about: "the stand-in for K3s itself", needs: &[], play: stand_in::play },
    Scenario { name: "thread", about: "the first hour", needs: &[], play: thread::play },
    Scenario { name: "mesh", about: "four machines reach each other", needs: &["thread"], play: mesh::play },
    Scenario { name: "status", about: "what machines say", needs: &["mesh"], play: mesh::status },
    Scenario { name: "firewall", about: "who gets where", needs: &["mesh"], play: firewall::play },
    Scenario { name: "days", about: "the days after", needs: &["thread"], play: thread::later },
    Scenario {
        name: "trust",
        about: "what a machine does not follow",
        needs: &["thread"],
        play: trust::play,
    },
    Scenario { name: "crash", about: "kills, power cuts, secrets", needs: &["thread"], play: crash::play },
    Scenario { name: "guard", about: "commits that lock out", needs: &["mesh"], play: guard::play },
    Scenario { name: "outage", about: "failures at the wrong moment", needs: &["mesh"], play: outage::play },
    Scenario { name: "own", about: "another knarrd", needs: &["thread"], play: own::play },
    Scenario { name: "removal", about: "a machine leaves", needs: &["thread"], play: thread::removal },
    Scenario {
        name: "cluster",
        about: "Kubernetes' objects follow commits",
        needs: &["thread"],
        play: cluster::play,
    },
    Scenario { name: "up", about: "one machine alone", needs: &[], play: up::play },
    Scenario { name: "k3s", about: "Kubernetes on three machines", needs: &[], play: k3s::play },
    Scenario { name: "servers", about: "three servers and a worker", needs: &[], play: servers::play },
    Scenario { name: "lone", about: "one machine with Kubernetes", needs: &[], play: up::kubernetes },
];

/// Scenarios that want machines on which nothing was done: each gets a lab of its own.
const ALONE: &[&str] = &["stand-in", "up", "k3s", "servers", "lone"];

/// What `make demo` shows.
const DEMO: &[&str] = &["thread", "mesh", "days", "trust", "k3s", "lone"];

/// Runs the scenarios whose names contain one of `wanted`, with those that they need; all when `wanted` is empty.
pub fn test(wanted: &[String]) -> ExitCode {
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    runner::run(&runner::chosen(SCENARIOS, wants), ALONE)
}

/// Plays the scenarios of the demo.
pub fn demo() -> ExitCode {
    runner::run(&runner::chosen(SCENARIOS, |name| DEMO.contains(&name)), ALONE)
}
