//! What changes in the cluster itself: objects of apps, and of what runs before them. Pure.

use crate::emit::{Output, Tree};
use crate::git::Side;
use crate::lower::APPS;
use crate::model::{Object, ObjectId};
use crate::spec::parse_objects;
use knarr_node::name::RepoPath;
use knarr_node::state::{ClusterItem, ClusterState};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is not an app's.
const CLUSTER: &str = "(cluster)";

/// All objects of a render, by app.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Objects(BTreeMap<String, BTreeMap<ObjectId, Value>>);

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
}

impl AppRow {
    /// Returns its objects in words: a new app by kinds alone.
    pub fn words(&self) -> String {
        let alone = self.objects.iter().all(|object| object.turn == self.turn) && self.app != CLUSTER;
        let word = |ObjectRow { turn, kind, name, .. }: &ObjectRow| {
            if alone { kind.clone() } else { format!("{} {kind} {name}", turn.sign()) }
        };
        let words: Vec<String> = self.objects.iter().map(word).collect();
        words.join(", ")
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
        for (path, bytes) in files {
            let Some(app) = owner(&path) else { continue };
            // What a render wrote can be read; what a person put there is a finding elsewhere.
            for object in parse_objects(&path, &bytes).unwrap_or_default() {
                let object = Object(object);
                all.0.entry(app.clone()).or_default().insert(object.id(), object.0);
            }
        }
        for (id, value) in state.into_iter().flat_map(|state| &state.items).filter_map(of_cluster) {
            all.0.entry(CLUSTER.to_owned()).or_default().insert(id, value);
        }
        all
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
    let apps: BTreeSet<&String> = old.0.keys().chain(new.0.keys()).collect();
    let none = BTreeMap::new();
    let row = |app: &String| {
        let (had, has) = (old.0.get(app), new.0.get(app));
        let objects = changed(had.unwrap_or(&none), has.unwrap_or(&none));
        let turn = turn(had, has)?;
        Some(AppRow { app: app.clone(), turn, objects })
    };
    apps.into_iter().filter_map(row).collect()
}

fn turn<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> Option<Turn> {
    match (old, new) {
        (None, Some(_)) => Some(Turn::New),
        (Some(_), None) => Some(Turn::Removed),
        (Some(old), Some(new)) if old != new => Some(Turn::Changed),
        (Some(_) | None, _) => None,
    }
}

fn changed(old: &BTreeMap<ObjectId, Value>, new: &BTreeMap<ObjectId, Value>) -> Vec<ObjectRow> {
    let ids: BTreeSet<&ObjectId> = old.keys().chain(new.keys()).collect();
    let row = |id: &ObjectId| {
        let turn = turn(old.get(id), new.get(id))?;
        let ObjectId { kind, namespace, name, .. } = id.clone();
        Some(ObjectRow { turn, kind, namespace, name })
    };
    ids.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(files: &[(&str, &str)]) -> Objects {
        Objects::of(files.iter().map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec())), None)
    }

    fn lines(old: &Objects, new: &Objects) -> Vec<String> {
        let line = |row: &AppRow| format!("{} {} {}", row.turn.sign(), row.app, row.words());
        between(old, new).iter().map(line).collect()
    }

    #[test]
    fn apps_come_change_and_go() {
        let shop = "{apiVersion: v1, kind: Service, metadata: {name: shop}}\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {replicas: 1}}\n";
        let (a, ns) = ("rendered/apps/shop/a.yaml", "rendered/bootstrap/namespaces.yaml");
        let space = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
        let one = objects(&[(a, shop), (ns, space), ("rendered/mesh.yaml", "x: 1")]);
        let two = objects(&[
            (a, &shop.replace("replicas: 1", "replicas: 2").replace("Service", "Ingress")),
            (ns, space),
        ]);
        let none = objects(&[]);
        assert_eq!(lines(&none, &one), ["+ (cluster) + Namespace shop", "+ shop Service, Deployment"]);
        assert_eq!(lines(&one, &two), ["~ shop + Ingress shop, - Service shop, ~ Deployment shop"]);
        assert_eq!(lines(&one, &none), ["- (cluster) - Namespace shop", "- shop Service, Deployment"]);
        assert!(between(&one, &one).is_empty());
    }
}
