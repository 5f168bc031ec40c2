//! Killed at any moment, each machine comes back; and no secret is left lying about.

use super::Story;
use super::hands::{NODES, PATIENCE, converged, harbor, me, on, restarted};
use crate::{Lab, wait_until};

/// Crashes, and what lies about after them.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("the real host passes the conformance suite", the_real_host_conforms);
    story.step("killed at any moment, each machine comes back", killed_at_any_moment_it_comes_back);
    story.step("power goes within a pass and comes back", power_goes_and_comes_back);
    story.step("stopped within a change, knarrd ends it first", stopped_within_a_change);
    story.step("a knarrd that hangs is started anew by systemd's watchdog", the_watchdog_bites);
    story.step("on a full disk nothing is lost, and the way out is said", a_full_disk_loses_nothing);
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
    restarted(lab, node, words);
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

/// SIGTERM comes while a unit of the user's starts: that change is ended, no restart is lost and none is done twice.
fn stopped_within_a_change(lab: &Lab) {
    let slow = "[Service]\nExecStartPre=/bin/sleep 2\n";
    lab.host("edge").put("/etc/systemd/system/hello.service.d/slow.conf", slow.as_bytes(), 0o644);
    on(lab, "edge", "systemctl daemon-reload");
    harbor(lab, "echo said slowly > host/hello.conf && knarr ship -y --no-follow -m 'said slowly'");
    on(lab, "edge", "systemctl restart knarrd");
    let starting = || lab.host("edge").run("systemctl show -p ActiveState hello.service").says("=activating");
    wait_until("hello.service starts", PATIENCE, starting);
    on(lab, "edge", "systemctl stop knarrd && systemctl is-active hello.service");
    let first = on(lab, "edge", "systemctl show -p MainPID hello.service");
    on(lab, "edge", "systemctl start knarrd");
    comes_back(lab, "edge", "said slowly");
    assert_eq!(on(lab, "edge", "systemctl show -p MainPID hello.service"), first, "it was not done again");
    on(lab, "edge", "rm -r /etc/systemd/system/hello.service.d && systemctl daemon-reload");
}

/// A stopped process says nothing to systemd: it is killed and started anew.
fn the_watchdog_bites(lab: &Lab) {
    let short = "[Service]\nWatchdogSec=2\nRestartSec=0\n";
    lab.host("edge").put("/etc/systemd/system/knarrd.service.d/short.conf", short.as_bytes(), 0o644);
    on(lab, "edge", "systemctl daemon-reload && systemctl restart knarrd");
    let own = |lab: &Lab| on(lab, "edge", "systemctl show -p MainPID --value knarrd.service");
    let hung = own(lab);
    on(lab, "edge", &format!("kill -STOP {hung}"));
    let anew = || !["0", hung.as_str()].contains(&own(lab).as_str());
    wait_until("systemd starts knarrd anew", PATIENCE, anew);
    on(
        lab,
        "edge",
        "rm -r /etc/systemd/system/knarrd.service.d && systemctl daemon-reload && systemctl restart knarrd",
    );
    converged(lab, "edge");
}

/// /var/lib/knarr has no byte left: the machine keeps what it has, says why, and goes on when there is room.
fn a_full_disk_loses_nothing(lab: &Lab) {
    on(
        lab,
        "edge",
        "systemctl stop knarrd; cp -a /var/lib/knarr /var/lib/knarr.real
         mount -t tmpfs -o size=$(( $(du -sm /var/lib/knarr | cut -f1) + 4 ))m,mode=700 tmpfs /var/lib/knarr
         cp -a /var/lib/knarr.real/. /var/lib/knarr/; dd if=/dev/zero of=/var/lib/knarr/fill bs=4k 2>/dev/null || true",
    );
    harbor(lab, "echo no room > host/hello.conf && knarr ship -y --no-follow -m 'no room'");
    let refused = lab.host("edge").refuse("knarrd once");
    assert!(refused.says("No space left on device"), "{refused}");
    assert_ne!(on(lab, "edge", "cat /etc/hello.conf"), "no room", "nothing changes without a journal");
    on(lab, "edge", "rm /var/lib/knarr/fill && knarrd once");
    assert_eq!(on(lab, "edge", "cat /etc/hello.conf"), "no room");
    on(
        lab,
        "edge",
        "rm -rf /var/lib/knarr.real; mkdir -m 700 /var/lib/knarr.real; cp -a /var/lib/knarr/. /var/lib/knarr.real/
         umount /var/lib/knarr; rm -rf /var/lib/knarr; mv /var/lib/knarr.real /var/lib/knarr; systemctl start knarrd",
    );
    converged(lab, "edge");
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
