//! What a State says about the firewall of its machine: `firewall: {ssh: anywhere, open: [tcp/80]}`.

use crate::name::BadName;
use crate::net::Port;
use ipnet::IpNet;
use serde::de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::{fmt, str::FromStr};

/// What the internet may dial. What nodes, pods and devices may follows from the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirewallPart {
    /// Who may dial sshd.
    pub ssh: Ssh,
    /// Ports that everyone may dial.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub open: BTreeSet<Open>,
}

/// Who may dial sshd. Nodes always may, and devices that `reach` it. YAML: `anywhere`, `mesh`, or a list of networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ssh {
    /// The whole internet.
    Anywhere,
    /// Nobody from outside.
    Mesh,
    /// These networks, at least one.
    From(BTreeSet<IpNet>),
}

impl Serialize for Ssh {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Anywhere => serializer.serialize_str("anywhere"),
            Self::Mesh => serializer.serialize_str("mesh"),
            Self::From(networks) => networks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Ssh {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SshVisitor)
    }
}

struct SshVisitor;

impl<'de> Visitor<'de> for SshVisitor {
    type Value = Ssh;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anywhere, mesh, or a list of networks such as [192.0.2.0/24]")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ssh, E> {
        match text {
            "anywhere" => Ok(Ssh::Anywhere),
            "mesh" => Ok(Ssh::Mesh),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Ssh, A::Error> {
        let networks = BTreeSet::<IpNet>::deserialize(SeqAccessDeserializer::new(list))?;
        if networks.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(Ssh::From(networks)) }
    }
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port that everyone may dial: `80` or `tcp/80`, or `udp/53`; always written with its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// The protocol.
    pub proto: Proto,
    /// The port.
    pub port: Port,
}

impl FromStr for Open {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let (proto, port) = match text.split_once('/') {
            Some(("udp", port)) => (Proto::Udp, port),
            Some(("tcp", port)) => (Proto::Tcp, port),
            Some(_) | None => (Proto::Tcp, text),
        };
        let rule = "a port such as 80, tcp/80 or udp/53";
        let bad = |_| BadName { what: "a port to open", text: text.to_owned(), rule };
        port.parse().map(|port| Self { proto, port }).map_err(bad)
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.proto, self.port)
    }
}

impl Serialize for Open {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Open {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OpenVisitor)
    }
}

struct OpenVisitor;

impl Visitor<'_> for OpenVisitor {
    type Value = Open;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port such as 80, tcp/80 or udp/53")
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Open, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Open, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<FirewallPart, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }

    #[test]
    fn a_part_reads_as_formats_md_has_it_and_survives_writing() {
        for text in [
            "{ssh: anywhere}",
            "{ssh: mesh, open: [80, tcp/443, udp/53]}",
            "{ssh: [192.0.2.0/24, \"2001:db8::/32\"]}",
        ] {
            let read = part(text).unwrap();
            assert_eq!(part(&serde_saphyr::to_string(&read).unwrap()).unwrap(), read);
        }
        assert_eq!(part("{ssh: mesh, open: [80]}").unwrap(), part("{ssh: mesh, open: [tcp/80]}").unwrap());
    }

    #[test]
    fn what_would_open_something_else_is_refused() {
        for text in [
            "{ssh: everywhere}",
            "{ssh: []}",
            "{ssh: [192.0.2.0/33]}",
            "{open: [80]}",
            "{ssh: mesh, open: [0]}",
            "{ssh: mesh, open: [sctp/80]}",
            "{ssh: mesh, open: [-1]}",
            "{ssh: mesh, open: [80-90]}",
            "{ssh: mesh, close: [80]}",
        ] {
            assert!(part(text).is_err(), "{text}");
        }
    }
}
