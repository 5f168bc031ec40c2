//! Three machines of the test lab that follow a repository: what knarrd takes while nothing happens, and how long a
//! commit takes that only changes the mesh.

use crate::figure::{Figure, Target, Unit, Values};
use crate::peers::Peers;
use knarr_tests::{Lab, story};
use std::thread::sleep;
use std::time::Duration;

const RUNS: usize = 5;
/// How long nothing happens.
const IDLE: Duration = Duration::from_mins(2);

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let Some(lab) = crate::boot() else { return Vec::new() };
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
    let all = "awk '{print $14 + $15 + $16 + $17}' /proc/$(systemctl show -P MainPID knarrd)/stat"; // children too
    let own = "awk '{print $14 + $15}' /proc/$(systemctl show -P MainPID knarrd)/stat";
    let ticks = number("getconf CLK_TCK");
    let (all_before, own_before) = (number(all), number(own));
    sleep(IDLE);
    let minutes = IDLE.as_secs_f64() / 60.0;
    let with_fetch = (number(all) - all_before) / ticks / minutes;
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

/// `knarr ship` of a commit that adds a device, by phase: until the push is done, and from then on until it says that all
/// three machines have converged.
fn commits(lab: &Lab) -> Vec<Figure> {
    let (mut befores, mut afters) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let said = lab.host("laptop").expect_as(
            "me",
            &format!(
                "cd ~/harbor; exec 3>&1 >/dev/null; knarr peer add p{run} --to ~/p{run}.conf
                 date +%s.%6N >&3; knarr ship -y -m p{run}; date +%s.%6N >&3"
            ),
        );
        let (began, ended) = said.trim().split_once('\n').unwrap();
        let [began, ended] = [began, ended].map(|time| time.parse::<f64>().unwrap());
        let pushed = lab.host("git").expect("stat -c %.6Y ~git/harbor.git/refs/heads/main");
        let pushed: f64 = pushed.trim().parse().unwrap();
        befores.push(pushed - began);
        afters.push(ended - pushed);
    }
    vec![
        Figure::seconds("a device is added: `knarr ship` until the push is done", befores, Target::None),
        Figure::seconds(
            "a device is added: from the push until `knarr ship` says that three machines have converged",
            afters,
            Target::AtMost(5.0),
        ),
    ]
}
