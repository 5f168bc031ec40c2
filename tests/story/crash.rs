//! Killed at any moment, each machine comes back; and no secret is left lying about.

use super::Story;
use super::hands::{NODES, converged, harbor, me, on};
use crate::Lab;

/// Crashes, and what lies about after them.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("the real host passes the conformance suite", the_real_host_conforms);
    story.step("killed at any moment, each machine comes back", killed_at_any_moment_it_comes_back);
    story.step("power goes within a pass and comes back", power_goes_and_comes_back);
    story.step("no secret is left lying about", no_secret_is_left_lying_about);
}

/// The suite that the simulated host passes in `cargo test` passes on a real systemd too.
fn the_real_host_conforms(lab: &Lab) {
    lab.install_test("worker", "executor");
    let said = on(
        lab,
        "worker",
        "systemctl stop knarrd; KNARR_ON_A_HOST=1 KNARRD=/usr/local/bin/knarrd \
         /usr/local/bin/executor --ignored on_this_machine; systemctl start knarrd",
    );
    assert!(said.contains("1 passed"), "{said}");
}

/// Kills knarrd at moments spread over a whole pass; the next pass converges, and no restart is lost.
fn killed_at_any_moment_it_comes_back(lab: &Lab) {
    for round in 0..ROUNDS {
        let words = format!("round {round}");
        harbor(lab, &format!("echo {words} > host/hello.conf && knarr ship -y --no-follow -m '{words}'"));
        let kill = format!(
            "knarrd once >/dev/null 2>&1 & pid=$!; sleep 0.{:03}; kill -9 $pid || true; wait $pid || true",
            round * STEP_MS
        );
        for node in NODES {
            on(lab, node, &kill);
        }
        for node in NODES {
            comes_back(lab, node, &words);
        }
    }
}

/// How often each machine is killed, and how much later each time: a pass takes about half a second.
const ROUNDS: u32 = 8;
const STEP_MS: u32 = 70;

fn comes_back(lab: &Lab, node: &str, words: &str) {
    converged(lab, node);
    assert_eq!(on(lab, node, "cat /etc/hello.conf"), words);
    let said = on(lab, node, "journalctl -u hello.service -o cat -n 3");
    assert!(said.contains(words), "the restart was not lost: {said}");
}

/// Power goes in the middle of a pass; the machine boots, converges, and its unit runs.
fn power_goes_and_comes_back(lab: &Lab) {
    harbor(lab, "echo after the cut > host/hello.conf && knarr ship -y --no-follow -m 'before the cut'");
    on(lab, "worker", "knarrd once >/dev/null 2>&1 & sleep 0.2");
    lab.host("worker").power_cut();
    lab.host("worker").power_on();
    converged(lab, "worker");
    assert_eq!(on(lab, "worker", "cat /etc/hello.conf"), "after the cut");
    on(lab, "worker", "systemctl is-active hello.service knarrd.service");
}

/// The plain text of a secret is where it is wanted, in the journal's kept bodies, and nowhere else: not in files,
/// logs, arguments, nor in any version of the repository.
fn no_secret_is_left_lying_about(lab: &Lab) {
    // The pattern is put together here, so that no argument of the judge holds it.
    let pattern = "printf '%s-%s\n' plain-text-4c1d77 of-the-secret > /run/lock/pattern";
    for node in NODES {
        on(lab, node, "knarrd once --output json; knarrd status; knarrd history");
        let found = on(
            lab,
            node,
            &format!(
                "{pattern}; grep -rlaFf /run/lock/pattern /etc /var /run /tmp /root /home --exclude=pattern \
                 --exclude-dir=kept 2>/dev/null || true; journalctl -o cat | grep -cFf /run/lock/pattern || true
                 cat /proc/[0-9]*/cmdline | grep -caFf /run/lock/pattern || true"
            ),
        );
        assert_eq!(found, "/etc/hello.secret\n0\n0", "on {node}");
    }
    me(lab, &format!("{pattern}; grep -rqaFf /run/lock/pattern ~ --exclude-dir=.git && exit 1; true"));
    harbor(lab, "git cat-file --batch-all-objects --batch | grep -qaFf /run/lock/pattern && exit 1; true");
}
