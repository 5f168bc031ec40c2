//! YAML that every reader reads back exactly; the only place that writes it.
//!
//! What fits on a line stands on one line; no text is folded, and order is the type's own.

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_saphyr::{DoubleQuoted, FlowMap, FlowSeq};
use std::fmt;

/// The most bytes, as JSON, of what stands on one line.
const WIDTH: usize = 100;

/// The first line of what is rendered.
pub const HEAD: &str = "# Written by `knarr render`: do not edit.\n";

/// What stands on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// What is short enough.
    Fits,
    /// Each entry of the outermost map, however long: so that branches merge line by line.
    EachEntry,
    /// Each entry of the maps within the outermost one, however long.
    EachMachine,
}

/// A value that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// No value of the kinds that YAML and JSON share.
    #[error("the value is none that YAML can hold")]
    Json(#[from] serde_json::Error),
    /// The writer refused.
    #[error("the value cannot be written")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

/// Writes a value, with one line feed at the end.
pub fn to_string(value: &impl Serialize, line: Line) -> Result<String, YamlError> {
    let value: Value = serde_json::from_str(&serde_json::to_string(value)?)?;
    let (width, within) = match line {
        Line::Fits => (WIDTH, WIDTH),
        Line::EachEntry => (usize::MAX, usize::MAX),
        Line::EachMachine => (0, usize::MAX),
    };
    let options = serde_saphyr::ser_options! {
        prefer_block_scalars: true,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
        compact_list_indent: true
    };
    let text = serde_saphyr::to_string_with_options(&Top { value: &value, width, within }, options)?;
    Ok(text.trim_end_matches('\n').to_owned() + "\n")
}

/// Writes a rendered file: a value below a line that says who writes it.
pub fn file(value: &impl Serialize, line: Line) -> String {
    format!("{HEAD}{}", to_string(value, line).expect("what is rendered has text keys only"))
}

/// Any value, with the order of its keys.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Returns about how many bytes it takes on one line; none when it does not go on one.
    fn line(&self) -> Option<usize> {
        match self {
            Self::Null | Self::Bool(_) => Some(5),
            Self::Number(number) => Some(number.to_string().len()),
            Self::Text(text) => (!text.contains('\n')).then(|| text.len() + 2),
            Self::List(list) => {
                list.iter().map(|value| Some(value.line()? + 2)).sum::<Option<usize>>().map(|n| n + 2)
            }
            Self::Map(map) => {
                let entry = |(key, value): &(String, Self)| {
                    if is_asking(key) { None } else { Some(key.len() + value.line()? + 4) }
                };
                map.iter().map(entry).sum::<Option<usize>>().map(|n| n + 2)
            }
        }
    }
}

/// The outermost value: what is in its entries has a width of its own.
struct Top<'a> {
    value: &'a Value,
    width: usize,
    within: usize,
}

impl Serialize for Top<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, width, within } = *self;
        let Value::Map(entries) = value else { return Block { value, width }.serialize(serializer) };
        if width == within || entries.is_empty() {
            return Block { value, width }.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (key, value) in entries {
            match value {
                Value::Map(_) => map.serialize_entry(key, &Block { value, width: within })?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                    map.serialize_entry(key, &Inner { value, width: within })?;
                }
            }
        }
        map.end()
    }
}

/// A value with its entries on lines of their own.
struct Block<'a> {
    value: &'a Value,
    width: usize,
}

/// A value inside a block: on one line when it fits.
struct Inner<'a> {
    value: &'a Value,
    width: usize,
}

/// A value on one line.
struct Flow<'a>(&'a Value);

/// A text that stands alone behind its key or dash.
struct Text<'a>(&'a str);

/// A text inside a list or map on one line.
struct TextInside<'a>(&'a str);

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, width } = *self;
        if value.line().is_some_and(|line| line <= width) {
            Flow(value).serialize(serializer)
        } else {
            Block { value, width }.serialize(serializer)
        }
    }
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, width } = *self;
        match value {
            Value::List(list) if !list.is_empty() => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|value| seq.serialize_element(&Entry { value, width }))?;
                seq.end()
            }
            Value::Map(entries) if !entries.is_empty() => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries
                    .iter()
                    .try_for_each(|(key, value)| map.serialize_entry(key, &Inner { value, width }))?;
                map.end()
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => Flow(value).serialize(serializer),
        }
    }
}

/// An element of a list: a map with one key keeps that key in front, as `- file: {…}`.
struct Entry<'a> {
    value: &'a Value,
    width: usize,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, width } = *self;
        match value {
            Value::Map(entries) if entries.len() == 1 => Block { value, width }.serialize(serializer),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => Inner { value, width }.serialize(serializer),
        }
    }
}

impl Serialize for Flow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(text) => Text(text).serialize(serializer),
            Value::Null | Value::Bool(_) | Value::Number(_) => Plain(self.0).serialize(serializer),
            Value::List(_) => FlowSeq(Plain(self.0)).serialize(serializer),
            Value::Map(_) => FlowMap(Plain(self.0)).serialize(serializer),
        }
    }
}

/// A value inside one line: what is in a flow stays in it.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(value) => value.serialize(serializer),
            Value::Text(text) => TextInside(text).serialize(serializer),
            Value::List(list) => serializer.collect_seq(list.iter().map(Plain)),
            Value::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, Plain(value))))
            }
        }
    }
}

impl Serialize for Text<'_> {
    /// libyaml takes a tab at the beginning of a block for its indentation.
    /// Source: go.yaml.in/yaml v2.4.4, scannerc.go, yaml_parser_scan_block_scalar_breaks.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.trim_start_matches('\n').starts_with('\t') {
            return DoubleQuoted(self.0).serialize(serializer);
        }
        serializer.serialize_str(self.0)
    }
}

impl Serialize for TextInside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if is_asking(self.0) {
            return DoubleQuoted(self.0).serialize(serializer);
        }
        serializer.serialize_str(self.0)
    }
}

/// Whether a text needs quotes on one line, which the writer does not give keys: libyaml takes any question mark between
/// brackets for the sign of a key, also within a word such as an address.
/// Source: go.yaml.in/yaml v2.4.4, scannerc.go, yaml_parser_scan_plain_scalar.
fn is_asking(text: &str) -> bool {
    text.contains('?')
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests;
