//! The mesh listener: what nodes ask of each other, on TCP at the mesh address only.
//!
//! A pass tells it where the machine stands ([`Place`]); it tells the daemon that a pass must start. It never changes
//! the machine. A caller is known by its source address, which WireGuard proves.

mod caller;
pub mod client;
pub mod dial;
mod git;
mod handshakes;
mod metrics;
pub mod report;
mod serve;
pub mod signed;
mod word;

pub use caller::Caller;
pub use word::{Word, Words, ask};

use crate::identity::Identity;
use crate::load::{Site, Wanted, load};
use crate::origin::Origin;
use crate::paths::Paths;
use crate::repo::Repo;
use client::Client;
use jiff::civil::Date;
use knarr_node::mesh::{Directory, MeshNode, Role};
use knarr_node::name::{ClusterName, NodeName, Oid};
use knarr_node::net::MeshIp;
use knarr_node::report::Report;
use metrics::Passes;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, watch};

/// Where the machine stands, as its last accepted commit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The cluster.
    pub cluster: ClusterName,
    /// This machine.
    pub node: NodeName,
    /// Its mesh address.
    pub ip: MeshIp,
    /// The last accepted commit.
    pub accepted: Oid,
    /// The branch that is followed.
    pub branch: String,
    /// Who signs reports: a line of allowed_signers(5) for each machine.
    pub nodes: String,
    /// All machines.
    pub directory: Directory,
}

impl Place {
    /// Returns the place of the machine in what it loaded, if that lists it.
    pub fn of(identity: &Identity, wanted: &Wanted) -> Option<Self> {
        let directory = wanted.directory.clone()?;
        Some(Self {
            cluster: identity.cluster.clone(),
            node: identity.node.clone(),
            ip: directory.nodes.get(&identity.node)?.ip,
            accepted: identity.floor.clone(),
            branch: wanted.git.branch.clone(),
            nodes: wanted.nodes.clone(),
            directory,
        })
    }

    /// Returns the place of the machine as a commit says it, if that can be loaded. It changes nothing, so it needs no lock.
    pub fn at(commit: &Oid, identity: &Identity, paths: &Paths, today: Date) -> Option<Self> {
        let repo = Repo::open(&paths.kept("repo.git")).ok()?;
        Self::of(identity, &load(&Site { repo: &repo, paths, today }, commit, identity).ok()?)
    }

    /// Returns where the listener listens.
    pub fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.ip.addr(), self.directory.port.number())
    }

    /// Returns what asks other nodes in this one's name.
    pub fn client(&self) -> Client {
        Client::new(self.ip, self.directory.port)
    }

    /// Lists the other nodes in the order of names.
    pub fn others(&self) -> impl Iterator<Item = (&NodeName, MeshIp)> {
        self.directory
            .nodes
            .iter()
            .filter(|(name, _)| **name != self.node)
            .map(|(name, node)| (name, node.ip))
    }

    /// Whether everybody's reports are kept here.
    pub fn keeps(&self) -> bool {
        let nodes = &self.directory.nodes;
        let server = |node: &MeshNode| node.role == Role::Server;
        !nodes.values().any(server) || nodes.get(&self.node).is_some_and(server)
    }

    /// Lists the other servers, or all others where no machine is a server: they keep everybody's reports.
    pub fn keepers(&self) -> impl Iterator<Item = (&NodeName, MeshIp)> {
        let nodes = &self.directory.nodes;
        let any = nodes.values().any(|node| node.role == Role::Server);
        self.others().filter(move |(name, _)| !any || nodes[*name].role == Role::Server)
    }
}

/// What passes, routes and the daemon share.
#[derive(Debug)]
pub struct Listener {
    paths: Paths,
    place: watch::Sender<Option<Arc<Place>>>,
    report: watch::Sender<Option<Report>>,
    checking: Mutex<()>,
    readers: Arc<Semaphore>,
    passes: Passes,
    /// Calls for a pass when a commit is made on this very machine.
    pub origin: Origin,
    /// What others said of newer commits.
    pub words: Words,
}

impl Listener {
    /// Makes one that listens as soon as [`Listener::run`] runs and it knows its place.
    pub fn new(paths: Paths) -> Self {
        Self {
            paths,
            place: watch::Sender::new(None),
            report: watch::Sender::new(None),
            checking: Mutex::new(()),
            readers: Arc::new(Semaphore::new(git::MOST)),
            passes: Passes::default(),
            origin: Origin::default(),
            words: Words::default(),
        }
    }

    /// Takes the place of the machine; without one nobody is listened to.
    pub fn stand(&self, place: Option<Place>) {
        if let Some(place) = &place {
            report::forget(&self.paths, place);
        }
        self.place.send_if_modified(|known| {
            let new = known.as_deref() != place.as_ref();
            if new {
                *known = place.map(Arc::new);
            }
            new
        });
    }

    /// Returns where the machine stands.
    pub fn place(&self) -> Option<Arc<Place>> {
        self.place.borrow().clone()
    }

    /// Takes what a pass says of the machine; the others hear of it.
    pub fn tell(&self, report: Report) {
        self.report.send_replace(Some(report));
    }

    /// Takes how long a pass took.
    pub fn took(&self, time: Duration) {
        self.passes.took(time.as_secs_f64());
    }

    /// Listens, and tells the others of commits and reports, for ever.
    pub async fn run(self: Arc<Self>) {
        let words = word::spread(self.place.subscribe());
        let reports = report::tell(self.clone());
        tokio::join!(serve::serve(self.clone()), words, reports, self.origin.watch(&self.paths));
    }
}

#[cfg(test)]
mod tests;
