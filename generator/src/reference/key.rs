//! The keys of the files that people write, read from the JSON Schemas of their types.

use crate::emit::yaml::{self, Line};
use crate::template;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A kind of file that people write.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its path in a repository, e.g. `nodes/<name>.yaml`.
    pub path: &'static str,
    /// What one of it is called, e.g. `node`.
    pub kind: &'static str,
    /// What it is for.
    pub meaning: String,
    /// Its keys, those of a section after the section.
    pub keys: Vec<Key>,
}

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// Where it stands, e.g. `network.mesh`; `<key>` is a name that people choose.
    pub key: String,
    /// What it takes, e.g. `a list of texts`.
    pub takes: String,
    /// Whether it must be there.
    pub required: bool,
    /// What counts when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it means.
    pub meaning: String,
    /// The words that it takes, when only some are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// How it looks in its file.
    pub example: String,
    /// Whether any name may stand below it.
    #[serde(skip)]
    pub open: bool,
}

/// A word that a key takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// The word.
    pub word: String,
    /// What it means.
    pub meaning: String,
}

/// Returns all kinds of files; their schemas are read once.
pub fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let kinds = template::kinds().into_iter();
        kinds.map(|(kind, path, schema)| file(kind, path, schema.as_value())).collect()
    });
    &FILES
}

fn file(kind: &'static str, path: &'static str, root: &Value) -> File {
    let mut reader = Reader { root, keys: Vec::new() };
    reader.below(root, root, &Way::default());
    File { path, kind, meaning: text(root), keys: reader.keys }
}

/// The names that lead to a key: as they are called, and as the example has them.
#[derive(Clone, Debug, Default)]
struct Way {
    called: Vec<String>,
    shown: Vec<String>,
}

impl Way {
    fn to(&self, called: &str, shown: &str) -> Self {
        let mut way = self.clone();
        way.called.push(called.to_owned());
        way.shown.push(shown.to_owned());
        way
    }

    fn example(&self, value: Value) -> String {
        let value = self.shown.iter().rev().fold(value, |inner, name| json!({ name: inner }));
        yaml::to_string(&value, Line::Fits).expect("JSON is YAML")
    }
}

struct Reader<'a> {
    root: &'a Value,
    keys: Vec<Key>,
}

impl<'a> Reader<'a> {
    /// Adds the keys that may stand in a value of this schema. Its example names those that people choose.
    fn below(&mut self, schema: &'a Value, told: &Value, way: &Way) {
        let inner = self.inner(schema);
        let required =
            |name: &str| inner["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
        for (name, schema) in inner["properties"].as_object().into_iter().flatten() {
            self.key(schema, required(name), &way.to(name, name));
        }
        let values = &inner["additionalProperties"];
        if self.is_section(values) {
            let name = told["examples"][0].as_object().and_then(|map| map.keys().next());
            let name = name.expect("a map of maps has an example");
            self.key(values, false, &way.to("<key>", name));
        }
    }

    fn key(&mut self, schema: &'a Value, required: bool, way: &Way) {
        let inner = self.inner(schema);
        let meanings = [text(schema), if self.is_section(schema) { text(inner) } else { String::new() }];
        let [meaning, more] = meanings;
        let meaning = if more.is_empty() || more == meaning { meaning } else { format!("{meaning} {more}") };
        let values = &inner["additionalProperties"];
        self.keys.push(Key {
            key: way.called.join("."),
            takes: self.takes(schema),
            required,
            default: schema.get("default").cloned(),
            meaning: meaning.trim().to_owned(),
            words: self.words(schema),
            example: way.example(self.example(schema)),
            open: values.is_object() && !self.is_section(values),
        });
        self.below(schema, schema, way);
    }

    /// Returns what a schema stands for: without the reference to it, and without null.
    fn inner(&self, schema: &'a Value) -> &'a Value {
        if let Some(name) = schema["$ref"].as_str() {
            return self.inner(&self.root["$defs"][name.trim_start_matches("#/$defs/")]);
        }
        let some = |list: &'a Value| list.as_array()?.iter().find(|it| it["type"] != "null");
        let optional =
            schema["anyOf"].as_array().is_some_and(|list| list.iter().any(|it| it["type"] == "null"));
        if optional { some(&schema["anyOf"]).map_or(schema, |it| self.inner(it)) } else { schema }
    }

    /// Whether keys of ours stand in it.
    fn is_section(&self, schema: &'a Value) -> bool {
        let inner = self.inner(schema);
        inner["properties"].is_object()
            || inner["additionalProperties"].is_object() && self.is_section(&inner["additionalProperties"])
    }

    /// Returns the example of a value: its own, else those of its keys.
    fn example(&self, schema: &'a Value) -> Value {
        let inner = self.inner(schema);
        let own = [schema, inner].into_iter().find_map(|schema| schema["examples"].get(0)).cloned();
        let below = || {
            let keys = inner["properties"].as_object().into_iter().flatten();
            keys.map(|(name, schema)| (name.clone(), self.example(schema))).collect()
        };
        own.unwrap_or_else(|| Value::Object(below()))
    }

    fn takes(&self, schema: &'a Value) -> String {
        let inner = self.inner(schema);
        if let Some(words) = choices(inner) {
            return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        }
        if let Some(list) = inner["anyOf"].as_array() {
            return list.iter().map(|it| self.takes(it)).collect::<Vec<_>>().join(", or ");
        }
        if let Some(types) = inner["type"].as_array() {
            let kinds = types.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            return kinds.map(one).collect::<Vec<_>>().join(" or ");
        }
        match inner["type"].as_str() {
            Some("array") => format!("a list, each {}", self.takes(&inner["items"])),
            Some("object") if inner["additionalProperties"].is_object() => {
                format!("a map of names, each to {}", self.takes(&inner["additionalProperties"]))
            }
            Some(name) => one(name).to_owned(),
            None => "anything".to_owned(),
        }
    }

    /// Returns the words that it takes, or those of its list, where the type says what each means.
    fn words(&self, schema: &'a Value) -> Vec<Word> {
        let inner = self.inner(schema);
        if inner["type"] == "array" {
            return self.words(&inner["items"]);
        }
        let told = inner["oneOf"].as_array().into_iter().flatten();
        let word = |it: &Value| Some(Word { word: it["const"].as_str()?.to_owned(), meaning: text(it) });
        told.filter_map(word).collect()
    }
}

/// Returns the words that a schema allows, when it lists them.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    if let Some(word) = schema["const"].as_str() {
        return Some(vec![word]);
    }
    if let Some(list) = schema["enum"].as_array() {
        return Some(list.iter().filter_map(Value::as_str).collect());
    }
    Some(schema["oneOf"].as_array()?.iter().filter_map(|it| it["const"].as_str()).collect())
}

