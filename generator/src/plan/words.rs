//! A machine's changes in words for people: what belongs together is one line, however many tunnels it has. Pure.

use super::{Fate, Row, SecretRow, Step, WayBack};
use crate::lower::own;
use knarr_node::firewall::{FirewallPart, Open, Ssh};
use knarr_node::name::NodeName;
use knarr_node::{Change, Id, Impact, Item};
use serde::Serialize;
use std::collections::BTreeSet;

/// The most names on a line.
const MOST: usize = 6;

/// What people read of some changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What is done, e.g. `make mesh peers: attic, worker`.
    pub change: String,
    /// What it does to those who use the machine.
    pub impact: Impact,
    /// Whether it counts only when contact is proven after it.
    pub guarded: bool,
    /// The machines that come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<NodeName>,
    /// Why there is no way back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Why the machine refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Line {
    fn of(change: String, step: &Step) -> Self {
        let why = step.why.filter(|_| step.way_back == WayBack::Never);
        let (after, refused) = (step.after.clone(), step.refused.clone());
        Self { change, impact: step.impact, guarded: step.guarded, after, why, refused }
    }

    /// Returns the line of another knarrd.
    pub(super) fn knarrd(step: &Step) -> Self {
        let change = format!("{} {}: unless it ends a pass, the one before comes back", step.verb, step.what);
        Self::of(change, step)
    }

    /// Returns what it does to users, whether it is guarded, why there is no way back, and who comes first.
    pub fn terms(&self) -> String {
        if let Some(why) = &self.refused {
            return format!("refused: {why}");
        }
        let guarded = if self.guarded { ", guarded" } else { "" };
        let why = self.why.map(|why| format!(": {why}")).unwrap_or_default();
        let after = self.after.iter().map(ToString::to_string).collect::<Vec<_>>();
        let after = if after.is_empty() { String::new() } else { format!(", after {}", names(after)) };
        format!("{}{why}{guarded}{after}", self.impact)
    }
}

