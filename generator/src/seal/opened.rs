//! The Secret that comes of a sealed one, as text: the controller would make the same.

use super::{SealedSecret, Value};
use crate::emit::{Line, yaml};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::DataKey;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Documents of YAML.
    Yaml,
    /// JSON, one object after the other.
    Json,
}

/// Returns the Secret of a sealed one; none when its template cannot be written.
pub fn opened(
    sealed: &SealedSecret,
    values: &BTreeMap<DataKey, Value>,
    form: Form,
) -> Option<Zeroizing<String>> {
    let head = match form {
        Form::Yaml => yaml::to_string(&head(sealed), Line::Fits).ok()?,
        Form::Json => serde_json::to_string(&head(sealed)).ok()?,
    };
    let entries = values.iter().map(|(key, value)| key.as_str().len() + value.0.len().div_ceil(3) * 4 + 8);
    // It grows no more: no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + entries.sum::<usize>() + 32));
    match form {
        Form::Yaml => {
            text.extend(["---\n", &head, if values.is_empty() { "data: {}\n" } else { "data:\n" }]);
            for (key, value) in values {
                text.extend(["  ", key.as_str(), ": \""]);
                STANDARD.encode_string(&*value.0, &mut text);
                text.push_str("\"\n");
            }
        }
        Form::Json => {
            text.push_str("{\"data\":{");
            for (number, (key, value)) in values.iter().enumerate() {
                text.extend([if number == 0 { "\"" } else { ",\"" }, key.as_str(), "\":\""]);
                STANDARD.encode_string(&*value.0, &mut text);
                text.push('"');
            }
            text.extend(["},", head.trim_start_matches('{'), "\n"]);
        }
    }
    Some(text)
}

/// Returns all of the Secret but its values.
fn head(sealed: &SealedSecret) -> Json {
    let template = &sealed.spec.template;
    let mut metadata = json!(template.metadata);
    metadata["name"] = json!(sealed.metadata.name);
    if let Some(namespace) = &sealed.metadata.namespace {
        metadata["namespace"] = json!(namespace);
    }
    let mut head = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata});
    for key in ["type", "immutable"] {
        if let Some(value) = template.rest.get(key) {
            head[key] = value.clone();
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{Given, secrets};

    #[test]
    fn a_secret_that_was_opened_reads_as_it_was() {
        let text = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec:\n  encryptedData: {}\n  template: {immutable: true, type: Opaque, metadata: {labels: {a: b}}}\n";
        let sealed: SealedSecret = serde_saphyr::from_str(text).unwrap();
        let pairs = [("a", &b"true"[..]), ("tls.crt", &[0, 255]), ("empty", b"")];
        let values: BTreeMap<DataKey, Value> =
            pairs.into_iter().map(|(key, value)| (key.parse().unwrap(), value.into())).collect();
        for form in [Form::Yaml, Form::Json] {
            let text = opened(&sealed, &values, form).unwrap();
            let plain = secrets(&text, &Given::default()).unwrap().remove(0).secret.unwrap();
            assert_eq!((plain.title(), &plain.values), ("shop/db".to_owned(), &values), "{}", *text);
            assert_eq!(plain.template.rest, sealed.spec.template.rest);
            assert_eq!(plain.template.metadata.rest["labels"], serde_json::json!({"a": "b"}));
        }
        assert!(opened(&sealed, &BTreeMap::new(), Form::Yaml).unwrap().ends_with("\ndata: {}\n"));
    }
}
