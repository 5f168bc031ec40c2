//! The thread: from an empty folder to three machines that follow a repository, as first-hour.md tells it.
//!
//! People's steps are typed on the laptop; the judges are git, ssh, systemctl, sysctl and cat on the machines.

use super::Story;
use super::hands::{
    NODES, SECRET, authorize, converged, harbor, listen, me, me_refused, new_repository, on, outcome,
    restarted,
};
use crate::Lab;

/// The first hour.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("knarr new: a signed, rendered repository without network", a_new_repository_is_made);
    story.step("first push, deploy key, doctor finds nothing", the_origin_takes_the_first_push);
    story.step("node add: three machines of different kinds enrol", three_machines_enrol);
    story.step("ship: files, sysctls, logins, a secret, a unit of one's own", three_machines_converge);
}

/// The first hour, for those who begin where it ends.
pub fn first_hour(lab: &Lab) {
    for step in [
        a_new_repository_is_made,
        the_origin_takes_the_first_push,
        three_machines_enrol,
        three_machines_converge,
    ] {
        step(lab);
    }
}

/// What comes after.
pub(super) fn later(story: &mut Story<'_>) {
    story.step("a unit restarts for what it reads, and for nothing else", a_unit_restarts_for_what_it_reads);
    story.step("what somebody changed by hand comes back", drift_is_put_right);
    story.step("what is no longer wanted goes, what is not ours stays", what_is_no_longer_wanted_goes);
    story.step("sshd refuses the keys of a person whose last day is over", a_last_day_ends_logins);
    story.step("knarrd undo takes the last pass back and holds", a_pass_is_taken_back);
    story.step("without the git host machines stay right", a_machine_needs_no_git_host_to_stay_right);
}

/// The end of one machine.
pub(super) fn removal(story: &mut Story<'_>) {
    story.step("a removed machine stops following and keeps what it has", a_removed_machine_stops_following);
}

/// `knarr new` makes a signed, rendered repository without network.
fn a_new_repository_is_made(lab: &Lab) {
    new_repository(lab, "");
    harbor(
        lab,
        "git verify-commit HEAD && test -z \"$(git status --porcelain)\" && knarr check && knarr render --check",
    );
    assert_eq!(me(lab, "stat -c %a ~/kit.txt ~/.config/knarr/harbor.txt"), "600\n600");
}

/// The deploy key is given to the git host, the first commit pushed, and `doctor` finds nothing.
fn the_origin_takes_the_first_push(lab: &Lab) {
    authorize(lab);
    harbor(lab, "git push -u origin main && knarr doctor");
}

/// `node add` enrols three machines of different kinds, one through a jump host of the user's ssh_config; nothing else happens on them before a commit.
fn three_machines_enrol(lab: &Lab) {
    let alias = "Host by-edge\n HostName 198.51.100.4\n User debian\n ProxyJump root@203.0.113.7\n";
    me(lab, &format!("printf '{alias}' > ~/.ssh/config"));
    for port in [80, 3306] {
        listen(lab, "worker", port);
    }
    let said = harbor(
        lab,
        "knarr node add -y --open worker:80 edge=root@203.0.113.7 worker=by-edge attic=pi@192.168.1.20",
    );
    assert!(said.contains("behind NAT"), "attic is found to be behind NAT: {said}");
    let closes = |line: &str| line.contains("3306") && line.contains("close");
    assert!(said.lines().any(closes), "what will close is said: {said}");
    for node in NODES {
        on(lab, node, "systemctl is-active knarrd && test \"$(stat -c %a /var/lib/knarr/age.key)\" = 600");
        assert!(harbor(lab, &format!("cat nodes/{node}.yaml")).contains("age1"));
    }
    assert!(harbor(lab, "cat nodes/attic.yaml").contains("nat: true"));
    let private = on(lab, "edge", "cat /var/lib/knarr/age.key");
    let key = private.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("an age identity");
    harbor(lab, &format!("! grep -rq {} . ", &key[..30]));
}

/// One commit makes files, sysctls, users, SSH keys, a secret and a unit of the user's own.
fn three_machines_converge(lab: &Lab) {
    me(lab, "ssh-keygen -q -t ed25519 -N '' -C ann -f ~/ann");
    harbor(
        lab,
        r#"mkdir -p host
printf 'welcome to harbor\n' > host/motd
cat > host/hello.service <<'UNIT'
[Unit]
Description=Says hello for ever
[Service]
ExecStart=/bin/sh -c 'cat /etc/hello.conf; exec sleep infinity'
[Install]
WantedBy=multi-user.target
UNIT
printf 'one\n' > host/hello.conf
cat >> cluster.yaml <<'YAML'
host:
  sysctl: {net.ipv4.ip_forward: "1"}
  files:
    /etc/motd: {from: host/motd}
    /etc/hello.conf: {from: host/hello.conf}
    /etc/hello.secret: {secret: hello, mode: "0600"}
  units:
    hello.service: {from: host/hello.service, reads: [/etc/hello.conf]}
YAML
printf %s-%s plain-text-4c1d77 of-the-secret | knarr secret set hello
cat > people/ann.yaml <<YAML
email: ann@example.org
keys:
- $(cut -d' ' -f1,2 ~/ann.pub)
access: {nodes: all, as: ann}
YAML
knarr ship -y -m "three machines""#,
    );
    for node in NODES {
        converged(lab, node);
        assert_eq!(on(lab, node, "cat /etc/motd; sysctl -n net.ipv4.ip_forward"), "welcome to harbor\n1");
        on(lab, node, "systemctl is-active hello.service && systemctl is-enabled hello.service");
        assert_eq!(
            on(lab, node, "cat /etc/hello.secret; stat -c ' %a' /etc/hello.secret"),
            format!("{SECRET} 600")
        );
    }
    me(lab, "ssh -i ~/ann ann@203.0.113.7 sudo -n id -u | grep -qx 0");
}

