//! The table of Kubernetes' kinds and fields in generator/src/kubernetes is what its own module says.

use expect_test::expect_file;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Types whose form Kubernetes reads by hand. Source: k8s.io/apimachinery v0.36, their UnmarshalJSON.
const BY_HAND: [(&str, &str); 3] = [
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", "quantity"),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "whole|text"),
    ("io.k8s.apimachinery.pkg.runtime.RawExtension", "any"),
];

/// Returns the description of the API, from the module that the stand-in for K3s is made of.
fn swagger() -> Map<String, Value> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/k3s");
    let go = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"];
    let said = Command::new("go").args(go).current_dir(module).output().expect("go is installed");
    let folder = String::from_utf8(said.stdout).unwrap();
    let file = Path::new(folder.trim()).join("api/openapi-spec/swagger.json");
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("make peers brings {file:?}: {error}"));
    let all: Value = serde_json::from_slice(&text).unwrap();
    all["definitions"].as_object().unwrap().clone()
}

/// Returns a short name: the last three parts, e.g. `core.v1.Pod`.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.rsplitn(4, '.').take(3).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(".")
}

/// Says what a property takes; types that it names are collected.
fn shape(property: &Value, types: &Map<String, Value>, named: &mut BTreeSet<String>) -> String {
    let Some(name) = property["$ref"].as_str().and_then(|name| name.strip_prefix("#/definitions/")) else {
        let inner = |key: &str, named: &mut _| shape(&property[key], types, named);
        return match property["type"].as_str() {
            Some("string") => "text".to_owned(),
            Some("integer") => "whole".to_owned(),
            Some("number") => "number".to_owned(),
            Some("boolean") => "flag".to_owned(),
            Some("array") => format!("[{}", inner("items", named)),
            Some("object") if property.get("additionalProperties").is_some() => {
                format!("{{{}", inner("additionalProperties", named))
            }
            Some(_) | None => "any".to_owned(),
        };
    };
    if let Some((_, word)) = BY_HAND.iter().find(|(by_hand, _)| *by_hand == name) {
        return (*word).to_owned();
    }
    match types[name].get("properties") {
        Some(_) => {
            named.insert(name.to_owned());
            short(name)
        }
        None if types[name]["type"] == "string" => "text".to_owned(),
        None => "any".to_owned(),
    }
}

/// Returns the line of a type: its fields, `!` behind those that must be there.
fn line(name: &str, types: &Map<String, Value>, named: &mut BTreeSet<String>) -> String {
    let required: Vec<&str> =
        types[name]["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut field = |(field, property): (&String, &Value)| {
        let must = if required.contains(&field.as_str()) { "!" } else { "" };
        format!(" {field}{must}={}", shape(property, types, named))
    };
    types[name]["properties"].as_object().unwrap().iter().map(&mut field).collect()
}

/// Returns the kinds that are objects, e.g. `apps/v1/Deployment`, with their types.
fn kinds(types: &Map<String, Value>) -> BTreeMap<String, String> {
    let is_object = |definition: &&Value| {
        let metadata = definition["properties"]["metadata"]["$ref"].as_str().unwrap_or_default();
        [".ObjectMeta", ".ListMeta"].iter().any(|end| metadata.ends_with(end))
    };
    let mut kinds = BTreeMap::new();
    for (name, definition) in types.iter().filter(|(_, definition)| is_object(definition)) {
        for kind in definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let part = |key: &str| kind[key].as_str().unwrap();
            let key = format!("{}/{}/{}", part("group"), part("version"), part("kind"));
            kinds.insert(key.trim_start_matches('/').to_owned(), name.clone());
        }
    }
    kinds
}

#[test]
fn the_table_of_kubernetes_is_what_its_module_says() {
    let types = swagger();
    let kinds = kinds(&types);
    let mut lines: BTreeSet<String> =
        kinds.iter().map(|(key, name)| format!("{key} {}", short(name))).collect();
    let (mut open, mut done) = (kinds.into_values().collect::<BTreeSet<_>>(), BTreeMap::new());
    while let Some(name) = open.pop_first() {
        let mut named = BTreeSet::new();
        lines.insert(format!("{}{}", short(&name), line(&name, &types, &mut named)));
        assert_eq!(done.insert(short(&name), name.clone()), None, "two types have one short name");
        open.extend(named.into_iter().filter(|name| !done.contains_key(&short(name))));
    }
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    expect_file!["../../generator/src/kubernetes/v1_36.txt"].assert_eq(&text);
}
