//! Numbers and addresses of networks that are right by construction: parsed once, at the edge.

use crate::name::{BadName, DomainName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::{fmt, str::FromStr};

/// A TCP or UDP port, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Port(u16);

impl Port {
    /// Where sshd listens when nobody says otherwise.
    pub const SSH: Self = Self(22);

    /// Returns the number.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Port {
    type Error = BadName;
    fn try_from(number: u16) -> Result<Self, BadName> {
        let bad = || BadName { what: "a port", text: number.to_string(), rule: "1 to 65535" };
        if number == 0 { Err(bad()) } else { Ok(Self(number)) }
    }
}

impl FromStr for Port {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = |_| BadName { what: "a port", text: text.to_owned(), rule: "1 to 65535" };
        text.parse::<u16>().map_err(bad).and_then(Self::try_from)
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> u16 {
        port.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The largest packet of a link in bytes, IP header included: 1280, the least that IPv6 allows, to 9000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Mtu(u16);

impl TryFrom<u16> for Mtu {
    type Error = BadName;
    fn try_from(bytes: u16) -> Result<Self, BadName> {
        let bad = || BadName { what: "an MTU", text: bytes.to_string(), rule: "1280 to 9000 bytes" };
        if (1280..=9000).contains(&bytes) { Ok(Self(bytes)) } else { Err(bad()) }
    }
}

impl From<Mtu> for u16 {
    fn from(mtu: Mtu) -> u16 {
        mtu.0
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The address of one machine in the mesh, e.g. `10.210.0.1`. In format 1 the mesh is IPv4; what carries it may be IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeshIp(Ipv4Addr);

impl MeshIp {
    /// Returns the network that holds only this address, `/32`.
    pub fn alone(self) -> Ipv4Net {
        Ipv4Net::from(self.0)
    }

    /// Returns the address.
    pub fn addr(self) -> Ipv4Addr {
        self.0
    }
}

impl From<Ipv4Addr> for MeshIp {
    fn from(addr: Ipv4Addr) -> Self {
        Self(addr)
    }
}

impl fmt::Display for MeshIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A public key of WireGuard: 32 bytes, written in base64. Source: wg(8), v1.0.20210914.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WgKey([u8; 32]);

impl TryFrom<String> for WgKey {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        let bytes = STANDARD.decode(&text).ok().and_then(|bytes| bytes.try_into().ok());
        let rule = "base64 of 32 bytes: 43 characters and =";
        bytes.map(Self).ok_or(BadName { what: "a public WireGuard key", text, rule })
    }
}

impl FromStr for WgKey {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::try_from(text.to_owned())
    }
}

impl From<[u8; 32]> for WgKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<WgKey> for String {
    fn from(key: WgKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for WgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for WgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where something is dialled from outside: an address or domain name and a port, e.g. `203.0.113.7:51821` or `[2001:db8::7]:22`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    host: String,
    port: Port,
}

impl Endpoint {
    /// Returns the address, without brackets, or the domain name.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Returns the port.
    pub fn port(&self) -> Port {
        self.port
    }
}

/// Whether `host` is an IPv4 address, a domain name or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let digits = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match inside {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None if digits => host.parse::<Ipv4Addr>().is_ok(),
        None => host.parse::<DomainName>().is_ok(),
    }
}

impl TryFrom<String> for Endpoint {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        let parts = text.rsplit_once(':').filter(|(host, _)| is_host(host));
        let found = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        let rule = "an address or domain name, a colon and a port; an IPv6 address in brackets";
        found.map(|(host, port)| Self { host, port }).ok_or(BadName { what: "an endpoint", text, rule })
    }
}

impl FromStr for Endpoint {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::try_from(text.to_owned())
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        endpoint.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_base64_and_nothing_else() {
        let good = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
        assert_eq!(good.parse::<WgKey>().unwrap().to_string(), good);
        let unused_bits = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=";
        for bad in ["", "AQID", &good[..43], unused_bits, &format!("{good}\n"), &good.replace('g', "_")] {
            assert!(bad.parse::<WgKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for good in ["203.0.113.7:51821", "[2001:db8::7]:22", "edge.harbor.example:51821"] {
            assert_eq!(good.parse::<Endpoint>().unwrap().to_string(), good);
        }
        assert_eq!("[2001:db8::7]:22".parse::<Endpoint>().unwrap().host(), "2001:db8::7");
        for bad in [
            "203.0.113.7",
            "203.0.113.700:1",
            "2001:db8::7:22",
            "[::1]",
            "a b:1",
            "x:0",
            "x:70000",
            ":22",
            "[x:22",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert!(Port::try_from(0).is_err() && "65536".parse::<Port>().is_err());
        assert!(Mtu::try_from(1279).is_err() && Mtu::try_from(1280).is_ok() && Mtu::try_from(9001).is_err());
    }
}
