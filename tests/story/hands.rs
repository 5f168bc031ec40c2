//! The hands of the story: what a person types on the laptop, and what the judges ask the machines.

use crate::Lab;
use std::time::Duration;

use crate::{Output, wait_until};

/// The machines that follow the repository.
pub(super) const NODES: [&str; 3] = ["attic", "edge", "worker"];

/// The plain text that must lie nowhere but where it is wanted.
pub(super) const SECRET: &str = "plain-text-4c1d77-of-the-secret";

/// Types text on the laptop as its user; it has to succeed.
pub(super) fn me(lab: &Lab, text: &str) -> String {
    lab.host("laptop").expect_as("me", text)
}

/// Types text on the laptop that has to fail, and returns all that it said.
pub(super) fn me_refused(lab: &Lab, text: &str) -> String {
    said(&lab.host("laptop").refuse_as("me", text))
}

/// Types text in the clone on the laptop; it has to succeed. Returns what it said on both outputs.
pub(super) fn harbor(lab: &Lab, text: &str) -> String {
    me(lab, &format!("cd ~/harbor; {{ {text}\n}} 2>&1"))
}

/// Asks a machine as root, from inside.
pub(super) fn on(lab: &Lab, name: &str, text: &str) -> String {
    lab.host(name).expect(text)
}

/// Runs a pass now and returns all that knarrd says, however it ends.
pub(super) fn outcome(lab: &Lab, name: &str) -> String {
    said(&lab.host(name).run("knarrd once"))
}

/// Waits until a machine says that it has converged.
pub(super) fn converged(lab: &Lab, name: &str) {
    let mut last = String::new();
    let converged = || {
        last = said(&lab.host(name).run("knarrd once"));
        last.contains("converged")
    };
    wait_until(&format!("{name} converges"), Duration::from_mins(1), converged);
}

/// Returns the commit that a machine applied last.
pub(super) fn applied(lab: &Lab, name: &str) -> String {
    on(
        lab,
        name,
        r#"knarrd status --output json | tr -d ' \n' | grep -o '"applied":"[0-9a-f]*"' | cut -d'"' -f4"#,
    )
}

fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}
