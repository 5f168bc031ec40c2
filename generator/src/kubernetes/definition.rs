//! Kinds that the repository defines itself: CustomResourceDefinitions, read into shapes.

use super::shape::{Field, Object, Shape};
use serde_json::Value;
use std::collections::BTreeMap;

/// Returns the kinds that a definition makes, e.g. `example.org/v1/Thing`; none when the object is no definition.
pub fn definitions(object: &Value) -> BTreeMap<String, Shape> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let mut kinds = BTreeMap::new();
    if text("/kind") != Some("CustomResourceDefinition") {
        return kinds;
    }
    let (group, kind) =
        (text("/spec/group").unwrap_or_default(), text("/spec/names/kind").unwrap_or_default());
    for version in object.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
        let name = version["name"].as_str().unwrap_or_default();
        let shape = version.pointer("/schema/openAPIV3Schema").map_or(Shape::Any, shape);
        kinds.insert(format!("{group}/{name}/{kind}"), with_head(shape));
    }
    kinds
}

/// Gives an object what all objects have, whether its definition says so or not.
/// Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", "Specifying a structural schema".
fn with_head(shape: Shape) -> Shape {
    let Shape::Object(mut object) = shape else { return shape };
    let head = [("apiVersion", Shape::Text), ("kind", Shape::Text), ("metadata", METADATA)];
    let field = |(name, shape): (&str, Shape)| (name.to_owned(), Field { shape, must: true });
    object.fields.extend(head.map(field));
    Shape::Object(object)
}

const METADATA: Shape = Shape::Type("meta.v1.ObjectMeta");

/// Reads a schema; what it says beside kinds of values, such as patterns, is left to the API.
/// Source: k8s.io/apiextensions-apiserver v0.36, pkg/apiserver/schema, structural.go.
fn shape(schema: &Value) -> Shape {
    let is = |key: &str| schema[key] == true;
    if is("x-kubernetes-int-or-string") {
        return Shape::WholeOrText;
    }
    if is("x-kubernetes-embedded-resource") {
        let Shape::Object(object) = object(schema) else { return Shape::Any };
        return with_head(Shape::Object(object));
    }
    match schema["type"].as_str() {
        Some("object") => object(schema),
        Some("array") => Shape::List(Box::new(shape(&schema["items"]))),
        Some("integer") => Shape::Whole,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Flag,
        Some("string") => {
            let all = schema["enum"].as_array().into_iter().flatten();
            let all: Vec<String> = all.filter_map(Value::as_str).map(str::to_owned).collect();
            if all.is_empty() { Shape::Text } else { Shape::OneOf(all) }
        }
        Some(_) | None => Shape::Any,
    }
}

fn object(schema: &Value) -> Shape {
    match &schema["additionalProperties"] {
        Value::Object(inner) => return Shape::Map(Box::new(shape(&Value::Object(inner.clone())))),
        Value::Bool(true) => return Shape::Map(Box::new(Shape::Any)),
        Value::Null | Value::Bool(false) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
    let must: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let field = |(name, inner): (&String, &Value)| {
        (name.clone(), Field { shape: shape(inner), must: must.contains(&name.as_str()) })
    };
    let fields = schema["properties"].as_object().into_iter().flatten().map(field).collect();
    Shape::Object(Object { fields, open: schema["x-kubernetes-preserve-unknown-fields"] == true })
}
