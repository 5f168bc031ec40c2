//! One machine alone: `knarr up` from nothing, commits that start the pass, and the day when the origin moves.

use super::Story;
use super::hands::{PATIENCE, listen, on, ssh_from_outside};
use crate::{Lab, wait_until};

/// A lone server.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("knarr up: an empty machine follows a repository on its own disk", an_empty_machine_comes_up);
    story.step("its firewall closes what was not kept, and sshd stays open", the_firewall_is_up);
    story.step("a commit starts the pass, and ship needs no login", a_commit_starts_the_pass);
    story.step("knarr up once more changes nothing", once_more_changes_nothing);
    story.step("knarr origin: the machine follows the commits to another place", the_origin_moves);
}

/// Types text in the clone on the machine.
fn harbor(lab: &Lab, text: &str) -> String {
    on(lab, "edge", &format!("cd /root/harbor; {{ {text}\n}} 2>&1"))
}

fn an_empty_machine_comes_up(lab: &Lab) {
    lab.install("edge", "knarr");
    lab.install("edge", "knarrd");
    for port in [80, 3306] {
        listen(lab, "edge", port);
    }
    let refused = lab.host("edge").refuse("cd /root && knarr up harbor --recovery /root/kit.txt");
    assert!(refused.says("3306 will close") && refused.says("add --yes"), "{refused:?}");
    assert!(!lab.host("edge").run("test -e /root/harbor").ok(), "nothing is done before the question");
    let said = on(lab, "edge", "cd /root && knarr up harbor --open 80 --recovery /root/kit.txt --yes 2>&1");
    assert!(said.contains("harbor is up on edge") && said.contains("knarr origin URL"), "{said}");
    assert!(on(lab, "edge", "knarrd status").contains("converged"));
    assert_eq!(on(lab, "edge", "stat -c %a /root/kit.txt"), "600");
    assert!(harbor(lab, "git verify-commit HEAD && knarr check").contains("KN0731"), "a lone copy is said");
    let tip = on(lab, "edge", "git -C /srv/knarr/harbor.git rev-parse main");
    assert_eq!(harbor(lab, "git rev-parse HEAD"), tip);
}

fn the_firewall_is_up(lab: &Lab) {
    assert!(ssh_from_outside(lab, "edge"), "people get in");
    let dials =
        |port: u16| lab.host("laptop").run(&format!("nc -z -w3 {} {port}", lab.host("edge").address()));
    assert!(dials(80).ok() && !dials(3306).ok(), "80 was kept, 3306 was not");
    on(lab, "edge", "wg show knarr0 && knarr --version");
}

fn a_commit_starts_the_pass(lab: &Lab) {
    harbor(
        lab,
        "mkdir -p host && echo one > host/motd && printf 'host: {files: {/etc/motd: {from: host/motd}}}\\n' >> cluster.yaml",
    );
    let said = harbor(lab, "knarr ship -y -m 'a motd'");
    assert!(said.contains("converged"), "{said}");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "one");
    // What git alone pushes is found by the watch of the origin, else by the timer.
    harbor(
        lab,
        "echo two > host/motd && knarr render && git add -A && git commit -q -S -m two && git push -q",
    );
    wait_until("the motd of the commit is there", PATIENCE, || lab.host("edge").text("/etc/motd") == "two\n");
}

fn once_more_changes_nothing(lab: &Lab) {
    let before = harbor(lab, "git rev-parse HEAD");
    let said = on(lab, "edge", "cd /root && knarr up harbor --open 80 --yes 2>&1");
    assert!(said.contains("harbor is up on edge"), "{said}");
    assert_eq!(harbor(lab, "git rev-parse HEAD"), before);
}

fn the_origin_moves(lab: &Lab) {
    lab.repository("harbor");
    on(lab, "edge", "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519");
    on(lab, "edge", "ssh-keyscan 203.0.113.2 >> /root/.ssh/known_hosts 2>/dev/null");
    let git = lab.host("git");
    git.authorize("git", &on(lab, "edge", "cat /root/.ssh/id_ed25519.pub"));
    git.authorize("git", &harbor(lab, "cat .knarr/deploy.pub"));
    let said = harbor(lab, "knarr origin git@203.0.113.2:harbor.git");
    let line = said.lines().find_map(|line| line.strip_prefix("Then: ")).expect("what to type is said");
    harbor(lab, &line.replace("knarr ship", "knarr ship -y"));
    assert!(!harbor(lab, "knarr check").contains("KN0731"));
    harbor(lab, "echo three > host/motd && knarr ship -y -m three");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "three");
    let [new, old] =
        ["origin", "old-origin"].map(|remote| harbor(lab, &format!("git ls-remote {remote} main")));
    assert_ne!(new, old, "the new place alone has the last commit");
}
