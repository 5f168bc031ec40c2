//! Commits that would lock a machine out: each is undone by the machine itself, and a revert heals.
//!
//! `knarr` refuses most of them, so their files are forged. The judges are ssh and ping from outside, wg and nft inside.

use super::Story;
use super::hands::{
    ALL, PATIENCE, all_pairs_ping, be_impatient, forge, harbor, on, revert, ssh_from_outside,
};
use crate::{Child, Lab, wait_until};

/// What [`be_impatient`] makes the deadline of a stage, in seconds.
const DEADLINE: f64 = 10.0;

/// A commit that cuts machines off.
struct LockOut {
    step: &'static str,
    /// The forged file, and the edit as sed takes it
    file: &'static str,
    edit: &'static str,
    /// Which machines must have undone it
    undone_by: &'static [&'static str],
}

const LOCK_OUTS: &[LockOut] = &[
    LockOut {
        step: "the SSH port is closed: the table opens another one",
        file: "rendered/mesh.yaml",
        edit: "s|203.0.113.7:22\\b|203.0.113.7:2222|",
        undone_by: &["edge"],
    },
    LockOut {
        step: "the WireGuard port is closed, established flows hide it",
        file: "rendered/nodes/edge.yaml",
        edit: "s|^items:|&\\n- table: {name: shut, text: \"chain shut { type filter hook input priority -10; ct state established,related accept; udp dport 51821 drop; }\\\\n\"}|",
        undone_by: &["edge"],
    },
    LockOut {
        step: "sshd moves to a port that nobody knows",
        file: "rendered/nodes/worker.yaml",
        edit: "s|^\\( *\\)PasswordAuthentication no|&\\n\\1Port 2222|",
        undone_by: &["worker"],
    },
    LockOut {
        step: "a machine's mesh key is another one",
        file: "rendered/mesh.yaml",
        edit: "s|^\\(  worker: .*key: \\)[^,]*|\\1uF1mCvUdTLrSvpyoeYZzc62iOH9nnNvfIEcpGjJ/QHI=|",
        undone_by: &["attic", "edge"],
    },
    LockOut {
        step: "a machine's endpoint is wrong",
        file: "rendered/mesh.yaml",
        edit: "s|198.51.100.4:51821|198.51.100.77:51821|",
        undone_by: &["attic"],
    },
    LockOut {
        step: "a table drops all",
        file: "rendered/nodes/edge.yaml",
        edit: "s|^items:|&\\n- table: {name: shut, text: \"chain shut { type filter hook input priority -10; policy drop; }\\\\n\"}|",
        undone_by: &["edge"],
    },
    LockOut {
        step: "a route is stolen",
        file: "rendered/nodes/edge.yaml",
        edit: "s|^items:|&\\n- route: {device: eth0, to: 10.210.0.0/17}|",
        undone_by: &["edge"],
    },
];

/// The MTU of this one passes every check, but not the way between the two providers.
const TOO_LARGE: LockOut = LockOut {
    step: "the MTU is above what the way carries",
    file: "rendered/mesh.yaml",
    edit: "s|^mtu: .*|mtu: 1420|",
    undone_by: &["edge", "worker"],
};

/// Eight ways to be locked out.
pub(super) fn play(story: &mut Story<'_>) {
    be_impatient(story.lab());
    for lock_out in LOCK_OUTS {
        story.step(lock_out.step, |lab| is_undone_and_heals(lab, lock_out));
    }
    story.step(TOO_LARGE.step, |lab| {
        lab.internet().expect(NARROW);
        is_undone_and_heals(lab, &TOO_LARGE);
        lab.internet().expect("nft delete table inet narrow");
    });
}

/// Between the providers datagrams of more than 1,450 bytes are lost without a word; TCP is clamped, as providers do.
const NARROW: &str = "nft 'add table inet narrow; add chain inet narrow through { type filter hook forward priority 0; }; add rule inet narrow through meta l4proto udp meta length > 1450 drop'";

