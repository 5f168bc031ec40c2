//! How people get to machines, for the system's ssh: rendered/access/ssh_config, and the host keys that count.

use crate::emit::yaml::HEAD;
use crate::model::Model;
use crate::route::{Place, Route, routes};
use std::collections::BTreeMap;

/// Whose host key is whose. knarrd reads it too, as allowed_signers: machines sign their reports with these keys.
pub const KNOWN_HOSTS: &str = "rendered/access/known_hosts";
/// Where sshd of each machine is.
pub const SSH_CONFIG: &str = "rendered/access/ssh_config";

/// Returns a line for each machine, which known_hosts and allowed_signers read alike: names, type, key.
/// Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; ssh-keygen(1), ALLOWED SIGNERS.
pub(super) fn known_hosts(model: &Model) -> String {
    let line = |(name, node): (_, &crate::model::Node)| {
        format!("{name},{} {}\n", full_name(model, name), node.keys.ssh)
    };
    let lines: String = model.there().map(line).collect();
    format!("{HEAD}{lines}")
}

/// Returns a block for each machine. The full name stands for the key, so that several clusters may have an `edge`.
/// Paths are left out: the file is the same in every clone.
pub(super) fn config(model: &Model) -> String {
    let places: BTreeMap<String, Place> =
        model.there().map(|(name, node)| (name.to_string(), Place::of(node))).collect();
    let blocks: String = routes(&places).into_iter().map(|(name, route)| block(model, name, route)).collect();
    head(model) + &blocks
}

fn head(model: &Model) -> String {
    let cluster = &model.cluster.name;
    format!(
        "# Written by `knarr render`: do not edit. `knarr ssh NAME` needs nothing else.\n\
         # Plain ssh, scp and rsync know the machines with these lines at the top of ~/.ssh/config, where ~/{cluster} is a clone:\n\
         #   Include ~/{cluster}/{SSH_CONFIG}\n\
         #   UserKnownHostsFile ~/.ssh/known_hosts ~/{cluster}/{KNOWN_HOSTS}\n"
    )
}

fn block(model: &Model, name: &str, route: Option<Route>) -> String {
    let full = full_name(model, name);
    let Some(Route { host, user, port, jump }) = route else {
        return format!("# {name}: nothing in the repository leads to it\n");
    };
    let lines = [
        Some(format!("HostName {}", host.replace('%', "%%"))),
        user.map(|user| format!("User {user}")),
        port.map(|port| format!("Port {port}")),
        jump.map(|jump| format!("ProxyJump {}", full_name(model, &jump))),
        Some(format!("HostKeyAlias {full}")),
        Some("StrictHostKeyChecking yes".to_owned()),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    format!("Host {name} {full}\n  {}\n", lines.join("\n  "))
}

fn full_name(model: &Model, name: impl std::fmt::Display) -> String {
    format!("{name}.mesh.{}", model.cluster.domain())
}
