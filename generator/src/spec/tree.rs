//! Any YAML as a tree whose keys and values know where they stand: what Kubernetes' objects are read into.

use super::At;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use std::fmt;

/// A value of a kind that YAML and JSON share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tree {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Flag(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<At<Tree>>),
    /// A map, in the order in which it is written.
    Map(Vec<(At<String>, At<Tree>)>),
}

impl Tree {
    /// Returns what stands behind a key of a map.
    pub fn get(&self, key: &str) -> Option<&At<Self>> {
        self.entries().iter().find(|(there, _)| there.value == key).map(|(_, value)| value)
    }

    /// Returns what stands behind keys of maps, one within the other.
    pub fn at(&self, keys: &[&str]) -> Option<&At<Self>> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.get(first)?, |there, key| there.get(key))
    }

    /// Returns the text behind such keys with its place; an empty one where there is none.
    pub fn word(&self, keys: &[&str]) -> At<String> {
        let text = |at: &At<Self>| Some(At { value: at.text()?.to_owned(), span: at.span.clone() });
        self.at(keys).and_then(text).unwrap_or_default()
    }

    /// Returns the entries of a map; none of anything else.
    pub fn entries(&self) -> &[(At<String>, At<Self>)] {
        match self {
            Self::Map(entries) => entries,
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// Returns the elements of a list; none of anything else.
    pub fn elements(&self) -> &[At<Self>] {
        match self {
            Self::List(elements) => elements,
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) | Self::Map(_) => &[],
        }
    }

    /// Returns a text; none of anything else.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Returns the same without places.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(elements) => elements.iter().map(|element| element.to_value()).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(key, value)| (key.value.clone(), value.to_value())).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{parse_objects, parse_trees};

    /// What a tree says of a text, and what is said without places.
    fn both(text: &str) -> [Result<Vec<serde_json::Value>, crate::finding::Finding>; 2] {
        let path = "apps/a/a.yaml".parse().unwrap();
        let trees = parse_trees(&path, text.as_bytes());
        let trees = trees.map(|trees| trees.iter().map(|tree| tree.to_value()).collect());
        [trees, parse_objects(&path, text.as_bytes())]
    }

    #[test]
    fn a_tree_says_what_the_text_says() {
        let texts = [
            "a: {b: [1, -2, 0644, 0x1f, 1.5, 1e3, yes, true, ~, null, '5', \"x\"], c: }\nd: |\n  e\n",
            "base: &base {x: 1, y: {z: 2}}\nother: {<<: *base, x: 3}\nlist: [*base, *base]\n",
            "1: one\ntrue: two\n~: three\n0x10: four\n",
            "--- # nothing\n---\na: 1\n---\n- [b]\n---\ntext\n",
            "{\"a\": [1.0, 1e400, 18446744073709551615, .inf], \"b\": 2026-01-01}",
            "a: !!str 5\nb: !thing c\nd: !!binary aGk=\n",
            "a: 1\na: 2\n",
            "a: [1\n",
            "",
        ];
        for text in texts {
            let [trees, values] = both(text);
            assert_eq!(trees, values, "{text}");
        }
        let comments = "a:\n".to_owned() + &"  # b\n".repeat(1000) + "  c: d\n";
        assert!(both(&comments).iter().all(Result::is_ok), "so many comments are fine");
        let deep = "[".repeat(3000) + &"]".repeat(3000);
        assert!(both(&deep).iter().all(Result::is_err));
    }

    #[test]
    fn keys_and_values_know_where_they_stand() {
        let text = "spec:\n  ports: [{port: 80}]\n  name: 'web'\n";
        let trees = parse_trees(&"apps/a/a.yaml".parse().unwrap(), text.as_bytes()).unwrap();
        let spec = trees[0].get("spec").unwrap();
        let says = |span: &Option<std::ops::Range<usize>>| &text[span.clone().unwrap()];
        let port = &spec.get("ports").unwrap().elements()[0].entries()[0];
        assert_eq!((says(&port.0.span), says(&port.1.span)), ("port", "80"));
        assert_eq!(says(&spec.get("name").unwrap().span), "'web'");
    }
}
