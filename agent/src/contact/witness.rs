//! Other nodes as witnesses: they are asked over the mesh to dial this machine back.

use super::{Surroundings, flows, heard};
use crate::guard::{Contacts, Terms};
use crate::listener::client::{AskError, Client, Method};
use crate::listener::dial::{Dial, Dialled, FLOW, Undone, Way};
use crate::listener::report::Signed;
use crate::load::Wanted;
use knarr_node::causes::chain;
use knarr_node::firewall::Ssh;
use knarr_node::item::WgPeer;
use knarr_node::mesh::{Directory, Role};
use knarr_node::name::{DeviceName, NodeName, Oid};
use knarr_node::report::Report;
use knarr_node::{Change, Item};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// So many nodes are enough.
const ENOUGH: usize = 3;
/// So many times as many others are asked when those do not answer.
const ROUNDS: usize = 3;
/// How long a node may take to say how it is.
const ASK: Duration = Duration::from_secs(5);
/// A knarrd that starts listens after its first pass at latest, and passes are 36 s apart at most.
const SILENT: Duration = Duration::from_secs(40);
/// Until a silent one is asked again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long others may take to hear of an undo.
const WARN: Duration = Duration::from_secs(3);

/// The mesh of the wanted State.
#[derive(Clone, Debug)]
pub(super) struct Mesh {
    me: NodeName,
    device: DeviceName,
    directory: Directory,
    peers: Vec<WgPeer>,
    /// Since when this pass waits for some that do not answer: several that are dead cost no more time than one.
    silent: OnceLock<Instant>,
}

/// What a stage changed of the ways to this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Renewed {
    /// Something: else the stage was taken back, and what is wanted says nothing of how things are.
    anything: bool,
    /// A table or the device: what conntrack remembers may hide that the port is closed now.
    ways: bool,
}

impl Renewed {
    /// Ends the flows that `changes` would not end: tunnels whose other end moved are made anew. No other tunnel is
    /// touched, so nothing is lost on them.
    pub(super) fn by(changes: &[Change]) -> Self {
        for (from, to) in changes.iter().filter_map(tunnel) {
            if from.is_some_and(|from| from.endpoint != to.endpoint) {
                flows::remake(to);
            }
        }
        let ways = |change: &Change| match change.wanted().or(change.from()) {
            Some(Item::Table(table)) => table.text.contains("ct "),
            Some(Item::Device(_)) => change.from().is_some(),
            Some(_) | None => false,
        };
        Self { anything: !changes.is_empty(), ways: changes.iter().any(ways) }
    }
}

fn tunnel(change: &Change) -> Option<(Option<&WgPeer>, &WgPeer)> {
    let Some(Item::Peer(to)) = change.wanted() else { return None };
    let from = if let Some(Item::Peer(from)) = change.from() { Some(from) } else { None };
    Some((from, to))
}

impl Mesh {
    /// Returns the mesh that `wanted` makes, or nothing when it makes none.
    pub(super) fn of(me: &NodeName, wanted: &Wanted) -> Option<Self> {
        let directory = wanted.directory.clone().filter(|directory| directory.nodes.contains_key(me))?;
        let device =
            |item: &Item| if let Item::Device(device) = item { Some(device.name.clone()) } else { None };
        let peer = |item: &Item| if let Item::Peer(peer) = item { Some(peer.clone()) } else { None };
        let peers = wanted.items.iter().filter_map(peer).collect();
        let device = wanted.items.iter().find_map(device)?;
        Some(Self { me: me.clone(), device, directory, peers, silent: OnceLock::new() })
    }

    /// Whether others dial this machine.
    pub(super) fn is_public(&self) -> bool {
        self.directory.nodes[&self.me].is_public()
    }

    /// Lists the other nodes, servers first, then by name.
    pub(super) fn witnesses(&self) -> Vec<NodeName> {
        let nodes = &self.directory.nodes;
        let of = |role: Role| nodes.iter().filter(move |(name, node)| node.role == role && **name != self.me);
        of(Role::Server).chain(of(Role::Agent)).map(|(name, _)| name.clone()).collect()
    }

    /// Asks up to three nodes, others in their place when they do not answer, and all whose tunnel changes.
    pub(super) fn before(&self, terms: &Terms, around: &Surroundings) -> Contacts {
        let mut answers = BTreeMap::new();
        for some in terms.known.chunks(ENOUGH).take(ROUNDS) {
            answers.extend(self.ask(some, FLOW * 2, around));
            if answers.values().any(|dialled: &Dialled| dialled.mesh) {
                break;
            }
        }
        let rest: Vec<NodeName> =
            terms.changed.iter().filter(|node| !answers.contains_key(*node)).cloned().collect();
        answers.extend(self.ask(&rest, FLOW * 2, around));
        let mut contacts = contacts(&answers);
        // Both ends change their tunnel at once: the other one may have begun.
        let begun = terms.changed.iter().filter(|node| heard::applies(&around.paths, node, &around.commit));
        contacts.mesh.extend(begun.cloned());
        contacts
    }

