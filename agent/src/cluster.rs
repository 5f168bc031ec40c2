//! The cluster's half of a pass: on the server that holds the Lease `knarr`, Kubernetes' objects are made as the
//! accepted commit says. It comes after the machine's own items and never holds them up.

mod api;
mod apps;
mod documents;
mod fill;
mod inventory;
mod key;
mod lease;
mod nodes;
mod objects;
mod sealing;

use self::api::{Api, ApiError};
use self::documents::{Document, documents};
use self::inventory::Inventory;
use self::lease::{Holder, hold};
use self::objects::{Objects, newer};
use crate::host::Secrets;
use crate::listener::Place;
use crate::paths::Paths;
use crate::repo::Repo;
use jiff::Timestamp;
use knarr_node::item::Artifact;
use knarr_node::name::{KeyId, NodeName, Oid};
use knarr_node::report::{AppReport, ClusterOutcome, ClusterReport};
use knarr_node::state::{ClusterItem, ClusterState, Keep, Manifest, Objects as Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// K3s writes it on servers only: it leads to the API of this machine, as its administrator.
const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";
/// Whatever the API does, a pass ends.
const LONGEST: Duration = Duration::from_mins(3);

/// Where and for what the objects are made.
pub struct Scene<'a> {
    /// Where the machine's files are.
    pub paths: &'a Paths,
    /// Where the commits are.
    pub repo: &'a Repo,
    /// This machine among the others.
    pub place: &'a Place,
    /// The accepted commit that is followed.
    pub commit: &'a Oid,
    /// What it says of the cluster.
    pub state: &'a ClusterState,
    /// The values of this machine's secrets.
    pub secrets: &'a Secrets,
    /// Whether a remote gave its commits in this pass.
    pub fetched: bool,
    /// The time.
    pub now: Timestamp,
    /// Puts an artifact into the store, and says where it lies there.
    pub store: &'a dyn Fn(&Artifact) -> Result<PathBuf, String>,
}

/// One manifest that could be read.
struct Part {
    name: String,
    back: Option<Keep>,
    secret: bool,
    documents: Vec<Document>,
}

/// What the API says of the cluster after a pass, beside how the pass ended.
#[derive(Default)]
struct Told {
    apps: BTreeMap<String, AppReport>,
    strange_keys: BTreeSet<KeyId>,
}

/// Why something is not as wanted.
enum Trouble {
    /// It failed.
    Failed(String),
    /// Something else comes first.
    Waits(String),
}

/// Makes the objects so; a machine that is no server, or has no K3s yet, has nothing to say.
pub fn converge(scene: &Scene<'_>) -> Option<ClusterReport> {
    let kubeconfig = scene.paths.absolute(KUBECONFIG);
    kubeconfig.exists().then(|| scene.report(&kubeconfig))
}

