//! `network` and `firewall` of cluster.yaml, and the ports of `open` in `nodes/<name>.yaml`.

use super::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Which addresses are whose; the three must not overlap, nor contain an address of the machines' own links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Machines and devices: one WireGuard mesh, udp 51821.
    #[schemars(example = &"10.210.0.0/16")]
    pub mesh: At<String>,
    /// Pods.
    #[schemars(example = &"10.42.0.0/16")]
    pub pods: At<String>,
    /// Services.
    #[schemars(example = &"10.43.0.0/16")]
    pub services: At<String>,
}

impl Default for Network {
    fn default() -> Self {
        let [mesh, pods, services] = ["10.210.0.0/16", "10.42.0.0/16", "10.43.0.0/16"].map(At::from);
        Self { mesh, pods, services }
    }
}

/// What the internet may dial on every machine, besides WireGuard and what the machine's `open` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// Who may dial sshd: `anywhere`, `mesh`, or a list of networks.
    #[serde(default)]
    #[schemars(example = ["192.0.2.0/24"])]
    pub ssh: At<SshFrom>,
}

/// Who may dial sshd.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SshFrom {
    /// The whole internet.
    #[default]
    Anywhere,
    /// Nobody from outside.
    Mesh,
    /// These networks.
    #[serde(untagged)]
    Only(Vec<At<String>>),
}

impl<'de> Deserialize<'de> for SshFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SshVisitor)
    }
}

struct SshVisitor;

impl<'de> Visitor<'de> for SshVisitor {
    type Value = SshFrom;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`anywhere`, `mesh`, or a list of networks")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<SshFrom, E> {
        match text {
            "anywhere" => Ok(SshFrom::Anywhere),
            "mesh" => Ok(SshFrom::Mesh),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SshFrom, A::Error> {
        let mut networks = Vec::new();
        while let Some(network) = seq.next_element()? {
            networks.push(network);
        }
        Ok(SshFrom::Only(networks))
    }
}

impl JsonSchema for SshFrom {
    fn schema_name() -> Cow<'static, str> {
        "SshFrom".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"enum": ["anywhere", "mesh"]}, {"type": "array", "items": {"type": "string"}}]})
    }
}

/// A port to open as it is written: `80`, `tcp/80` or `udp/53`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPort(pub String);

impl Serialize for OpenPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<u16>() {
            Ok(number) => serializer.serialize_u16(number),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for OpenPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for OpenPort {
    fn schema_name() -> Cow<'static, str> {
        "OpenPort".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 65535},
            {"type": "string", "pattern": "^((tcp|udp)/)?[0-9]{1,5}$"}
        ]})
    }
}