    /// Asks those who answered before, by new flows where a way changed.
    pub(super) fn after(
        &self,
        terms: &Terms,
        before: &Contacts,
        renewed: &Renewed,
        around: &Surroundings,
        patience: Duration,
    ) -> Contacts {
        let asked: Vec<NodeName> =
            terms.known.iter().filter(|node| before.mesh.contains(*node)).cloned().collect();
        let _anew = if renewed.ways && self.is_public() && !asked.is_empty() {
            let Some(anew) = flows::JudgedAnew::begin(self.directory.port) else {
                return Contacts::default();
            };
            Some(anew)
        } else {
            None
        };
        let mut answers = self.ask(&asked, patience.min(FLOW * 2), around);
        if renewed.anything {
            self.distrust(&mut answers, &terms.changed);
        }
        contacts(&answers)
    }

    /// Takes out who answered by a way that is not the one that the directory tells: the next round dials that again.
    fn distrust(&self, answers: &mut BTreeMap<NodeName, Dialled>, changed: &BTreeSet<NodeName>) {
        if changed.is_empty() {
            return;
        }
        let there = flows::endpoints(&self.device);
        answers.retain(|node, _| {
            let Some(peer) = self.peers.iter().find(|peer| peer.name.as_str() == node.as_str()) else {
                return false;
            };
            let Some(at) = there.get(&peer.key) else { return false };
            let said = peer.endpoint.as_ref().filter(|_| changed.contains(node));
            let roamed = said.is_some_and(|said| !flows::is_at(said, *at));
            if roamed {
                flows::redial(peer);
            }
            !roamed
        });
    }

    /// Asks nodes at the same time; who does not answer is not in the result.
    fn ask(
        &self,
        nodes: &[NodeName],
        patience: Duration,
        around: &Surroundings,
    ) -> BTreeMap<NodeName, Dialled> {
        let one = |node: &NodeName| {
            let dial = Dial { commit: around.commit.clone(), ssh: self.way(node, around.ssh.as_ref()) };
            let ip = self.directory.nodes.get(node)?.ip;
            let answer = self.client().ask(ip, Method::POST, "/v1/dial", Some(&dial), patience);
            match answer {
                Ok(body) => serde_json::from_slice(&body).ok(),
                Err(error) => {
                    tracing::debug!(%error, "`{node}` does not answer");
                    None
                }
            }
        };
        scope(|scope| {
            let one = &one;
            let asked: Vec<_> = nodes.iter().map(|node| (node, scope.spawn(move || one(node)))).collect();
            let joined =
                asked.into_iter().filter_map(|(node, thread)| Some((node.clone(), thread.join().ok()??)));
            joined.collect()
        })
    }

    /// Returns what a node says of itself, or why it does not say it; none when it is silent for so long that its knarrd
    /// cannot only be about to listen.
    pub(super) fn report_of(&self, node: &NodeName) -> Option<Result<Report, String>> {
        let ip = self.directory.nodes.get(node)?.ip;
        let ask = || self.client().ask(ip, Method::GET, "/v1/report", None::<&()>, ASK);
        let mut answer = ask();
        let waited = || self.silent.get_or_init(Instant::now).elapsed();
        while !matches!(answer, Ok(_) | Err(AskError::Refused { .. })) && waited() < SILENT {
            sleep(AGAIN);
            answer = ask();
        }
        match answer {
            // WireGuard proves who answers.
            Ok(body) => {
                let signed: Option<Signed> = serde_json::from_slice(&body).ok();
                signed.and_then(|signed| serde_json::from_str(&signed.report).ok()).map(Ok)
            }
            Err(AskError::Refused { said, .. }) => Some(Err(format!("`{node}` says: {said}"))),
            Err(error) => {
                tracing::info!("`{node}` is not waited for: {}", chain(&error));
                None
            }
        }
    }

    fn client(&self) -> Client {
        Client::new(self.directory.nodes[&self.me].ip, self.directory.port)
    }

    /// Returns how a witness dials sshd: as people do, unless the State closes that to it.
    fn way(&self, witness: &NodeName, ssh: Option<&Ssh>) -> Way {
        let address = || {
            let endpoint = self.directory.nodes.get(witness)?.at.first()?;
            endpoint.host().parse::<IpAddr>().ok()
        };
        let open = match ssh {
            None | Some(Ssh::Anywhere) => true,
            Some(Ssh::Mesh) => false,
            Some(Ssh::From(networks)) => {
                address().is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
            }
        };
        if open && self.directory.nodes[&self.me].ssh.is_some() { Way::Public } else { Way::Mesh }
    }

    /// Tells all others that the commit cut this machine off. Who does not hear it finds out by itself.
    pub(super) fn warn(&self, commit: &Oid) {
        let undone = Undone { commit: commit.clone() };
        scope(|scope| {
            for node in self.witnesses() {
                let (client, undone) = (self.client(), &undone);
                let ip = self.directory.nodes[&node].ip;
                scope.spawn(move || {
                    if let Err(error) = client.ask(ip, Method::POST, "/v1/undone", Some(undone), WARN) {
                        tracing::warn!(%error, "`{node}` does not know of the undo");
                    }
                });
            }
        });
    }
}

fn contacts(answers: &BTreeMap<NodeName, Dialled>) -> Contacts {
    let those = |holds: fn(&Dialled) -> bool| {
        answers.iter().filter(|(_, dialled)| holds(dialled)).map(|(node, _)| node.clone()).collect()
    };
    Contacts {
        mesh: those(|dialled| dialled.mesh),
        ssh: those(|dialled| dialled.ssh),
        aware: those(|dialled| dialled.aware),
        ..Contacts::default()
    }
}