impl Scene<'_> {
    fn report(&self, kubeconfig: &Path) -> ClusterReport {
        let retry = |why| self.said(None, ClusterOutcome::Retry { why }, Told::default());
        match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                self.attempt(&runtime, kubeconfig).unwrap_or_else(|error| retry(error.to_string()))
            }
            Err(error) => retry(error.to_string()),
        }
    }

    fn said(&self, by: Option<NodeName>, how: ClusterOutcome, told: Told) -> ClusterReport {
        let Told { apps, strange_keys } = told;
        ClusterReport { by, commit: self.commit.clone(), how, apps, strange_keys }
    }

    fn attempt(&self, runtime: &Runtime, kubeconfig: &Path) -> Result<ClusterReport, ApiError> {
        let connect = async {
            let api = Api::connect(kubeconfig).await?;
            let holder = hold(&api, self.place, self.now).await?;
            Ok((api, holder))
        };
        let (api, holder) = runtime.block_on(bounded(connect))?;
        if let Holder::Other(name) = holder {
            return Ok(self.said(name.parse().ok(), ClusterOutcome::Elsewhere, Told::default()));
        }
        // Outside of the runtime: downloads block on one of their own.
        let (parts, unread) = self.parts();
        let (how, told) = runtime.block_on(bounded(self.run(&api, &parts, unread)))?;
        Ok(self.said(Some(self.place.node.clone()), how, told))
    }

    async fn run(
        &self,
        api: &Api,
        parts: &[Part],
        unread: Vec<Trouble>,
    ) -> Result<(ClusterOutcome, Told), ApiError> {
        let there = Inventory::read(api).await?;
        if let Some(why) = newer(self, there.commit.as_ref()) {
            return Ok((ClusterOutcome::Waiting { why }, Told::default()));
        }
        let inventory = Inventory { commit: Some(self.commit.clone()), ..there.clone() };
        inventory.write(api, &there).await?;
        let complete = unread.is_empty();
        let wanted = [].into();
        let mut objects =
            Objects { scene: self, api, inventory, wanted, complete, fresh: None, troubles: unread };
        for part in parts {
            objects.make(part).await?;
        }
        objects.leave().await?;
        let Objects { mut inventory, mut troubles, wanted, .. } = objects;
        self.nodes(api, &mut inventory, &mut troubles).await?;
        let there = Inventory::read(api).await?;
        inventory.write(api, &there).await?;
        let apps = apps::apps(api, wanted.keys()).await?;
        // What could not be read may plant a key, too.
        let strange_keys = if complete { sealing::strange_keys(api, parts).await? } else { [].into() };
        Ok((outcome(&troubles), Told { apps, strange_keys }))
    }

    async fn nodes(
        &self,
        api: &Api,
        inventory: &mut Inventory,
        troubles: &mut Vec<Trouble>,
    ) -> Result<(), ApiError> {
        for item in &self.state.items {
            let done = match item {
                ClusterItem::NodeMeta(meta) => nodes::mark(api, meta, inventory).await,
                ClusterItem::Tombstone(tomb) => nodes::bury(api, &tomb.node).await.map(|()| None),
                ClusterItem::Artifact(_) | ClusterItem::Objects(_) => Ok(None),
            };
            match done {
                Ok(trouble) => troubles.extend(trouble),
                Err(error @ (ApiError::Silent(_) | ApiError::Config(..))) => return Err(error),
                Err(error) => troubles.push(Trouble::Failed(error.to_string())),
            }
        }
        Ok(())
    }

    /// Reads all manifests, and says which cannot be read.
    fn parts(&self) -> (Vec<Part>, Vec<Trouble>) {
        let (mut parts, mut unread) = (Vec::new(), Vec::new());
        for item in &self.state.items {
            let ClusterItem::Objects(wish) = item else { continue };
            match self.part(wish) {
                Ok(part) => parts.push(part),
                Err(why) => unread.push(Trouble::Failed(format!("objects `{}`: {why}", wish.name))),
            }
        }
        (parts, unread)
    }

    fn part(&self, wish: &Wish) -> Result<Part, String> {
        let mut documents = match &wish.manifest {
            Manifest::File(path) => {
                let path = format!("rendered/{path}");
                let bytes = self.repo.file(self.commit, &path).map_err(|error| error.to_string())?;
                read(&bytes.ok_or_else(|| format!("`{path}` is missing"))?)?
            }
            Manifest::Secret(name) => {
                let file = || format!("rendered/nodes/{}.age holds no secret `{name}`", self.place.node);
                read(self.secrets.get(name).ok_or_else(file)?)?
            }
            Manifest::Artifact(name) => {
                let artifact =
                    self.state.artifact(name).ok_or_else(|| format!("there is no artifact `{name}`"))?;
                let place = (self.store)(artifact)?;
                read(&std::fs::read(&place).map_err(|error| format!("`{}`: {error}", place.display()))?)?
            }
        };
        let slices = documents.iter().filter_map(|it| fill::slice(it, self.place.address()));
        let slices: Vec<Document> = slices.collect();
        documents.extend(slices);
        let secret = matches!(wish.manifest, Manifest::Secret(_));
        Ok(Part { name: wish.name.to_string(), back: wish.back, secret, documents })
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Document>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    documents(text).map_err(|error| error.to_string())
}

/// Says in one line what is open; what failed counts more than what waits.
fn outcome(troubles: &[Trouble]) -> ClusterOutcome {
    let failed: Vec<&String> = troubles
        .iter()
        .filter_map(|it| if let Trouble::Failed(why) = it { Some(why) } else { None })
        .collect();
    let waits: Vec<&String> = troubles
        .iter()
        .filter_map(|it| if let Trouble::Waits(why) = it { Some(why) } else { None })
        .collect();
    let line = |all: &[&String]| match all {
        [first] => (*first).clone(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
        [] => String::new(),
    };
    match (failed.as_slice(), waits.as_slice()) {
        ([], []) => ClusterOutcome::Converged,
        ([], waits) => ClusterOutcome::Waiting { why: line(waits) },
        (failed, _) => ClusterOutcome::Retry { why: line(failed) },
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let late = |_| ApiError::Silent(format!("it took longer than {} s", LONGEST.as_secs()));
    timeout(LONGEST, work).await.map_err(late)?
}

#[cfg(test)]
mod tests;
