//! The objects of one manifest, as they are wanted: read, marked as ours and put in order. Pure.

use super::key::Key;
use serde_json::{Value, json};
use zeroize::Zeroize as _;

/// What all our objects carry; without it nothing is ever deleted.
/// Source: Kubernetes, "Recommended Labels", v1.36.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Whose they are, there and as field manager.
pub(super) const KNARR: &str = "knarr";

/// A manifest that cannot be read. No variant holds a value of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadManifest {
    /// It is no YAML.
    #[error("line {line} is not YAML that can be read")]
    Yaml {
        /// Where reading ended.
        line: u64,
    },
    /// A document is no object of Kubernetes.
    #[error("an object has no `{}`", .0.trim_start_matches('/').replace('/', "."))]
    Lacks(&'static str),
}

/// One object as it is wanted. Its values leave memory with it, for it may be a Secret.
pub(super) struct Document {
    pub(super) key: Key,
    pub(super) object: Value,
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.object);
    }
}

/// Overwrites all texts.
pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.iter_mut().for_each(|(_, value)| wipe(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads all objects of a manifest: namespaces first, then definitions of kinds, then the rest, each in its order.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, BadManifest> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, emit_comments: false };
    let read: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| BadManifest::Yaml { line: error.location().map_or(0, |at| at.line()) })?;
    let mut documents = Vec::new();
    for object in read.into_iter().flat_map(unlisted).filter(|object| !object.is_null()) {
        documents.push(document(object)?);
    }
    documents.sort_by_key(|document| document.key.rank());
    Ok(documents)
}

/// Returns what a `List` lists, as kubectl does.
fn unlisted(mut object: Value) -> Vec<Value> {
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match object.get_mut("items").filter(|_| is_list).map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(_) | None => vec![object],
    }
}

fn document(mut object: Value) -> Result<Document, BadManifest> {
    let key = Key::of(&object)?;
    let labels = &mut object["metadata"]["labels"];
    if !labels.is_object() {
        *labels = json!({});
    }
    labels[MANAGED_BY] = json!(KNARR);
    Ok(Document { key, object })
}

/// Whether applying changed nothing: neither the object, but for what the API server itself writes down, nor what
/// belongs to the field manager. What does not belong to it would stay when it leaves the repository.
pub(super) fn same(live: &Value, applied: &Value, manager: &str) -> bool {
    stripped(live) == stripped(applied) && fields(live, manager) == fields(applied, manager)
}

/// Returns what a field manager has applied.
/// Source: Kubernetes, "Server-Side Apply", v1.36.
fn fields<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let is_its = |entry: &&Value| entry["manager"] == manager && entry["operation"] == "Apply";
    entries.iter().find(is_its).map(|entry| &entry["fieldsV1"])
}

fn stripped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for written in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(written);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
# a comment only
---
apiVersion: v1
kind: ConfigMap
metadata: {name: told, namespace: shop}
data: {word: \"on\", version: \"1.30\"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crs.example.org, labels: {a: b}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
";

    #[test]
    fn what_others_need_comes_first_and_all_carry_our_mark() {
        let documents = documents(MANIFEST).unwrap();
        let names: Vec<String> = documents.iter().map(|document| document.key.to_string()).collect();
        let wanted = ["Namespace shop", "CustomResourceDefinition crs.example.org", "ConfigMap shop/told"];
        assert_eq!(names, wanted);
        for document in &documents {
            assert_eq!(document.object["metadata"]["labels"][MANAGED_BY], KNARR);
        }
        assert_eq!(documents[1].object["metadata"]["labels"]["a"], "b");
        assert_eq!(documents[2].object["data"], json!({"word": "on", "version": "1.30"}));
    }

    #[test]
    fn a_manifest_that_cannot_be_read_says_where_and_never_what() {
        let odd = "a: b\n---\nkind: Secret\ndata: {key: [hunter2}\n";
        let said = documents(odd).err().map(|error| error.to_string()).unwrap();
        assert!(said.contains("line 4") && !said.contains("hunter2"), "{said}");
        let nameless = documents("apiVersion: v1\nkind: Secret\nstringData: {a: hunter2}\n");
        assert_eq!(nameless.err().unwrap().to_string(), "an object has no `metadata.name`");
    }

    #[test]
    fn what_the_server_writes_down_is_no_difference() {
        let live = json!({"kind": "X", "metadata": {"name": "x", "resourceVersion": "7", "generation": 2}, "status": {"a": 1}});
        let dry =
            json!({"kind": "X", "metadata": {"name": "x", "resourceVersion": "6", "managedFields": []}});
        assert!(same(&live, &dry, KNARR));
        assert!(!same(&live, &json!({"kind": "X", "metadata": {"name": "x"}, "spec": {}}), KNARR));
    }

    #[test]
    fn what_does_not_belong_to_us_yet_is_a_difference() {
        let owned = |manager: &str| {
            let entry = json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {}}});
            json!({"kind": "X", "metadata": {"managedFields": [entry]}})
        };
        assert!(same(&owned(KNARR), &owned(KNARR), KNARR));
        assert!(!same(&owned("kubectl"), &owned(KNARR), KNARR));
    }

    #[test]
    fn values_are_overwritten() {
        let mut value = json!({"a": ["b", {"c": "d"}]});
        wipe(&mut value);
        assert_eq!(value, json!({"a": ["", {"c": ""}]}));
    }
}
