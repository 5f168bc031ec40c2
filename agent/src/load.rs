//! Reads from one accepted commit what this machine is to be, or says why that is not to be followed.

use crate::host::Secrets;
use crate::identity::Identity;
use crate::own::Own;
use crate::paths::Paths;
use crate::repo::{Repo, RepoError};
use crate::secrets::{self, SecretsError};
use jiff::civil::Date;
use knarr_node::firewall::Ssh;
use knarr_node::mesh::{BadDirectory, Directory, Listing, Stranger};
use knarr_node::name::{BadName, Oid};
use knarr_node::outputs::{self, Outputs, Stray};
use knarr_node::state::{ClusterState, Envelope, FORMAT, Git, NodeState, Sealed};
use knarr_node::{Id, Item};
use serde::de::DeserializeOwned;
use std::io;

/// All machines of the cluster; what a machine makes of them is lowered on it.
const MESH: &str = "rendered/mesh.yaml";
/// The host keys of all machines, with which they sign reports: its lines are those of allowed_signers, too.
const NODES: &str = "rendered/access/known_hosts";

/// What a machine is to be.
pub struct Wanted {
    /// The commit that says so.
    pub commit: Oid,
    /// Its parts, in order, those of mesh and firewall among them, and another knarrd where one is wanted.
    pub items: Vec<Item>,
    /// What it says of knarrd itself.
    pub own: Own,
    /// Where the next commit is found.
    pub git: Git,
    /// All machines of the cluster as the same commit lists them, on this day; a cluster without mesh has none.
    pub directory: Option<Directory>,
    /// Who may dial its sshd; none without a firewall.
    pub ssh: Option<Ssh>,
    /// Who signs reports: a line of allowed_signers(5) for each machine.
    pub nodes: String,
    /// The values of its secrets.
    pub secrets: Secrets,
    /// What belongs to the cluster and to no machine; servers make it so.
    pub cluster: Option<ClusterState>,
}

/// A commit that was accepted and is not followed all the same.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The local copy cannot be read.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The commit does not name this machine.
    #[error("the repository does not name this machine")]
    Unknown,
    /// The commit removes this machine.
    #[error("commit {0} removes this machine from the cluster; nothing is changed here any more")]
    Removed(String),
    /// Something under rendered/ was not written by the same render.
    #[error("rendered/ is a mix of two renders: {0}")]
    Mix(String),
    /// A file is not what `knarr render` writes.
    #[error("`{path}` of commit {commit} cannot be read: {why}")]
    Odd {
        /// The file.
        path: String,
        /// The commit, short.
        commit: String,
        /// What is wrong.
        why: String,
    },
    /// It is written for a newer knarrd.
    #[error("commit {commit} is of format {}, which needs knarrd {}", knarr.format, knarr.version)]
    Newer {
        /// The commit, short.
        commit: String,
        /// What it says of the knarrd that reads it.
        knarr: Box<Envelope>,
    },
    /// knarrd itself cannot be read.
    #[error("cannot read the program that runs")]
    Own(#[from] io::Error),
    /// It was rendered for another machine's name.
    #[error("`{0}` says that it is for another machine")]
    Other(String),
    /// The machines that it lists do not hold together.
    #[error("`{MESH}` cannot be followed")]
    Directory(#[from] BadDirectory),
    /// It does not list this machine, which is to be in the mesh.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// knarrd's own folder has a name that no item can have.
    #[error(transparent)]
    Folder(#[from] BadName),
    /// The secrets cannot be opened.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A file's value is missing.
    #[error("{id} wants the secret `{secret}`, which rendered/nodes/{node}.age does not hold")]
    NoSecret {
        /// What wants it.
        id: Id,
        /// Its name.
        secret: String,
        /// This machine.
        node: String,
    },
}

impl LoadError {
    /// Returns what a newer commit says of the knarrd that can read it.
    pub fn newer(&self, paths: &Paths) -> Option<Own> {
        if let Self::Newer { knarr, .. } = self { Own::of(knarr, paths).ok() } else { None }
    }

    /// Returns what to type, or nothing when it is tried again by itself.
    pub fn way_out(&self, node: &str) -> Option<String> {
        Some(match self {
            Self::Repo(_) => return None,
            Self::Unknown => {
                format!("git restore nodes/{node}.yaml and `knarr ship`, or `knarr node remove {node}`")
            }
            Self::Removed(_) => "knarr node add, to take it in again".to_owned(),
            Self::Mix(_) | Self::Odd { .. } | Self::Other(_) | Self::NoSecret { .. } => {
                "knarr render".to_owned()
            }
            Self::Newer { knarr, .. } => format!("install knarrd {} here", knarr.version),
            Self::Own(_) => "journalctl -u knarrd".to_owned(),
            Self::Directory(error) => error.help(),
            Self::Stranger(error) => error.help(),
            Self::Folder(_) => "put /var/lib/knarr where its name is plain text".to_owned(),
            Self::Secrets(SecretsError::Key(..) | SecretsError::BadKey(_)) => {
                format!("knarr node refresh {node}")
            }
            Self::Secrets(SecretsError::Closed(_)) => {
                format!("knarr node refresh {node}, then `knarr render`")
            }
            Self::Secrets(SecretsError::Odd(_)) => "knarr render".to_owned(),
        })
    }
}

/// Where and when a commit is read.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Where its files are.
    pub repo: &'a Repo,
    /// Where this machine's own files are.
    pub paths: &'a Paths,
    /// The day by this machine's clock, in UTC: devices whose time is over are let in no more.
    pub today: Date,
}

/// Loads what the accepted `commit` says of this machine.
pub fn load(site: &Site<'_>, commit: &Oid, identity: &Identity) -> Result<Wanted, LoadError> {
    let Site { repo, paths, .. } = site;
    let reading = Reading { repo, commit };
    reading.whole(identity)?;
    let cluster = reading.newest::<ClusterState>("rendered/cluster.yaml")?;
    if let Some(cluster) = &cluster {
        reading.not_removed(cluster, identity, paths)?;
    }
    let path = format!("rendered/nodes/{}.yaml", identity.node);
    let state: NodeState = reading.newest(&path)?.ok_or(LoadError::Unknown)?;
    if state.node != identity.node {
        return Err(LoadError::Other(path));
    }
    let secrets = reading.secrets(identity, paths)?;
    all_there(&state.items, &secrets, identity)?;
    let directory = reading.directory(site.today)?;
    let mut items = match &directory {
        Some(directory) => state.lower(directory, &paths.kept("wireguard.key").to_string_lossy().parse()?)?,
        None if state.mesh.is_some() => return Err(reading.odd(MESH, "it is missing")),
        None => state.items,
    };
    let ssh = state.firewall.map(|firewall| firewall.ssh);
    let nodes = String::from_utf8_lossy(&repo.file(commit, NODES)?.unwrap_or_default()).into_owned();
    let own = Own::of(&state.knarr, paths)?;
    items.extend(own.item());
    Ok(Wanted { commit: commit.clone(), items, own, git: state.git, directory, ssh, nodes, secrets, cluster })
}

struct Reading<'a> {
    repo: &'a Repo,
    commit: &'a Oid,
}