/// A changed file restarts the unit that reads it, and no other change restarts it.
fn a_unit_restarts_for_what_it_reads(lab: &Lab) {
    let started = |lab: &Lab| on(lab, "edge", "systemctl show -p MainPID --value hello.service");
    let before = started(lab);
    harbor(lab, "echo 'be welcome' > host/motd && knarr ship -y -m 'other words'");
    assert_eq!(started(lab), before, "nothing that it reads has changed");
    harbor(lab, "echo two > host/hello.conf && knarr ship -y -m 'hello says two'");
    assert_ne!(started(lab), before);
    restarted(lab, "edge", "two");
}

/// What a person changes by hand on a machine comes back.
fn drift_is_put_right(lab: &Lab) {
    on(lab, "edge", "echo mine > /etc/motd; sysctl -qw net.ipv4.ip_forward=0; systemctl stop hello.service");
    on(lab, "edge", "knarrd once");
    assert_eq!(on(lab, "edge", "cat /etc/motd; sysctl -n net.ipv4.ip_forward"), "be welcome\n1");
    on(lab, "edge", "systemctl is-active hello.service");
    let said = on(lab, "edge", "knarrd status");
    assert!(said.contains("made as before") && said.contains("path /etc/motd"), "{said}");
}

/// What is no longer in the repository goes from the machines; what Knarr did not make stays.
fn what_is_no_longer_wanted_goes(lab: &Lab) {
    on(lab, "edge", "echo mine > /etc/mine.conf");
    harbor(
        lab,
        "printf 'extra\\n' > host/extra && sed -i 's|^  files:|&\\n    /etc/extra: {from: host/extra}|' cluster.yaml && knarr ship -y -m extra",
    );
    on(lab, "worker", "test -f /etc/extra");
    harbor(lab, "git rm -q host/extra && sed -i '/extra/d' cluster.yaml && knarr ship -y -m 'no extra'");
    on(lab, "worker", "test ! -e /etc/extra");
    on(lab, "edge", "test -f /etc/mine.conf");
}

/// A person's last day is in the keys' own lines: sshd judges it by the machine's clock.
fn a_last_day_ends_logins(lab: &Lab) {
    let login = "ssh -i ~/ann ann@203.0.113.7 true";
    let ends = |day: &str| {
        let line = format!("echo until: $(date -d {day} +%F) >> people/ann.yaml");
        harbor(lab, &format!("sed -i /^until/d people/ann.yaml && {line} && knarr ship -y -m 'until {day}'"))
    };
    ends("tomorrow");
    me(lab, login);
    assert!(ends("yesterday").contains("KN0216"));
    me_refused(lab, login);
    harbor(lab, "sed -i /^until/d people/ann.yaml && knarr ship -y -m 'ann stays'");
    me(lab, login);
}

/// `knarrd undo` takes the last pass back and holds until `retry`.
fn a_pass_is_taken_back(lab: &Lab) {
    harbor(lab, "echo 'wrong words' > host/motd && knarr ship -y -m 'wrong words'");
    on(lab, "edge", "knarrd undo");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "be welcome");
    on(lab, "edge", "knarrd once || true");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "be welcome", "it holds until the next commit or retry");
    on(lab, "edge", "knarrd retry && knarrd once");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "wrong words");
    harbor(lab, "git revert --no-edit HEAD && knarr ship -y");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "be welcome");
}

/// While the git host is away a machine still keeps to what it last accepted, or to what another has, and says so.
fn a_machine_needs_no_git_host_to_stay_right(lab: &Lab) {
    let cut = lab.cut("git");
    on(lab, "edge", "echo mine > /etc/motd");
    let said = outcome(lab, "edge");
    assert!(said.contains("cannot fetch"), "{said}");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "be welcome");
    cut.join();
    converged(lab, "edge");
}

/// A removed machine meets its tombstone, stops following and keeps what it has.
fn a_removed_machine_stops_following(lab: &Lab) {
    let before = on(lab, "attic", "cat /etc/motd");
    harbor(lab, "knarr node remove attic && knarr ship -y -m 'attic goes'");
    let said = outcome(lab, "attic");
    assert!(said.contains("stalled"), "{said}");
    harbor(lab, "echo 'after attic' > host/motd && knarr ship -y -m 'after attic'");
    outcome(lab, "attic");
    assert_eq!(on(lab, "attic", "cat /etc/motd"), before, "it keeps what it has");
    assert_eq!(on(lab, "worker", "cat /etc/motd"), "after attic");
    harbor(lab, "knarr node forget attic && knarr ship -y -m 'forget attic' && test ! -e nodes/attic.yaml");
}