impl Row {
    /// Returns what happens to the machine, each line with its impact.
    pub fn words(&self) -> Vec<[String; 2]> {
        let fate = match self.fate {
            Fate::Stays => None,
            Fate::New => Some(["new machine".to_owned(), String::new()]),
            Fate::Removed => Some(["leaves the cluster, keeps its data".to_owned(), String::new()]),
            Fate::Forgotten => Some([
                "has no file here any more: it keeps what it has".to_owned(),
                format!("knarr node remove {}", self.node),
            ]),
        };
        let steps = self.lines.iter().map(|line| [line.change.clone(), line.terms()]);
        let word = |secret: &SecretRow| format!("{} {}", secret.turn.sign(), secret.name);
        let secrets: Vec<String> = self.secrets.iter().map(word).collect();
        let secrets = (!secrets.is_empty()).then(|| [format!("secrets: {}", names(secrets)), String::new()]);
        fate.into_iter().chain(steps).chain(secrets).collect()
    }
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Topic {
    /// The machine's own place in the mesh: device, address, route.
    Mesh(&'static str),
    /// A tunnel, with the name of its other end.
    Peer(String),
    /// The firewall.
    Firewall,
    /// Names in /etc/hosts.
    Hosts,
    /// What K3s starts with.
    Material,
    /// Anything else, by its id.
    Item(String),
}

impl Topic {
    fn of(change: &Change) -> Self {
        match change.id() {
            Id::Device(_) => Self::Mesh("device"),
            Id::Address(..) => Self::Mesh("address"),
            Id::Route(_) => Self::Mesh("route"),
            Id::Peer(_, key) => Self::Peer(peer(change).unwrap_or_else(|| key.to_string())),
            Id::Table(_) => Self::Firewall,
            Id::Hosts => Self::Hosts,
            Id::Path(path) if is_material(path.as_str()) => Self::Material,
            Id::Path(_) | Id::Dir(_) | Id::Unit(_) | Id::Sysctl(_) | Id::Account(_) | Id::Artifact(..) => {
                Self::Item(change.id().to_string())
            }
        }
    }

    /// Whether both stand on one line.
    fn joins(&self, other: &Self) -> bool {
        let mesh = matches!((self, other), (Self::Mesh(_), Self::Mesh(_)) | (Self::Peer(_), Self::Peer(_)));
        mesh || (*self == Self::Material && self == other)
    }
}

fn is_material(path: &str) -> bool {
    [own::K3S_TOKEN, own::K3S_AGENT_TOKEN].contains(&path)
        || path.starts_with("/var/lib/rancher/k3s/server/tls/")
}

fn peer(change: &Change) -> Option<String> {
    let item = change.wanted().or(change.from())?;
    if let Item::Peer(peer) = item { Some(peer.name.to_string()) } else { None }
}

/// Returns the lines of a machine; `old` and `new` are what its States say of the firewall.
pub(super) fn lines(
    changes: &[(&Change, Step)],
    old: Option<&FirewallPart>,
    new: Option<&FirewallPart>,
) -> Vec<Line> {
    let mut groups: Vec<(Vec<Topic>, Step)> = Vec::new();
    for (change, step) in changes {
        let topic = Topic::of(change);
        let same = |(topics, first): &&mut (Vec<Topic>, Step)| {
            first.verb == step.verb && first.guarded == step.guarded && topics[0].joins(&topic)
        };
        match groups.iter_mut().find(same) {
            Some((topics, _)) => topics.push(topic),
            None => groups.push((vec![topic], step.clone())),
        }
    }
    let line = |(topics, step): (Vec<Topic>, Step)| {
        let what = words(&topics, old, new);
        let first = if step.snapshot { "snapshot, then " } else { "" };
        Line::of(format!("{first}{} {what}", step.verb), &step)
    };
    groups.into_iter().map(line).collect()
}

fn words(topics: &[Topic], old: Option<&FirewallPart>, new: Option<&FirewallPart>) -> String {
    let all = || {
        topics.iter().map(|topic| match topic {
            Topic::Mesh(name) => (*name).to_owned(),
            Topic::Peer(name) | Topic::Item(name) => name.clone(),
            Topic::Firewall | Topic::Hosts | Topic::Material => String::new(),
        })
    };
    match &topics[0] {
        Topic::Mesh(_) => format!("mesh {}", names(all().collect())),
        Topic::Peer(_) if topics.len() == 1 => format!("mesh peer {}", names(all().collect())),
        Topic::Peer(_) => format!("{} mesh peers: {}", topics.len(), names(all().collect())),
        Topic::Firewall => format!("firewall: {}", firewall(old, new)),
        Topic::Material => "K3s's tokens and authorities".to_owned(),
        Topic::Hosts => "names in /etc/hosts".to_owned(),
        Topic::Item(id) => id.clone(),
    }
}

fn names(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let some = all.join(", ");
    if more == 0 { some } else { format!("{some} and {more} more") }
}

/// Returns what opens and closes to the internet; when nothing does, machines or devices come or go.
fn firewall(old: Option<&FirewallPart>, new: Option<&FirewallPart>) -> String {
    let open = |part: Option<&FirewallPart>| part.map(|part| part.open.clone()).unwrap_or_default();
    let (before, after) = (open(old), open(new));
    let ssh = new.filter(|new| old.is_none_or(|old| old.ssh != new.ssh)).map(|new| ssh(&new.ssh));
    let said = [ports("opens", after.difference(&before)), ports("closes", before.difference(&after)), ssh];
    let said: Vec<String> = said.into_iter().flatten().collect();
    match new {
        None => "everything that it closed is open".to_owned(),
        Some(_) if said.is_empty() => "who is in the mesh, and what devices reach".to_owned(),
        Some(_) => said.join("; "),
    }
}

fn ports<'a>(verb: &str, ports: impl Iterator<Item = &'a Open>) -> Option<String> {
    let ports: Vec<String> = ports.map(ToString::to_string).collect();
    (!ports.is_empty()).then(|| format!("{verb} {}", ports.join(", ")))
}

fn ssh(from: &Ssh) -> String {
    match from {
        Ssh::Anywhere => "ssh from anywhere".to_owned(),
        Ssh::Mesh => "ssh from the mesh only".to_owned(),
        Ssh::From(networks) => {
            let networks: BTreeSet<String> = networks.iter().map(ToString::to_string).collect();
            format!("ssh from {}", names(networks.into_iter().collect()))
        }
    }
}
