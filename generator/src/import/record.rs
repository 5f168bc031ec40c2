//! One machine as another tool lists it: its fields by their paths, e.g. `public_net.ipv4.ip`.

use serde_json::Value;
use std::collections::BTreeMap;

/// How deep fields are looked for.
pub(super) const DEEPEST: usize = 8;

/// The fields of one machine: texts, numbers and truths, by their paths in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub BTreeMap<String, String>);

impl Record {
    /// Returns the fields of a JSON value; a list counts from 0. What is empty is left out.
    pub fn of(value: &Value) -> Self {
        let mut record = Self::default();
        record.add("", value, DEEPEST);
        record
    }

    /// Returns a field that says something.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Adds a field, unless it says nothing.
    pub fn put(&mut self, path: &str, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.0.insert(path.to_owned(), text.to_owned());
        }
    }

    fn add(&mut self, path: &str, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| self.add(&below(key), value, depth)),
            Value::Array(list) => {
                list.iter()
                    .enumerate()
                    .for_each(|(at, value)| self.add(&below(&at.to_string()), value, depth));
            }
            Value::String(text) => self.put(path, text),
            Value::Number(number) => self.put(path, &number.to_string()),
            Value::Bool(truth) => self.put(path, &truth.to_string()),
            Value::Null => {}
        }
    }
}
