//! What changes in the cluster itself: objects of apps, and of what runs before them. Pure.

use super::loss::{self, Left};
use crate::emit::{Output, Tree};
use crate::git::Side;
use crate::lower::APPS;
use crate::model::{Object, ObjectId};
use crate::spec::parse_objects;
use knarr_node::name::RepoPath;
use knarr_node::state::{ClusterItem, ClusterState, Manifest};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is not an app's.
const CLUSTER: &str = "(cluster)";

/// Where Argo CD is told of the apps.
const APPLICATIONS: &str = "rendered/argocd/applications.yaml";

/// All objects of a render.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Objects {
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
    /// Returns those of a render that is about to be written.
    pub(super) fn of_tree(tree: &Tree, state: Option<&ClusterState>) -> Self {
        let text = |output: &Output| match output {
            Output::Text(text) => Some(text.as_bytes().to_vec()),
            Output::Sealed(_) => None,
        };
        let files = tree.0.iter().filter_map(|(path, output)| Some((path.clone(), text(output)?)));
        Self::of(files, state)
    }

    /// Returns those of a commit.
    pub(super) fn of_files(files: &Side, state: Option<&ClusterState>) -> Self {
        Self::of(files.iter().map(|(path, bytes)| (path.clone(), bytes.clone())), state)
    }

    fn of(files: impl Iterator<Item = (RepoPath, Vec<u8>)>, state: Option<&ClusterState>) -> Self {
        let mut all = Self::default();
        let items = || state.into_iter().flat_map(|state| &state.items);
        let kept: BTreeSet<String> = items().filter_map(kept).collect();
        for (path, bytes) in files {
            let (owner, is_told) = (owner(&path), path.as_str() == APPLICATIONS);
            if owner.is_none() && !is_told {
                continue;
            }
            // What a render wrote can be read; what a person put there is a finding elsewhere.
            for object in parse_objects(&path, &bytes).unwrap_or_default() {
                let object = Object(object);
                let id = object.id();
                if let Some(app) = &owner {
                    all.kept.extend(kept.contains(path.as_str()).then(|| id.clone()));
                    all.all.entry(app.clone()).or_default().insert(id, object.0);
                } else {
                    all.applications.insert(id.name, object.0);
                }
            }
        }
        for (id, value) in items().filter_map(of_cluster) {
            all.kept.extend(kept.contains(&id.name).then(|| id.clone()));
            all.all.entry(CLUSTER.to_owned()).or_default().insert(id, value);
        }
        all
    }
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
fn owner(path: &RepoPath) -> Option<String> {
    let path = path.as_str();
    let app = path.strip_prefix(APPS).and_then(|rest| rest.split_once('/')).map(|(app, _)| app.to_owned());
    app.or_else(|| path.starts_with("rendered/bootstrap/").then(|| CLUSTER.to_owned()))
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

fn changed(app: &String, old: &Objects, new: &Objects) -> Vec<ObjectRow> {
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
