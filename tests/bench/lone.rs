//! One machine alone that follows a repository on its own disk: how soon a commit there is followed.

use crate::figure::{Figure, Target};
use crate::peers::Peers;
use knarr_tests::{Lab, wait_for};
use std::time::Duration;

const RUNS: usize = 7;

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let Some(lab) = crate::boot() else { return Vec::new() };
    for program in ["knarr", "knarrd"] {
        lab.install("edge", program);
    }
    let edge = lab.host("edge");
    edge.expect("cd /root && knarr up harbor --recovery /root/kit.txt --yes");
    edge.expect(
        "cd /root/harbor && mkdir -p host && printf 'host: {files: {/etc/motd: {from: host/motd}}}\\n' >> cluster.yaml",
    );
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        // Only git has a hand in it: no `knarr` asks knarrd for a pass.
        let said = edge.expect(&format!(
            "cd /root/harbor
             exec 3>&1 >/dev/null
             echo {run} > host/motd
             knarr render
             git add -A
             git commit -q -S -m {run}
             git push -q
             exec >&3
             stat -c %.6Y /srv/knarr/harbor.git/refs/heads/main; git rev-parse --short=7 HEAD"
        ));
        let (pushed, commit) = said.trim().split_once('\n').unwrap();
        let (begin, end) = spans(&lab, "edge", commit, pushed.parse().unwrap());
        begins.push(begin);
        ends.push(end);
    }
    vec![
        Figure::seconds(
            "one machine alone: from the push until its pass has accepted the commit",
            begins,
            Target::AtMost(1.0),
        ),
        Figure::seconds("one machine alone: from the push until it has converged", ends, Target::None),
    ]
}

/// Returns when a machine accepted a commit, and when it had converged: seconds after the push.
fn spans(lab: &Lab, node: &str, commit: &str, pushed: f64) -> (f64, f64) {
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
