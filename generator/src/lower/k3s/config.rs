//! K3s's config.yaml, and the settings that count at its first start only.

use super::Machine;
use crate::emit::{Line, yaml};
use crate::k3s::keys::Reader;
use crate::lower::{DEVICE, own};
use crate::model::Model;
use crate::spec::Datastore;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Config = BTreeMap<&'static str, Value>;

/// Returns what K3s reads at every start. Source: K3s documentation, cli/server.md and cli/agent.md, v1.36.
pub(super) fn config(machine: Machine<'_>) -> String {
    let mut config: Config = own(machine);
    for (key, value) in &machine.k3s.config {
        if machine.is_server() || key.reader == Reader::Both {
            let value = serde_json::to_value(value).expect("a setting is JSON");
            let value = match (config.remove(key.name), value) {
                (Some(Value::Array(ours)), theirs) => joined(ours, theirs),
                (_, theirs) => theirs,
            };
            config.insert(key.name, value);
        }
    }
    written(&config)
}

/// Adds what people set to what Knarr sets.
fn joined(mut ours: Vec<Value>, theirs: Value) -> Value {
    if let Value::Array(all) = theirs {
        ours.extend(all);
    } else {
        ours.push(theirs);
    }
    Value::Array(ours)
}

fn own(machine: Machine<'_>) -> Config {
    let mut config = Config::from([
        ("node-name", json!(machine.name)),
        ("node-ip", json!(machine.node.mesh.addr())),
        ("flannel-iface", json!(DEVICE)),
        ("token-file", json!(own::K3S_TOKEN)),
    ]);
    if !machine.is_first() {
        let first = machine.turns.first().1;
        config.insert("server", json!(format!("https://{}:6443", first.mesh.addr())));
    }
    if machine.is_server() {
        config.extend(of_server(machine));
    }
    config
}

/// Returns the keys of servers: what must be equal on all is the same by construction.
fn of_server(machine: Machine<'_>) -> Config {
    let Model { cluster, directory, .. } = machine.model;
    let mut config = Config::from([
        ("agent-token-file", json!(own::K3S_AGENT_TOKEN)),
        ("cluster-cidr", json!(cluster.network.pods)),
        ("service-cidr", json!(cluster.network.services)),
        ("secrets-encryption", json!(cluster.birth.secrets_encryption)),
    ]);
    // Only its own: a server that comes or leaves restarts no other one.
    let own = [machine.node.mesh.addr().to_string(), directory.host(machine.name).to_string()];
    config.insert("tls-san", json!(own));
    if to_etcd(machine) {
        config.insert("cluster-init", json!(true));
    }
    config
}

/// Whether the one server of a cluster that was founded with SQLite is to go on with etcd: K3s moves the data once.
/// Source: K3s documentation, datastore/ha-embedded.md, v1.36.
fn to_etcd(machine: Machine<'_>) -> bool {
    let founded = machine.model.cluster.birth.founded.as_ref();
    let etcd = founded.is_some_and(|founded| founded.datastore == Datastore::Etcd);
    etcd && machine.is_first() && machine.turns.servers().len() == 1
}

/// Returns what counts at K3s's first start only, so that a change of it restarts nothing: labels and taints with which
/// a machine registers, and whether it founds a cluster with etcd.
pub(super) fn first(machine: Machine<'_>) -> String {
    let head = "# K3s heeds this at its first start only, and Knarr restarts nothing for it.\n";
    let mut config = Config::new();
    let labels = machine.node.labels.iter().filter(|(key, _)| key.is_for_kubelet());
    let labels: Vec<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
    let taints: Vec<String> = machine.node.taints.iter().map(ToString::to_string).collect();
    for (key, all) in [("node-label", labels), ("node-taint", taints)] {
        if !all.is_empty() {
            config.insert(key, json!(all));
        }
    }
    let founds = machine.is_first() && machine.model.cluster.birth.founded.is_none();
    if founds && machine.turns.servers().len() > 1 {
        config.insert("cluster-init", json!(true));
    }
    if config.is_empty() { head.to_owned() } else { format!("{head}{}", written(&config)) }
}

fn written(config: &Config) -> String {
    yaml::to_string(config, Line::Fits).expect("settings are YAML")
}