impl Wanted {
    /// Wants the knarrd that can read a newer commit than this one.
    #[must_use]
    pub fn with_own(mut self, own: Own) -> Self {
        self.items.extend(own.item());
        self.own = own;
        self
    }
}

impl Reading<'_> {
    /// A commit that was loaded before was whole, and commits do not change.
    fn whole(&self, identity: &Identity) -> Result<(), LoadError> {
        if identity.applied.as_ref() == Some(self.commit) {
            return Ok(());
        }
        let Some(outputs) = self.yaml::<Outputs>(outputs::PATH)? else {
            return Err(LoadError::Mix(format!("{} is missing", outputs::PATH)));
        };
        let strays = outputs.strays(&self.repo.rendered(self.commit)?);
        if strays.is_empty() { Ok(()) } else { Err(LoadError::Mix(listing(&strays))) }
    }

    fn not_removed(
        &self,
        cluster: &ClusterState,
        identity: &Identity,
        paths: &Paths,
    ) -> Result<(), LoadError> {
        let key = secrets::identity(&paths.kept("age.key"))?.to_public().to_string();
        let removed = cluster.tombstones().any(|tomb| tomb.node == identity.node && tomb.keys.age == key);
        if removed { Err(LoadError::Removed(self.commit.short().to_owned())) } else { Ok(()) }
    }

    fn secrets(&self, identity: &Identity, paths: &Paths) -> Result<Secrets, LoadError> {
        let path = format!("rendered/nodes/{}.age", identity.node);
        let Some(sealed) = self.repo.file(self.commit, &path)? else { return Ok(Secrets::new()) };
        Ok(secrets::open(&path, &sealed, &secrets::identity(&paths.kept("age.key"))?)?)
    }

    fn directory(&self, today: Date) -> Result<Option<Directory>, LoadError> {
        let listing: Option<Listing> = self.yaml(MESH)?;
        let directory = listing.map(Directory::try_from).transpose()?;
        Ok(directory.map(|directory| directory.on(today)))
    }

    /// Reads the envelope first: what follows it may be of a format that this version does not know.
    fn newest<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LoadError> {
        let Some(Sealed { knarr }) = self.yaml(path)? else { return Ok(None) };
        if knarr.format > FORMAT {
            let commit = self.commit.short().to_owned();
            return Err(LoadError::Newer { commit, knarr: Box::new(knarr) });
        }
        self.yaml(path)
    }

    fn yaml<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LoadError> {
        let Some(bytes) = self.repo.file(self.commit, path)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|error| self.odd(path, &error.to_string()))?;
        serde_saphyr::from_str(&text).map(Some).map_err(|error| self.odd(path, &error.to_string()))
    }

    fn odd(&self, path: &str, why: &str) -> LoadError {
        let why = why.lines().next().unwrap_or_default().to_owned();
        LoadError::Odd { path: path.to_owned(), commit: self.commit.short().to_owned(), why }
    }
}

fn all_there(items: &[Item], secrets: &Secrets, identity: &Identity) -> Result<(), LoadError> {
    let missing = |item: &&Item| item.secret().is_some_and(|name| !secrets.contains_key(name));
    let Some((item, secret)) = items.iter().find(missing).and_then(|item| Some((item, item.secret()?)))
    else {
        return Ok(());
    };
    let (secret, node) = (secret.to_string(), identity.node.to_string());
    Err(LoadError::NoSecret { id: item.id(), secret, node })
}

/// Names the first three files, and how many more there are.
fn listing(strays: &[Stray]) -> String {
    let one = |stray: &Stray| match stray {
        Stray::Edited(path) => format!("{path} was changed"),
        Stray::Missing(path) => format!("{path} is missing"),
        Stray::Foreign(path) => format!("{path} is not in the list"),
    };
    let some: Vec<String> = strays.iter().take(3).map(one).collect();
    let more = strays.len().saturating_sub(3);
    if more == 0 { some.join(", ") } else { format!("{} and {more} more", some.join(", ")) }
}
