//! `openstack server list -f json`: the networks as a map of lists, as a list of addresses, or as one text.
//! Source: python-openstackclient, AddressesColumn; older clients wrote `net=10.0.0.5, 1.2.3.4; net2=…`. Which address is a floating one
//! is not said: one of the internet's counts as such.

use super::record::Record;
use crate::probe::is_public;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// The key of the networks, by version of the client.
const NETWORKS: [&str; 4] = ["Networks", "networks", "Addresses", "addresses"];

/// Whether this is a server: lists of others may have networks, too.
pub(super) fn is_server(object: &Map<String, Value>) -> bool {
    let has = |key: &&str| object.contains_key(*key);
    NETWORKS.iter().any(has) && ["Status", "status"].iter().any(has)
}

/// Returns each server with `public` and `private`, its first addresses of either kind, IPv4 before IPv6.
pub(super) fn records(list: &Value) -> Vec<Record> {
    list.as_array().into_iter().flatten().filter(|server| server.is_object()).map(record).collect()
}

fn record(server: &Value) -> Record {
    let mut record = Record::of(server);
    let networks = NETWORKS.iter().find_map(|key| server.get(*key));
    let mut found = networks.map(addresses).unwrap_or_default();
    found.sort_by_key(IpAddr::is_ipv6);
    for (field, public) in [("public", true), ("private", false)] {
        if let Some(ip) = found.iter().find(|ip| is_public(**ip) == public) {
            record.put(field, &ip.to_string());
        }
    }
    record
}

/// Returns all addresses, in whichever shape they are written.
fn addresses(value: &Value) -> Vec<IpAddr> {
    match value {
        Value::String(text) => {
            text.split([';', ',', '=', ' ']).filter_map(|word| word.trim().parse().ok()).collect()
        }
        Value::Array(list) => list.iter().flat_map(addresses).collect(),
        Value::Object(map) => match map.get("addr") {
            Some(address) => addresses(address),
            None => map.values().flat_map(addresses).collect(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
