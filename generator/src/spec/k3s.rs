//! `k3s` of cluster.yaml: which version, and K3s's own settings.

use super::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Kubernetes on all machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct K3s {
    /// The version; knarr.lock has its digests: `knarr upgrade k3s`.
    #[schemars(example = &"v1.36.2+k3s1")]
    pub version: At<String>,
    /// Keys of K3s's config.yaml that Knarr does not set itself, for all machines that know them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({"kubelet-arg": ["max-pods=200"]}))]
    pub config: BTreeMap<At<String>, At<Setting>>,
}

/// A value in K3s's config.yaml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// True or false.
    Flag(bool),
    /// A number without a fraction.
    Number(i64),
    /// Anything else.
    Text(String),
    /// Several.
    List(Vec<At<Setting>>),
}

impl Setting {
    /// Whether it is a text that begins so, or a list that has one.
    pub fn has(&self, start: &str) -> bool {
        match self {
            Self::Text(text) => text.starts_with(start),
            Self::List(all) => all.iter().any(|one| one.value.has(start)),
            Self::Flag(_) | Self::Number(_) => false,
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor)
    }
}

struct SettingVisitor;

impl<'de> Visitor<'de> for SettingVisitor {
    type Value = Setting;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false, or a list of them")
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Setting, E> {
        Ok(Setting::Flag(flag))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Setting, E> {
        Ok(Setting::Number(number))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Setting, E> {
        Ok(i64::try_from(number).map_or_else(|_| Setting::Text(number.to_string()), Setting::Number))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Setting, E> {
        Ok(Setting::Text(number.to_string()))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Setting, E> {
        Ok(Setting::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Setting, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element()? {
            all.push(one);
        }
        Ok(Setting::List(all))
    }
}

impl JsonSchema for Setting {
    fn schema_name() -> Cow<'static, str> {
        "Setting".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": ["boolean", "integer", "string"]},
            {"type": "array", "items": {"type": ["boolean", "integer", "string"]}}
        ]})
    }
}
