//! How all machines stand, as one of them has heard it; those it has not heard of lately are asked themselves.

use crate::machine::{KNARRD, Machine, at_once};
use crate::spec::{Node, Role, Spec};
use crate::ssh::{Ssh, SshError, Target};
use knarr_node::name::{ClusterName, NodeName};
use knarr_node::report::{ClusterReport, Report};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long one machine is waited for before the next is asked too.
const HEAD_START: Duration = Duration::from_millis(1500);

/// How long a machine may take to say how it stands.
const PATIENCE: Duration = Duration::from_secs(8);

/// From this age on, in seconds, a report may be news of yesterday.
pub const STALE: u64 = 150;

/// A machine that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub node: NodeName,
    /// How people reach it; none when the repository does not say.
    pub target: Option<Target>,
}

/// Who said how the machines stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The machine on which this runs.
    Here,
    /// This one, over ssh.
    Node(NodeName),
    /// Each for itself, for none answered for all.
    #[default]
    Each,
}

/// How machines stand.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Who said so.
    pub by: By,
    /// What each said last.
    pub reports: BTreeMap<NodeName, Report>,
    /// Why others were not heard of.
    pub silent: BTreeMap<NodeName, String>,
}

impl Heard {
    /// Returns what the server says that sees to Kubernetes' objects, or that tries to.
    pub fn cluster(&self) -> Option<&ClusterReport> {
        ClusterReport::acting(
            self.reports.values().filter_map(|report| Some((report.at, report.cluster.as_ref()?))),
        )
    }
}

/// Lists the machines, servers first.
pub fn asked(spec: &Spec) -> Vec<Asked> {
    let is_server = |node: &Node| node.roles.iter().any(|role| role.value == Role::Server);
    let mut there: Vec<(&String, &Node)> = spec.nodes.iter().filter(|(_, node)| !node.removed).collect();
    there.sort_by_key(|(name, node)| (!is_server(node), *name));
    let asked = there.into_iter().filter_map(|(name, node)| {
        let target = node.ssh.as_ref().and_then(|ssh| ssh.parse().ok());
        Some(Asked { node: name.parse().ok()?, target })
    });
    asked.collect()
}

/// Asks one machine for all, in the order of `asked`; then those that it has not heard of since `now` - [`STALE`].
///
/// # Errors
/// When ssh cannot be started here.
pub fn hear(cluster: &ClusterName, asked: &[Asked], now: u64) -> Result<Heard, SshError> {
    let (by, reports) = match here(cluster) {
        Some(reports) => (By::Here, reports),
        None => first(asked)?.map_or_else(Default::default, |(node, reports)| (By::Node(node), reports)),
    };
    let names = |node: &NodeName| asked.iter().any(|asked| asked.node == *node);
    let reports = reports.into_iter().map(|report| (report.node.clone(), report));
    let mut heard =
        Heard { by, reports: reports.filter(|(node, _)| names(node)).collect(), ..Heard::default() };
    let fresh = |node: &NodeName| heard.reports.get(node).is_some_and(|it| now.saturating_sub(it.at) < STALE);
    let missing: Vec<&Asked> = asked.iter().filter(|asked| !fresh(&asked.node)).collect();
    let ssh = Ssh::new()?;
    for (asked, said) in missing.iter().zip(at_once(&missing, |asked| one(&ssh, asked))) {
        match said {
            Ok(report) => drop(heard.reports.insert(asked.node.clone(), report)),
            Err(why) => drop(heard.silent.insert(asked.node.clone(), why)),
        }
    }
    Ok(heard)
}

fn one(ssh: &Ssh, asked: &Asked) -> Result<Report, String> {
    let Some(target) = &asked.target else { return Err("its file does not say how to reach it".to_owned()) };
    Machine { ssh, target }.status(PATIENCE).map_err(|error| knarr_node::causes::chain(&error))
}

/// Asks knarrd here, if this machine is one of the cluster's and its root types.
fn here(cluster: &ClusterName) -> Option<Vec<Report>> {
    #[derive(serde::Deserialize)]
    struct Named {
        cluster: ClusterName,
    }
    let identity = std::fs::read("/var/lib/knarr/identity.json").ok()?;
    let named: Named = serde_json::from_slice(&identity).ok()?;
    let said = Command::new(KNARRD).args(["status", "--all", "--output", "json"]).output().ok()?;
    (named.cluster == *cluster).then(|| serde_json::from_slice(&said.stdout).ok()).flatten()
}

/// Returns the first answer: each machine is asked when those before it have not answered for a while.
fn first(asked: &[Asked]) -> Result<Option<(NodeName, Vec<Report>)>, SshError> {
    let (ssh, (send, receive)) = (Ssh::new()?, channel());
    let mut reached = asked.iter().filter_map(|asked| Some((&asked.node, asked.target.as_ref()?)));
    let answer = std::thread::scope(|scope| {
        let (ssh, mut open) = (&ssh, 0_usize);
        loop {
            let next = reached.next();
            if open == 0 && next.is_none() {
                return None;
            }
            if let Some((node, target)) = next {
                let send = send.clone();
                open += 1;
                scope.spawn(move || send.send((node, Machine { ssh, target }.reports(PATIENCE))));
            }
            let patience = if next.is_some() { HEAD_START } else { PATIENCE };
            match receive.recv_timeout(patience) {
                Ok((node, Ok(reports))) => {
                    ssh.stop();
                    return Some((node.clone(), reports));
                }
                Ok((_, Err(_))) => open -= 1,
                Err(RecvTimeoutError::Timeout) if next.is_some() => {}
                Err(_) => return None,
            }
        }
    });
    Ok(answer)
}
