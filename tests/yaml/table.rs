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

/// Fields whose numbers are ports. Source: k8s.io/kubernetes v1.36.3, pkg/apis/core/validation, pkg/apis/networking/validation.
const PORTS: [(&str, &str, &str); 11] = [
    ("core.v1.ContainerPort", "containerPort", "port"),
    ("core.v1.ContainerPort", "hostPort", "port0"),
    ("core.v1.GRPCAction", "port", "port"),
    ("core.v1.HTTPGetAction", "port", "port|name"),
    ("core.v1.ServicePort", "nodePort", "port0"),
    ("core.v1.ServicePort", "port", "port"),
    ("core.v1.ServicePort", "targetPort", "port0|name"),
    ("core.v1.TCPSocketAction", "port", "port|name"),
    ("networking.v1.NetworkPolicyPort", "endPort", "port"),
    ("networking.v1.NetworkPolicyPort", "port", "port|name"),
    ("networking.v1.ServiceBackendPort", "number", "port0"),
];

/// Fields whose keys and values are labels. Source: the same, ValidateLabels and ValidateAnnotations.
const LABELS: [(&str, &str, &str); 6] = [
    ("core.v1.PodSpec", "nodeSelector", "labels"),
    ("core.v1.ReplicationControllerSpec", "selector", "labels"),
    ("core.v1.ServiceSpec", "selector", "labels"),
    ("meta.v1.LabelSelector", "matchLabels", "labels"),
    ("meta.v1.ObjectMeta", "annotations", "annotations"),
    ("meta.v1.ObjectMeta", "labels", "labels"),
];

/// Returns a file of the module that the stand-in for K3s is made of.
fn of_module(file: &str) -> String {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/k3s");
    let go = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"];
    let said = Command::new("go").args(go).current_dir(module).output().expect("go is installed");
    let folder = String::from_utf8(said.stdout).unwrap();
    let file = Path::new(folder.trim()).join(file);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("make peers brings {file:?}: {error}"))
}

/// Returns the description of the API.
fn swagger() -> Map<String, Value> {
    let all: Value = serde_json::from_str(&of_module("api/openapi-spec/swagger.json")).unwrap();
    all["definitions"].as_object().unwrap().clone()
}

/// Returns the words that a field takes, by its type and name: what `+enum` of Kubernetes' own types became. The description
/// of the API does not have them, as they may grow with a minor version.
fn enums() -> BTreeMap<(String, String), String> {
    let (mut enums, mut kind, mut field) = (BTreeMap::new(), String::new(), String::new());
    let text = of_module("pkg/generated/openapi/zz_generated.openapi.go");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("func schema_").and_then(|rest| rest.split('(').next()) {
            kind = name
                .rsplitn(4, '_')
                .take(3)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(".");
        } else if let Some(name) =
            line.strip_prefix("\t\t\t\t\t\"").and_then(|rest| rest.strip_suffix("\": {"))
        {
            name.clone_into(&mut field);
        } else if let Some((_, all)) = line.split_once("Enum:").filter(|(before, _)| before.trim().is_empty())
        {
            let all = all.trim().trim_start_matches("[]interface{}{").trim_end_matches("},");
            let words: Vec<String> = serde_json::from_str(&format!("[{all}]")).unwrap();
            assert!(
                !words.iter().any(|word| word.contains(['_', '|', '='])),
                "the table parts by these: {words:?}"
            );
            let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("|");
            enums.insert((kind.clone(), field.clone()), format!("text:{}", words.replace(' ', "_")));
        }
    }
    enums
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

/// What a type's field takes, where the description of the API says less.
type Words = BTreeMap<(String, String), String>;

/// Returns what a field takes: a word, within the lists and maps of its shape.
fn narrow(shape: &str, word: &str) -> String {
    let whole = ["port", "port|name"].contains(&word.replace('0', "").as_str())
        || LABELS.iter().any(|row| row.2 == word);
    let inner = shape.trim_start_matches(['[', '{']);
    assert!(whole || inner == "text", "{word} narrows a {shape}");
    if whole { word.to_owned() } else { format!("{}{word}", &shape[..shape.len() - inner.len()]) }
}

/// Returns the line of a type: its fields, `!` behind those that must be there.
fn line(name: &str, types: &Map<String, Value>, more: &mut Words, named: &mut BTreeSet<String>) -> String {
    let required: Vec<&str> =
        types[name]["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut field = |(field, property): (&String, &Value)| {
        let must = if required.contains(&field.as_str()) { "!" } else { "" };
        let shape = shape(property, types, named);
        let word =
            more.remove(&(short(name), field.clone())).map_or(shape.clone(), |word| narrow(&shape, &word));
        format!(" {field}{must}={word}")
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
    let mut more = enums();
    let known = PORTS
        .iter()
        .chain(&LABELS)
        .map(|(kind, field, word)| (((*kind).to_owned(), (*field).to_owned()), (*word).to_owned()));
    more.extend(known);
    let (mut open, mut done) = (kinds.into_values().collect::<BTreeSet<_>>(), BTreeMap::new());
    while let Some(name) = open.pop_first() {
        let mut named = BTreeSet::new();
        lines.insert(format!("{}{}", short(&name), line(&name, &types, &mut more, &mut named)));
        assert_eq!(done.insert(short(&name), name.clone()), None, "two types have one short name");
        open.extend(named.into_iter().filter(|name| !done.contains_key(&short(name))));
    }
    let left: Vec<_> = more.keys().filter(|(kind, _)| done.contains_key(kind)).collect();
    assert!(left.is_empty(), "no such fields: {left:?}");
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    expect_file!["../../generator/src/kubernetes/v1_36.txt"].assert_eq(&text);
}
