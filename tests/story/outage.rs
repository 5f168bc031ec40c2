//! What fails at the wrong moment: the git host, all witnesses, knarrd itself within a guarded stage, its program at boot.

use super::Story;
use super::hands::{
    ALL, PATIENCE, all_converge, all_pairs_ping, applied, be_impatient, converged, forge, harbor, mesh_ip,
    on, reaches, revert,
};
use crate::{Lab, wait_until};

/// Within a change of the network.
pub(super) fn play(story: &mut Story<'_>) {
    be_impatient(story.lab());
    story.step("git host down: machines fetch from each other, the change is proven", the_git_host_is_down);
    story.step("witnesses gone within a stage: unclear, undone, done later", the_witnesses_are_gone);
    story.step("knarrd hangs within a stage: the guard undoes it", knarrd_hangs_within_a_stage);
    story.step(
        "knarrd's program is gone: table and mesh stand after a reboot",
        the_machine_boots_without_knarrd,
    );
}

/// edge sleeps while the others take a commit; then the git host goes, and edge gets it from them.
fn the_git_host_is_down(lab: &Lab) {
    on(lab, "edge", "systemctl stop knarrd");
    harbor(
        lab,
        "knarr peer add late --via edge --reach ssh --key $(wg genkey | wg pubkey)
         knarr render; git add -A; git commit -qm 'late joins'; git push -q",
    );
    let head = harbor(lab, "git rev-parse HEAD");
    all_converge(lab, &["attic", "shed", "worker"]);
    let cut = lab.cut("git");
    on(lab, "edge", "systemctl start knarrd");
    let taken = || applied(lab, "edge") == head;
    wait_until("edge has the commit from another machine", PATIENCE, taken);
    let key = harbor(lab, "sed -n 's/^key: //p' peers/late.yaml");
    on(lab, "edge", &format!("wg show knarr0 peers | grep -qxF '{key}'"));
    cut.join();
    harbor(lab, "knarr peer remove late && knarr ship -y -m 'late leaves'");
    all_converge(lab, &ALL);
}

/// Has each start and reload of edge's sshd wait until [`open_the_gate`], so that a stage can be caught in its middle.
const GATE: &str = "[Service]
ExecStartPre=/bin/sh -c 'until [ -e /run/lock/gate ]; do sleep 0.1; done'
ExecReload=/bin/sh -c 'until [ -e /run/lock/gate ]; do sleep 0.1; done'
";

fn open_the_gate(lab: &Lab) {
    on(lab, "edge", "touch /run/lock/gate");
}

fn remove_the_gate(lab: &Lab) {
    on(lab, "edge", "rm -r /run/lock/gate /etc/systemd/system/ssh.service.d && systemctl daemon-reload");
}

/// Commits a harmless change of edge's sshd, and returns when edge is in the middle of it.
fn begin_a_stage(lab: &Lab, words: &str) {
    lab.host("edge").put("/etc/systemd/system/ssh.service.d/gate.conf", GATE.as_bytes(), 0o644);
    on(lab, "edge", "systemctl daemon-reload");
    forge(
        lab,
        "rendered/nodes/edge.yaml",
        "s|^\\( *\\)PasswordAuthentication no|&\\n\\1MaxAuthTries 5|",
        words,
    );
    all_converge(lab, &["worker"]);
    let within = || {
        let state = lab.host("edge").run("systemctl show -p ActiveState --value ssh.service");
        ["activating", "reloading"].contains(&state.text())
    };
    wait_until("edge is within the stage", PATIENCE, within);
}

/// How often edge's sshd lets people try: 6 unless somebody says otherwise.
fn tries(lab: &Lab) -> String {
    on(lab, "edge", "sshd -T | sed -n 's/^maxauthtries //p'")
}

fn the_witnesses_are_gone(lab: &Lab) {
    begin_a_stage(lab, "another sshd, and then the line is cut");
    let cut = lab.cut("edge");
    open_the_gate(lab);
    wait_until("edge has taken the change back", PATIENCE, || tries(lab) == "6");
    // The line stays cut until edge has judged: who answers again right after the undo was lost by the change.
    let said = || on(lab, "edge", "knarrd status --output json || true");
    let judged = || said().contains("the network was taken back");
    wait_until("edge says that nobody can tell whose fault it was", PATIENCE, judged);
    assert!(!said().contains("quarantined"), "{}", said());
    cut.join();
    remove_the_gate(lab);
    converged(lab, "edge");
    assert_eq!(tries(lab), "5", "done when the witnesses are back");
    revert(lab);
}

/// knarrd stops in its middle and is not started anew: only the guard's own unit is left.
fn knarrd_hangs_within_a_stage(lab: &Lab) {
    let alone = "[Service]\nRestart=no\nWatchdogSec=0\n";
    lab.host("edge").put("/etc/systemd/system/knarrd.service.d/alone.conf", alone.as_bytes(), 0o644);
    on(lab, "edge", "systemctl daemon-reload && systemctl restart knarrd");
    begin_a_stage(lab, "another sshd, and then knarrd hangs");
    on(lab, "edge", "systemctl kill -s STOP knarrd.service");
    open_the_gate(lab);
    wait_until("the guard has taken the change back", PATIENCE, || tries(lab) == "6");
    remove_the_gate(lab);
    on(
        lab,
        "edge",
        "rm -r /etc/systemd/system/knarrd.service.d && systemctl daemon-reload && systemctl restart knarrd",
    );
    converged(lab, "edge");
    assert_eq!(tries(lab), "5", "done by a knarrd that does not hang");
    all_pairs_ping(lab, &ALL);
    revert(lab);
}

/// Nothing of ours but the copy of the last proven knarrd runs at boot: table, device and tunnels are there.
fn the_machine_boots_without_knarrd(lab: &Lab) {
    let table = on(lab, "worker", "nft list table inet knarr");
    on(lab, "worker", "mv /usr/local/bin/knarrd /usr/local/bin/kept; ln -s /bin/false /usr/local/bin/knarrd");
    lab.host("worker").reboot();
    let stands = || lab.host("worker").run("nft list table inet knarr").text() == table;
    wait_until("worker has its table", PATIENCE, stands);
    on(lab, "worker", "! systemctl is-active -q knarrd.service");
    all_pairs_ping(lab, &ALL);
    assert!(!lab.internet().run("nc -z -w1 198.51.100.4 51821").ok());
    reaches(lab, "edge", &mesh_ip(lab, "worker"), 22);
    on(lab, "worker", "mv -f /usr/local/bin/kept /usr/local/bin/knarrd; systemctl restart knarrd");
    converged(lab, "worker");
}
