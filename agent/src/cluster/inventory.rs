//! What the cluster's half made, kept in the cluster itself: only what is listed here may ever be deleted.

use super::api::{Api, ApiError, Run};
use super::documents::{KNARR, MANAGED_BY};
use super::key::Key;
use knarr_node::name::{NodeName, Oid, Taint};
use knarr_node::state::Keep;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// All that was made, and for which commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Inventory {
    /// The accepted commit that was followed last; an older one is never followed after it.
    pub(super) commit: Option<Oid>,
    /// Our objects, with what happens to each when it leaves the repository.
    pub(super) objects: BTreeMap<Key, Option<Keep>>,
    /// The taints that we gave to Nodes; others have set others.
    pub(super) taints: BTreeMap<NodeName, BTreeSet<Taint>>,
}

/// One line of the list.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<Keep>,
}

impl Inventory {
    /// Reads it; a cluster that we never touched has none.
    pub(super) async fn read(api: &Api) -> Result<Self, ApiError> {
        Ok(api.get(&key()).await?.map(|object| Self::of(&object)).unwrap_or_default())
    }

    /// Writes it, if it is another one than `before`.
    pub(super) async fn write(&self, api: &Api, before: &Self) -> Result<(), ApiError> {
        if self == before {
            return Ok(());
        }
        api.apply(&key(), &self.object(), Run::Real).await.map(drop)
    }

    /// Lists all objects of both, each with what is said last about its leaving.
    pub(super) fn with(&self, wanted: &BTreeMap<Key, Option<Keep>>) -> Self {
        let mut both = self.clone();
        both.objects.extend(wanted.iter().map(|(key, back)| (key.clone(), *back)));
        both
    }

    /// What we cannot read any more we do not delete.
    fn of(object: &Value) -> Self {
        let data = |name: &str| object["data"][name].as_str().unwrap_or_default();
        let lines = data("objects").lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        Self {
            commit: data("commit").parse().ok(),
            objects: lines.map(|line| (line.key, line.back)).collect(),
            taints: serde_json::from_str(data("taints")).unwrap_or_default(),
        }
    }

    fn object(&self) -> Value {
        let line = |(key, back): (&Key, &Option<Keep>)| {
            let line = Line { key: key.clone(), back: *back };
            serde_json::to_string(&line).expect("a line is plain data") + "\n"
        };
        let Key { api_version, kind, namespace, name } = key();
        json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: KNARR}},
            "data": {
                "commit": self.commit.as_ref().map(Oid::as_str).unwrap_or_default(),
                "objects": self.objects.iter().map(line).collect::<String>(),
                "taints": serde_json::to_string(&self.taints).expect("taints are plain data"),
            },
        })
    }
}

/// Whether a live object carries our mark: what somebody else took over is theirs.
pub(super) fn is_ours(live: &Value) -> bool {
    live["metadata"]["labels"][MANAGED_BY] == KNARR
}

fn key() -> Key {
    Key::new("v1", "ConfigMap", Some("kube-system"), "knarr-inventory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_survives_writing_and_reading() {
        let inventory = Inventory {
            commit: Some("1".repeat(40).parse().unwrap()),
            objects: [
                (Key::new("v1", "Namespace", None, "shop"), Some(Keep::Keep)),
                (Key::new("v1", "Secret", Some("shop"), "db"), None),
            ]
            .into(),
            taints: [("edge".parse().unwrap(), ["a=b:NoSchedule".parse().unwrap()].into())].into(),
        };
        assert_eq!(Inventory::of(&inventory.object()), inventory);
        assert_eq!(Inventory::of(&json!({"kind": "ConfigMap"})), Inventory::default());
    }

    #[test]
    fn what_is_wanted_now_says_how_it_leaves() {
        let key = Key::new("v1", "Namespace", None, "shop");
        let before = Inventory { objects: [(key.clone(), None)].into(), ..Inventory::default() };
        let with = before.with(&[(key.clone(), Some(Keep::Keep))].into());
        assert_eq!(with.objects[&key], Some(Keep::Keep));
    }
}
