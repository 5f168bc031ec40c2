//! What is read of a text before it is judged: any object, whose values are never shown.

use super::NoSecrets;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The most documents that are read.
const MOST: usize = 25_000;

/// Reads the documents of a text; JSON that only JSON's reader takes begins with a brace.
pub(super) fn objects(text: &str) -> Result<Vec<Option<Object>>, NoSecrets> {
    if text.trim_start().starts_with('{') {
        let all: Result<_, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        if let Ok(all) = all {
            return Ok(all);
        }
    }
    let budget = serde_saphyr::budget! { max_documents: MOST };
    let options = serde_saphyr::options! { with_snippet: false, emit_comments: false, budget: budget };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        NoSecrets { line, column }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    pub(super) kind: Option<String>,
    pub(super) metadata: Option<BTreeMap<String, serde_json::Value>>,
    pub(super) r#type: Option<String>,
    pub(super) immutable: Option<bool>,
    pub(super) data: Option<BTreeMap<String, Scalar>>,
    pub(super) string_data: Option<BTreeMap<String, Scalar>>,
    pub(super) items: Option<Vec<Object>>,
}

impl Object {
    /// Whether it holds others: kubectl writes `List`, an API server `SecretList`.
    pub(super) fn is_list(&self) -> bool {
        self.items.is_some() && self.kind.as_deref().is_some_and(|kind| kind.ends_with("List"))
    }
}

/// A value as it stands there.
pub(super) enum Scalar {
    Text(Zeroizing<String>),
    /// Something else, by a word for it.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(Zeroizing::new(text.to_owned())))
    }
    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(Zeroizing::new(text)))
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other("nothing"))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other("true or false"))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Scalar, E> {
        Ok(Scalar::Other("a number"))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Scalar, E> {
        Ok(Scalar::Other("a number"))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other("a number"))
    }
}