fn one(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "integer" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        other => other,
    }
}

/// Returns the doc comment of a type or key as one line.
fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, parse};

    fn all() -> Vec<(File, Key)> {
        files()
            .iter()
            .flat_map(|file| file.keys.clone().into_iter().map(move |key| (file.clone(), key)))
            .collect()
    }

    fn key(path: &str, name: &str) -> Key {
        all().into_iter().find(|(file, key)| file.path == path && key.key == name).unwrap().1
    }

    #[test]
    fn every_key_says_what_it_means_and_how_it_looks() {
        for (file, key) in all() {
            assert!(key.meaning.ends_with('.'), "{}: {key:?}", file.path);
            assert!(!key.takes.contains("anything") && !key.example.contains("{}"), "{}: {key:?}", file.path);
        }
    }

    #[test]
    fn a_key_has_what_its_type_says() {
        let mesh = key("cluster.yaml", "network.mesh");
        assert_eq!((mesh.takes.as_str(), mesh.required), ("a text", false));
        assert_eq!(mesh.default, Some("10.210.0.0/16".into()));
        assert_eq!(mesh.example, "network: {mesh: 10.210.0.0/16}\n");
        let roles = key("nodes/<name>.yaml", "roles");
        assert_eq!(roles.takes, "a list, each `server` or `agent`");
        assert_eq!(roles.words[1].meaning, "It runs pods only.");
        assert!(key("people/<name>.yaml", "email").required);
        assert_eq!(key("people/<name>.yaml", "access.nodes").takes, "`all`, or a list, each a text");
        let from = key("cluster.yaml", "host.files.<key>.from");
        assert_eq!(from.example, "host: {files: {/etc/motd: {from: host/motd}}}\n");
    }

    /// Lays one value over another, key by key.
    fn merge(under: &mut Value, over: Value) {
        match (under, over) {
            (Value::Object(under), Value::Object(over)) => {
                for (name, value) in over {
                    merge(under.entry(name).or_insert(Value::Null), value);
                }
            }
            (under, over) => *under = over,
        }
    }

    #[test]
    fn the_examples_of_a_file_are_a_file_that_is_read() {
        for file in files() {
            let mut whole = json!({});
            for key in &file.keys {
                merge(&mut whole, serde_saphyr::from_str(&key.example).unwrap());
            }
            let (path, text) = ("x.yaml".parse().unwrap(), whole.to_string());
            let read = match file.kind {
                "cluster" => parse::<spec::Cluster>(&path, text.as_bytes()).err(),
                "node" => parse::<spec::Node>(&path, text.as_bytes()).err(),
                "peer" => parse::<spec::Peer>(&path, text.as_bytes()).err(),
                "app" => parse::<spec::App>(&path, text.as_bytes()).err(),
                "person" => parse::<spec::Person>(&path, text.as_bytes()).err(),
                _ => parse::<spec::Lock>(&path, text.as_bytes()).err(),
            };
            assert_eq!(read, None, "{}: {text}", file.path);
        }
    }
}
