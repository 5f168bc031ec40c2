//! Three machines of the test lab that follow a repository: what knarrd takes while nothing happens, and how long a
//! commit takes that only changes the mesh.

use crate::figure::{Figure, Target, Unit, Values};
use crate::peers::Peers;
use knarr_tests::{Lab, story, wait_for};
use std::thread::sleep;
use std::time::Duration;

const NODES: [&str; 3] = ["attic", "edge", "worker"];
const RUNS: usize = 5;
/// How long nothing happens.
const IDLE: Duration = Duration::from_mins(2);

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let lab = match Lab::boot() {
        Ok(lab) => lab,
        Err(missing) => {
            println!("the lab cannot boot: {missing}");
            return Vec::new();
        }
    };
    story::first_hour(&lab);
    let mut figures = idle(&lab);
    figures.extend(commits(&lab));
    figures
}

/// What knarrd takes on a machine that has converged: memory, and processor time a minute.
fn idle(lab: &Lab) -> Vec<Figure> {
    let edge = lab.host("edge");
    let number = |text: &str| edge.expect(text).trim().parse::<f64>().unwrap();
    let memory = "awk '/^Pss:/ {print $2}' /proc/$(systemctl show -P MainPID knarrd)/smaps_rollup";
    let all = "awk '/^usage_usec/ {print $2}' /sys/fs/cgroup/system.slice/knarrd.service/cpu.stat";
    let own = "awk '{print $14 + $15}' /proc/$(systemctl show -P MainPID knarrd)/stat";
    let ticks = number("getconf CLK_TCK");
    let (all_before, own_before) = (number(all), number(own));
    sleep(IDLE);
    let minutes = IDLE.as_secs_f64() / 60.0;
    let with_fetch = (number(all) - all_before) / 1e6 / minutes;
    let without = (number(own) - own_before) / ticks / minutes;
    let row =
        |what, unit, value, target| Figure { what, ours: Values::new(unit, vec![value]), target, peer: None };
    vec![
        row("knarrd idle: memory (PSS)", Unit::MiB, number(memory) / 1024.0, Target::AtMost(25.0)),
        row(
            "knarrd idle: processor time a minute, with git's fetches",
            Unit::Seconds,
            with_fetch,
            Target::None,
        ),
        row("knarrd idle: processor time a minute, without them", Unit::Seconds, without, Target::None),
    ]
}

/// From the end of the push until the last of three machines has converged, for commits that add a device.
fn commits(lab: &Lab) -> Vec<Figure> {
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let laptop = lab.host("laptop");
        laptop.expect_as(
            "me",
            &format!("cd ~/harbor && knarr peer add p{run} > /dev/null && knarr ship -y -m p{run}"),
        );
        let commit = laptop.expect_as("me", "git -C ~/harbor rev-parse --short=7 HEAD");
        let pushed = lab.host("git").expect("stat -c %.6Y ~git/harbor.git/refs/heads/main");
        let pushed: f64 = pushed.trim().parse().unwrap();
        let spans = NODES.map(|node| spans(lab, node, commit.trim(), pushed));
        begins.push(spans.map(|(begin, _)| begin).into_iter().fold(0.0, f64::max));
        ends.push(spans.map(|(_, end)| end).into_iter().fold(0.0, f64::max));
    }
    let row =
        |what, values, target| Figure { what, ours: Values::new(Unit::Seconds, values), target, peer: None };
    vec![
        row(
            "a device is added: from the push until the last of three machines has accepted it",
            begins,
            Target::None,
        ),
        row(
            "a device is added: from the push until the last of three machines has converged",
            ends,
            Target::AtMost(5.0),
        ),
    ]
}

/// Returns when a machine accepted a commit, and when it had converged: seconds after the push.
pub(crate) fn spans(lab: &Lab, node: &str, commit: &str, pushed: f64) -> (f64, f64) {
    let at = |line: &str| -> Option<f64> { line.split(' ').next()?.parse().ok() };
    wait_for(&format!("{node} converges at {commit}"), Duration::from_mins(1), || {
        let log = lab
            .host(node)
            .expect(&format!("journalctl -u knarrd -o short-unix --no-hostname --since=@{}", pushed.floor()));
        let after: Vec<&str> =
            log.lines().filter(|line| at(line).is_some_and(|time| time >= pushed)).collect();
        let begin = after.iter().find(|line| line.contains(commit) && line.ends_with(": accepted"))?;
        let end = after.iter().find(|line| line.contains(commit) && line.ends_with(": converged"))?;
        Some((at(begin)? - pushed, at(end)? - pushed))
    })
}
