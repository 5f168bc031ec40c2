//! Kubernetes' Nodes: labels and taints of machines, and the end of those that were removed.

use super::Trouble;
use super::api::{Api, ApiError, Run};
use super::documents::same;
use super::inventory::Inventory;
use super::key::Key;
use knarr_node::name::{NodeName, Taint};
use knarr_node::state::NodeMeta;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Who sets labels: apart from objects, so that what leaves the repository goes and what others set stays.
const MANAGER: &str = "knarr-node";

/// Gives a machine's Node its labels and taints.
pub(super) async fn mark(
    api: &Api,
    meta: &NodeMeta,
    inventory: &mut Inventory,
) -> Result<Option<Trouble>, ApiError> {
    let key = node(&meta.node);
    let Some(live) = api.get(&key).await? else {
        let nothing = meta.labels.is_empty() && meta.taints.is_empty();
        let waits = || Trouble::Waits(format!("node {} is not in Kubernetes yet", meta.node));
        return Ok((!nothing).then(waits));
    };
    label(api, &key, meta, &live).await?;
    taint(api, &key, meta, &live, inventory).await?;
    Ok(None)
}

async fn label(api: &Api, key: &Key, meta: &NodeMeta, live: &Value) -> Result<(), ApiError> {
    // The uid keeps apply from making a Node that was deleted just now.
    let metadata = json!({"name": key.name, "uid": live["metadata"]["uid"], "labels": meta.labels});
    let object = json!({"apiVersion": key.api_version, "kind": key.kind, "metadata": metadata});
    let dry = api.apply_as(MANAGER, key, &object, Run::Dry).await?;
    if !same(live, &dry, MANAGER) {
        api.apply_as(MANAGER, key, &object, Run::Real).await?;
        tracing::info!("changed labels of {key}");
    }
    Ok(())
}

/// The list of taints is one field, so it is read, changed and written back as long as nobody else wrote meanwhile.
/// Source: k8s.io/api v0.36, core/v1 NodeSpec: `taints` is `+listType=atomic`.
async fn taint(
    api: &Api,
    key: &Key,
    meta: &NodeMeta,
    live: &Value,
    inventory: &mut Inventory,
) -> Result<(), ApiError> {
    let ours = inventory.taints.get(&meta.node).cloned().unwrap_or_default();
    let there = live["spec"]["taints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = taints(there, &ours, &meta.taints);
    if wanted != there {
        let before = inventory.clone();
        let both = ours.union(&meta.taints).cloned().collect();
        inventory.taints.insert(meta.node.clone(), both);
        inventory.write(api, &before).await?;
        // Labels may have been written since it was seen, so it is seen again.
        let now = api.get(key).await?.unwrap_or_default();
        let wanted = taints(now["spec"]["taints"].as_array().map_or(&[], Vec::as_slice), &ours, &meta.taints);
        let version = now["metadata"]["resourceVersion"].clone();
        api.merge(key, &json!({"metadata": {"resourceVersion": version}, "spec": {"taints": wanted}}))
            .await?;
        tracing::info!("changed taints of {key}");
    }
    inventory.taints.insert(meta.node.clone(), meta.taints.clone());
    inventory.taints.retain(|_, taints| !taints.is_empty());
    Ok(())
}

/// Returns the list without what was ours and is wanted no more, and with what is wanted.
fn taints(there: &[Value], ours: &BTreeSet<Taint>, wanted: &BTreeSet<Taint>) -> Vec<Value> {
    let goes = |taint: &Value| ours.iter().any(|ours| is(taint, ours) && !wanted.contains(ours));
    let is_replaced =
        |taint: &Value| wanted.iter().any(|wanted| is_place(taint, wanted) && !is(taint, wanted));
    let mut list: Vec<Value> =
        there.iter().filter(|taint| !goes(taint) && !is_replaced(taint)).cloned().collect();
    for taint in wanted {
        if !list.iter().any(|there| is(there, taint)) {
            list.push(object(taint));
        }
    }
    list
}

fn is_place(taint: &Value, known: &Taint) -> bool {
    taint["key"] == known.key.as_str() && taint["effect"] == known.effect.as_str()
}

fn is(taint: &Value, known: &Taint) -> bool {
    let value = known.value.as_ref().map_or("", |value| value.as_str());
    is_place(taint, known) && taint["value"].as_str().unwrap_or_default() == value
}

fn object(taint: &Taint) -> Value {
    let mut object = json!({"key": taint.key, "effect": taint.effect.as_str()});
    if let Some(value) = &taint.value {
        object["value"] = json!(value);
    }
    object
}

/// Takes a removed machine's Node away, and the password that kept its name for it. With the Node of a server goes its
/// member of etcd. Source: K3s, pkg/etcd/member_controller.go and docs/cli/agent.md.
pub(super) async fn bury(api: &Api, name: &NodeName) -> Result<(), ApiError> {
    let password = format!("{name}.node-password.k3s");
    for key in [node(name), Key::new("v1", "Secret", Some("kube-system"), &password)] {
        if let Some(live) = api.get(&key).await? {
            api.delete(&key, &live).await?;
            tracing::info!("deleted {key}");
        }
    }
    Ok(())
}

fn node(name: &NodeName) -> Key {
    Key::new("v1", "Node", None, name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice::from_ref;

    fn set(texts: &[&str]) -> BTreeSet<Taint> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_left_the_repository_goes_and_what_others_set_stays() {
        let others =
            json!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "x"});
        let ours = object(&"dedicated=db:NoSchedule".parse().unwrap());
        let there = [others.clone(), ours.clone()];
        let db = set(&["dedicated=db:NoSchedule"]);
        assert_eq!(taints(&there, &db, &db), there, "nothing to do");
        assert_eq!(taints(&there, &db, &set(&[])), from_ref(&others));
        assert_eq!(taints(&there, &set(&[]), &set(&[])), there, "another one set it");
        assert_eq!(taints(from_ref(&others), &set(&[]), &db), [others, ours]);
    }

    #[test]
    fn another_value_takes_the_place_of_the_first() {
        let there = [object(&"dedicated=db:NoSchedule".parse().unwrap())];
        let wanted = set(&["dedicated=web:NoSchedule", "dedicated:NoExecute"]);
        let both: Vec<Value> = wanted.iter().map(object).collect();
        assert_eq!(taints(&there, &set(&[]), &wanted), both);
    }
}
