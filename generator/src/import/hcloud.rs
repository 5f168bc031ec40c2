//! `hcloud server list -o json`: servers as Hetzner's API has them. Source: docs.hetzner.cloud, Servers, 2026-11.

use super::record::Record;
use ipnet::Ipv6Net;
use serde_json::Value;

/// Returns all servers, each with `public`, its address in the internet. A network of IPv6 addresses is given as such; the
/// server has its first one.
pub(super) fn records(list: &Value) -> Vec<Record> {
    let servers = list.as_array().or_else(|| list.get("servers")?.as_array());
    servers.into_iter().flatten().filter(|server| server.is_object()).map(record).collect()
}

fn record(server: &Value) -> Record {
    let mut record = Record::of(server);
    let network = record.get("public_net.ipv6.ip").and_then(|text| text.parse::<Ipv6Net>().ok());
    let first = network.and_then(|network| network.hosts().nth(1)).map(|first| first.to_string());
    if let Some(public) = record.get("public_net.ipv4.ip").map(str::to_owned).or(first) {
        record.put("public", &public);
    }
    record
}
