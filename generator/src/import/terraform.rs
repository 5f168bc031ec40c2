//! `terraform output -json`: any list or map of objects in the outputs that has addresses.
//! Source: developer.hashicorp.com/terraform/cli/commands/output, 2026-11. Sensitive outputs are passed over.

use super::mapping::{has_address, is_machine, is_named};
use super::record::{DEEPEST, Record};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// The field that holds the key of a map, which is mostly the machine's name.
pub(super) const KEY: &str = "key";

/// Returns the machines of all outputs.
pub(super) fn records(outputs: &Value) -> Vec<Record> {
    let values: Vec<&Value> = match outputs.as_object() {
        Some(map) if !map.is_empty() && map.values().all(is_output) => {
            let open = map.values().filter(|output| output["sensitive"] != Value::Bool(true));
            open.map(|output| &output["value"]).collect()
        }
        Some(_) | None => vec![outputs],
    };
    let mut records = Vec::new();
    for value in &values {
        find(value, DEEPEST, &mut records);
    }
    if records.is_empty() {
        for value in &values {
            nameless(value, DEEPEST, &mut records);
        }
    }
    records
}

fn is_output(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        map.contains_key("value") && (map.contains_key("type") || map.contains_key("sensitive"))
    })
}

/// Takes lists of objects that have addresses and no name that is known: people say which field it is.
fn nameless(value: &Value, depth: usize, records: &mut Vec<Record>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(list) => {
            let found: Vec<Record> = list.iter().filter(|value| value.is_object()).map(Record::of).collect();
            if found.iter().any(has_address) {
                records.extend(found);
            }
        }
        Value::Object(map) => map.values().for_each(|value| nameless(value, depth, records)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes a list or map of machines as a whole, else looks into it; an address deep in an object counts when nothing
/// below is a machine.
fn find(value: &Value, depth: usize, records: &mut Vec<Record>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let found = match value {
        Value::Array(list) if list.iter().all(Value::is_object) => list.iter().map(Record::of).collect(),
        Value::Object(map) if map.contains_key("name") => vec![Record::of(value)],
        Value::Object(map) if map.values().all(Value::is_object) || map.values().all(is_ip) => keyed(map),
        Value::Array(_)
        | Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => Vec::new(),
    };
    if found.iter().any(is_machine) {
        records.extend(found);
        return;
    }
    let before = records.len();
    match value {
        Value::Array(list) => list.iter().for_each(|value| find(value, depth, records)),
        // A machine's interfaces have names and addresses, and are none.
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !key.contains("interface"))
            .for_each(|(_, value)| find(value, depth, records)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if records.len() == before && found.iter().any(|record| is_named(record) && has_address(record)) {
        records.extend(found);
    }
}

fn is_ip(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok())
}

/// Returns the objects of a map, each with its key; a map of names to addresses has an `address` each.
fn keyed(map: &Map<String, Value>) -> Vec<Record> {
    let one = |(key, value): (&String, &Value)| {
        let mut record = match value.as_str() {
            Some(address) => Record::of(&serde_json::json!({ "address": address })),
            None => Record::of(value),
        };
        if record.get(KEY).is_none() {
            record.put(KEY, key);
        }
        record
    };
    map.iter().map(one).collect()
}
