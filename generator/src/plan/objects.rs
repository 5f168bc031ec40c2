//! What changes in the cluster itself: objects of apps, and of what runs before them. Pure.

use super::loss::{self, Left};
use crate::git::Side;
use crate::lower::APPS;
use crate::model::{Object, ObjectId};
use crate::spec::parse_objects;
use knarr_node::name::RepoPath;
use knarr_node::state::{ClusterItem, ClusterState, Manifest};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is not an app's.
const CLUSTER: &str = "(cluster)";

/// Where Argo CD is told of the apps.
const APPLICATIONS: &str = "rendered/argocd/applications.yaml";

/// What the cluster itself is to be by a render. Most of two renders is the same, so its files are read where they differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    files: Arc<Side>,
    state: Option<ClusterState>,
}

/// The objects of some apps.
#[derive(Default)]
struct Read {
    /// They themselves, by app.
    all: BTreeMap<String, BTreeMap<ObjectId, Value>>,
    /// What Argo CD is told of each app.
    applications: BTreeMap<String, Value>,
    /// Those without an app that stay when they leave the repository.
    kept: BTreeSet<ObjectId>,
}

/// What becomes of an app or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// It comes.
    New,
    /// It is another.
    Changed,
    /// It leaves the repository.
    Removed,
}

impl Turn {
    /// Returns the sign in front of it.
    pub fn sign(self) -> char {
        match self {
            Self::New => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }
}

/// One app's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppRow {
    /// The app, or `(cluster)`.
    pub app: String,
    /// What becomes of it.
    pub turn: Turn,
    /// Its objects that change.
    pub objects: Vec<ObjectRow>,
}

/// One object's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectRow {
    /// What becomes of it.
    pub turn: Turn,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty when it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What becomes of it in the cluster, when it leaves the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// What is lost with it for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destroys: Option<&'static str>,
}

impl AppRow {
    /// Returns its objects in words: by kinds alone when the same becomes of all.
    pub fn words(&self) -> String {
        let alone = self.is_alone();
        let word = |object: &ObjectRow| if alone { object.kind.clone() } else { object.words() };
        let words: Vec<String> = self.objects.iter().map(word).collect();
        let goes_on = alone && self.turn == Turn::Removed;
        words.join(", ") + if goes_on { ": all that runs goes on" } else { "" }
    }

    /// Returns the same in lines, each with what is lost.
    pub(super) fn lines(&self) -> Vec<(String, String)> {
        if self.is_alone() && self.turn != Turn::Changed {
            return vec![(self.words(), String::new())];
        }
        let line = |object: &ObjectRow| {
            let lost = object.destroys.map(|_| "destroys data".to_owned()).unwrap_or_default();
            (object.words(), lost)
        };
        self.objects.iter().map(line).collect()
    }

    /// Whether all of it comes, changes, or runs on without the repository: then kinds alone tell it.
    fn is_alone(&self) -> bool {
        let runs_on = self.objects.iter().all(|object| object.left == Some(Left::Stays));
        self.objects.iter().all(|object| object.turn == self.turn)
            && self.app != CLUSTER
            && (self.turn != Turn::Removed || runs_on)
    }

    /// Returns a sentence for each object with which something is lost for good.
    pub fn destroys(&self) -> Vec<String> {
        let lost = self.objects.iter().filter_map(|object| Some((object, object.destroys?)));
        lost.map(|(object, what)| format!("{}: {} {}", self.app, object.place(), what)).collect()
    }
}

impl ObjectRow {
    /// Returns its kind and its name.
    pub fn place(&self) -> String {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
    }

    fn words(&self) -> String {
        let left = match self.left {
            Some(Left::Stays) => " (stays there)",
            Some(Left::Waits) => " (stays until somebody has Argo CD sync)",
            Some(Left::Deleted) | None => "",
        };
        format!("{} {} {}{left}", self.turn.sign(), self.kind, self.name)
    }
}

impl Objects {
    /// Returns those of a render with these files, by which the cluster is to be `state`.
    pub(super) fn new(files: Arc<Side>, state: Option<ClusterState>) -> Self {
        Self { files, state }
    }

    /// Returns the files of each app.
    fn by_app(&self) -> BTreeMap<&str, Vec<(&RepoPath, &[u8])>> {
        let mut apps: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (path, bytes) in &*self.files {
            if let Some(app) = owner(path) {
                apps.entry(app).or_default().push((path, bytes.as_slice()));
            }
        }
        apps
    }

    /// Reads the objects of these apps.
    fn read(&self, apps: &BTreeSet<&str>) -> Read {
        let mut read = Read::default();
        let items = || self.state.iter().flat_map(|state| &state.items);
        let kept: BTreeSet<String> = items().filter_map(kept).collect();
        for (app, files) in self.by_app().into_iter().filter(|(app, _)| apps.contains(app)) {
            for (path, bytes) in files {
                for (id, value) in objects(path, bytes) {
                    read.kept.extend(kept.contains(path.as_str()).then(|| id.clone()));
                    read.all.entry(app.to_owned()).or_default().insert(id, value);
                }
            }
        }
        for (id, value) in items().filter_map(of_cluster) {
            read.kept.extend(kept.contains(&id.name).then(|| id.clone()));
            read.all.entry(CLUSTER.to_owned()).or_default().insert(id, value);
        }
        let told = self.files.get_key_value(APPLICATIONS).into_iter();
        read.applications =
            told.flat_map(|(path, bytes)| objects(path, bytes)).map(|(id, value)| (id.name, value)).collect();
        read
    }
}

