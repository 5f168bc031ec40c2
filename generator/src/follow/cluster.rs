//! After the machines have converged: the server that sees to Kubernetes' objects is asked until they and the apps
//! are as the commit says.

use super::{End, Fate, Follower, PAUSE};
use crate::error::CliError;
use crate::machine::Machine;
use crate::ssh::{Ssh, SshError};
use crate::ui::{Live, Ui};
use knarr_node::name::Oid;
use knarr_node::report::{AppOutcome, ClusterOutcome, ClusterReport};
use std::time::{Duration, Instant};

/// Returns what the server says that sees to the objects, or that tries to.
pub fn acting(fates: &[Fate]) -> Option<&ClusterReport> {
    find(fates).and_then(|fate| fate.cluster.as_ref())
}

fn find(fates: &[Fate]) -> Option<&Fate> {
    fates.iter().find(|fate| fate.cluster.as_ref().is_some_and(ClusterReport::acts))
}

/// Asks until objects and apps are as `head` says, nothing more happens by itself, or `patience` is over; what was said
/// last is in `fates` then. Without K3s there is nothing to follow.
///
/// # Errors
/// When no ssh can be started here.
pub fn follow_cluster(
    followers: &[Follower],
    fates: &mut [Fate],
    head: &Oid,
    patience: Duration,
    ui: &Ui,
) -> Result<(), SshError> {
    let Some(fate) = find(fates).filter(|fate| fate.end == End::Converged) else { return Ok(()) };
    let follower = followers.iter().find(|follower| follower.node == fate.node);
    let follower = follower.expect("who said something was asked");
    let ssh = if follower.here { Ssh::here()? } else { Ssh::new()? };
    let machine = Machine { ssh: &ssh, target: &follower.target };
    let mut said = fate.cluster.clone().expect("who acts has said so");
    let (lines, end) = (ui.lines(), Instant::now() + patience);
    let live = lines.add("cluster", "cluster".len());
    let mut pause = Duration::from_millis(500);
    tell(&said, &live);
    while !said.is_settled(head) && Instant::now() + pause < end {
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
        // A machine that does not answer now may do so the next time.
        let answer = machine.once().ok().and_then(|report| report.cluster);
        said = answer.filter(ClusterReport::acts).unwrap_or(said);
        tell(&said, &live);
    }
    let fate = fates.iter_mut().find(|fate| fate.node == follower.node);
    fate.expect("it was there before").cluster = Some(said);
    Ok(())
}

/// Says in one line what is awaited.
fn tell(report: &ClusterReport, live: &Live) {
    let coming = report.apps.iter().filter(|(_, app)| app.how == AppOutcome::Coming);
    let coming: Vec<String> = coming.map(|(name, app)| format!("{name}: {app}")).collect();
    if report.how == ClusterOutcome::Converged && !coming.is_empty() {
        live.say(&coming.join("; "));
    } else {
        live.say(&report.to_string());
    }
}

/// Shows how Kubernetes' objects and the apps stand.
pub fn show_cluster(report: &ClusterReport, ui: &Ui) {
    report.lines().for_each(|line| ui.say(line));
    if report.how == ClusterOutcome::Converged && report.apps.is_empty() {
        ui.say("apps: none yet: knarr app add NAME --image IMAGE");
    }
}

/// Judges how objects and apps stand.
///
/// # Errors
/// When they are not as the commit says.
pub fn judge_cluster(report: &ClusterReport) -> Result<(), CliError> {
    if report.how != ClusterOutcome::Converged {
        return Err(CliError::environment(format!("the cluster has not converged: {report}"))
            .help("it goes on by itself: knarr status; on the server: journalctl -u knarrd"));
    }
    let open = report.apps.iter().find(|(_, app)| app.how != AppOutcome::Healthy);
    let Some((name, app)) = open else { return Ok(()) };
    let why = format!("app {name} is not healthy: {app}");
    Err(CliError::environment(why).help(format!("kubectl -n argocd describe application {name}")))
}
