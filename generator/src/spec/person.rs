//! `people/<name>.yaml`: one person.

use super::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The address that this person commits with.
    #[schemars(example = &"me@example.org")]
    pub email: At<String>,
    /// Public SSH keys: they sign commits (if the name is in trust.signers) and log in (if access says so).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("default" = []), example = ["ssh-ed25519 AAAAC3… me@x1"])]
    pub keys: Vec<At<String>>,
    /// Where this person may log in; leave it out for no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// age recipients that can open secrets/: all that `secrets` in cluster.yaml does not keep for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["age1me…"])]
    pub decrypt: Vec<At<String>>,
    /// Groups that this person is in: `secrets` in cluster.yaml names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["ops"])]
    pub groups: Vec<At<String>>,
    /// The last day on which this person may log in; for ever when it is `never` or nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2027-11-21")]
    pub until: Option<At<String>>,
    /// Written by `knarr people remove`: nothing else here counts but what is in `unchanged`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false), example = true)]
    pub removed: bool,
    /// What this person, who left, could read, and what got no new value since: secrets, and sealed values as
    /// NAMESPACE/SECRET#KEY. The commands that change a value take it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["greeting", "shop/db#password"])]
    pub unchanged: Vec<At<String>>,
}

/// Where a person may log in, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// `all`, or a list of nodes.
    #[schemars(example = &"all")]
    pub nodes: Which,
    /// The login name; everybody but root gets sudo.
    #[serde(rename = "as")]
    #[schemars(example = &"root")]
    pub login: At<String>,
}

/// Which machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// Every machine.
    All,
    /// These.
    #[serde(untagged)]
    Only(Vec<At<String>>),
}

impl<'de> Deserialize<'de> for Which {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhichVisitor)
    }
}

struct WhichVisitor;

impl<'de> Visitor<'de> for WhichVisitor {
    type Value = Which;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`all` or a list of nodes")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Which, E> {
        if text == "all" {
            Ok(Which::All)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Which, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            names.push(name);
        }
        Ok(Which::Only(names))
    }
}

impl JsonSchema for Which {
    fn schema_name() -> Cow<'static, str> {
        "Which".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]})
    }
}