/// Reads the objects of a file. What a render wrote can be read; what a person put there is a finding elsewhere.
fn objects(path: &RepoPath, bytes: &[u8]) -> impl Iterator<Item = (ObjectId, Value)> {
    let values = parse_objects(path, bytes).unwrap_or_default();
    values.into_iter().map(Object).map(|object| (object.id(), object.0))
}

/// Returns the manifest whose objects stay when they leave the repository: its file, or its artifact.
fn kept(item: &ClusterItem) -> Option<String> {
    let ClusterItem::Objects(objects) = item else { return None };
    objects.back?;
    match &objects.manifest {
        Manifest::File(path) => Some(format!("rendered/{path}")),
        Manifest::Artifact(name) => Some(name.to_string()),
        Manifest::Secret(_) => None,
    }
}

/// Returns whose objects a rendered file holds.
fn owner(path: &RepoPath) -> Option<&str> {
    let path = path.as_str();
    let app = path.strip_prefix(APPS).and_then(|rest| rest.split_once('/')).map(|(app, _)| app);
    app.or_else(|| path.starts_with("rendered/bootstrap/").then_some(CLUSTER))
}

/// Returns what the cluster's State says itself: labels and taints, and manifests known by digest.
fn of_cluster(item: &ClusterItem) -> Option<(ObjectId, Value)> {
    let id = |kind: &str, name: String| ObjectId {
        group: String::new(),
        kind: kind.to_owned(),
        namespace: String::new(),
        name,
    };
    match item {
        ClusterItem::Artifact(artifact) => {
            Some((id("manifest", artifact.name.to_string()), artifact.sha256.as_str().into()))
        }
        ClusterItem::NodeMeta(meta) if meta.labels.is_empty() && meta.taints.is_empty() => None,
        ClusterItem::NodeMeta(meta) => {
            let value = serde_json::to_value(meta).expect("labels and taints are JSON");
            Some((id("labels of Node", meta.node.to_string()), value))
        }
        ClusterItem::Objects(_) | ClusterItem::Tombstone(_) => None,
    }
}

/// Compares the objects of two renders.
pub(super) fn between(old: &Objects, new: &Objects) -> Vec<AppRow> {
    let (had, has) = (old.by_app(), new.by_app());
    let apps: BTreeSet<&str> = had.keys().chain(has.keys()).copied().collect();
    let mut differ: BTreeSet<&str> = apps.into_iter().filter(|app| had.get(app) != has.get(app)).collect();
    if old.state != new.state {
        differ.insert(CLUSTER);
    }
    if differ.is_empty() && old.files.get(APPLICATIONS) == new.files.get(APPLICATIONS) {
        return Vec::new();
    }
    rows(&old.read(&differ), &new.read(&differ))
}

fn rows(old: &Read, new: &Read) -> Vec<AppRow> {
    let told = old.applications.keys().chain(new.applications.keys());
    let apps: BTreeSet<&String> = old.all.keys().chain(new.all.keys()).chain(told).collect();
    let row = |app: &String| {
        let objects = changed(app, old, new);
        let turn = turn(old.all.get(app), new.all.get(app));
        let turn = turn.or((!objects.is_empty()).then_some(Turn::Changed))?;
        Some(AppRow { app: app.clone(), turn, objects })
    };
    apps.into_iter().filter_map(row).collect()
}

/// Says what becomes of something.
pub(super) fn turn<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> Option<Turn> {
    match (old, new) {
        (None, Some(_)) => Some(Turn::New),
        (Some(_), None) => Some(Turn::Removed),
        (Some(old), Some(new)) if old != new => Some(Turn::Changed),
        (Some(_) | None, _) => None,
    }
}

fn changed(app: &String, old: &Read, new: &Read) -> Vec<ObjectRow> {
    let none = BTreeMap::new();
    let (had, has) = (old.all.get(app).unwrap_or(&none), new.all.get(app).unwrap_or(&none));
    let ids: BTreeSet<&ObjectId> = had.keys().chain(has.keys()).collect();
    let told = new.applications.get(app);
    let row = |id: &ObjectId| {
        let (before, after) = (had.get(id), has.get(id));
        let turn = turn(before, after)?;
        let left = before.filter(|_| turn == Turn::Removed).map(|before| {
            if app == CLUSTER { loss::of_ours(old.kept.contains(id)) } else { loss::of_an_app(before, told) }
        });
        let destroys = before.and_then(|before| match after {
            None if left == Some(Left::Deleted) => loss::with(id, before),
            None => None,
            Some(after) => loss::by_change(id, before, after, told),
        });
        Some(ObjectRow::of(id, turn, left, destroys))
    };
    let mut rows: Vec<ObjectRow> = ids.into_iter().filter_map(row).collect();
    // Another word to Argo CD; that it hears of the app at all, or no more, the app's own line says.
    if let (Some(before), Some(after)) = (old.applications.get(app), told)
        && before != after
    {
        rows.push(ObjectRow::of(&Object(after.clone()).id(), Turn::Changed, None, None));
    }
    rows
}

impl ObjectRow {
    fn of(id: &ObjectId, turn: Turn, left: Option<Left>, destroys: Option<&'static str>) -> Self {
        let ObjectId { kind, namespace, name, .. } = id.clone();
        Self { turn, kind, namespace, name, left, destroys }
    }
}

#[cfg(test)]
mod tests;