/// Pushes the commit, lets all machines take it at once, and sees the door open again; then takes it back.
fn is_undone_and_heals(lab: &Lab, lock_out: &LockOut) {
    let tables = on(lab, "edge", "nft list tables");
    let began = now(lab);
    let doors = ["edge", "worker"].map(|node| (node, keep_knocking(lab, node)));
    forge(lab, lock_out.file, lock_out.edit, lock_out.step);
    let passes: Vec<_> = ALL.iter().map(|node| lab.host(node).spawn("root", "knarrd once")).collect();
    let head = harbor(lab, "git rev-parse HEAD");
    for node in lock_out.undone_by {
        wait_until(&format!("{node} refuses {head}"), PATIENCE, || refusal(lab, node, &head).is_some());
    }
    // Who was warned may say so before the one that warned it, whose pass goes on.
    let undid = |node: &&str| refusal(lab, node, &head) == Some(Refusal::Quarantine);
    wait_until(&format!("one that tried {head} refuses it"), PATIENCE, || ALL.iter().any(undid));
    for node in ["edge", "worker"] {
        wait_until(&format!("{node} lets people in by SSH"), PATIENCE, || ssh_from_outside(lab, node));
    }
    for pass in passes {
        pass.finish(PATIENCE);
    }
    for (node, door) in doors {
        let said = door.said();
        drop(door);
        is_shut_only_while_a_stage_waits(lab, node, began, &said);
    }
    // What conntrack remembers would hide a port that is still closed.
    for node in ALL {
        on(lab, node, "conntrack -F 2>&1");
    }
    let as_before = || on(lab, "edge", "nft list tables") == tables;
    wait_until("edge has the tables that it had", PATIENCE, as_before);
    all_pairs_ping(lab, &ALL);
    revert(lab);
    all_pairs_ping(lab, &ALL);
}

/// A person who logs in anew again and again: each line says whether that worked, and when it was begun.
fn keep_knocking(lab: &Lab, node: &str) -> Child {
    let target = lab.host(node).ssh();
    let text = format!(
        "while :; do t=$(date +%s.%3N)
         if ssh -o BatchMode=yes -o ConnectTimeout=5 {target} true 2>/dev/null; then echo in $t; else echo out $t; fi
         sleep 0.3; done"
    );
    let knocking = lab.host("laptop").spawn("me", &text);
    knocking.wait_says("in ", PATIENCE);
    knocking
}

/// The machine's own unit for a stage begins with the stage: from its deadline and ten seconds on the door is open.
fn is_shut_only_while_a_stage_waits(lab: &Lab, node: &str, since: f64, said: &str) {
    let log = format!("journalctl -q -u knarr-guard.service -o short-unix --no-hostname --since=@{since}");
    let log = on(lab, node, &format!("{log} | grep ': Started ' || true"));
    let starts: Vec<f64> = log.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    let shut = said.lines().filter_map(|line| line.strip_prefix("out ")?.trim().parse::<f64>().ok());
    let mut worst: Option<f64> = None;
    for at in shut {
        // What was begun just before a stage may meet it.
        let after =
            starts.iter().map(|start| at - start).find(|after| (-5.0..DEADLINE + 10.0).contains(after));
        let Some(after) = after else {
            panic!("a login to {node} at {at} failed; stages began at {starts:?}\n{said}");
        };
        worst = Some(worst.map_or(after, |worst| worst.max(after)));
    }
    if let Some(worst) = worst {
        println!("      {node}: the last login that failed began {worst:.1} s after its stage");
    }
}

fn now(lab: &Lab) -> f64 {
    on(lab, "edge", "date +%s.%3N").trim().parse().expect("it is a time")
}

/// How a machine refuses the network of a commit.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// It took it back and does not try it again.
    Quarantine,
    /// Another one warned it.
    Held,
}

/// Whether and how a machine refuses what a commit changes of the network, by its own word.
fn refusal(lab: &Lab, node: &str, commit: &str) -> Option<Refusal> {
    let said = lab.host(node).run("knarrd status --output json").stdout;
    let (report, quarantined) = said.split_once("\"quarantined\"").unwrap_or((said.as_str(), ""));
    let held = report.contains("\"held\": ") && report.contains(commit);
    if quarantined.contains(commit) { Some(Refusal::Quarantine) } else { held.then_some(Refusal::Held) }
}
