//! Which ports listen: lines of ss(8). Pure.

use knarr_node::firewall::{Open, Proto};
use std::fmt;
use std::net::IpAddr;

/// A port that listens to others, not only to the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listens {
    /// TCP or UDP, and its number.
    pub port: Open,
    /// Who listens, if root could see it.
    pub program: Option<String>,
}

impl fmt::Display for Listens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(self.port))?;
        self.program.as_ref().map_or(Ok(()), |program| write!(f, " {program}"))
    }
}

/// Returns a port as people type it: `80`, or `udp/53`.
pub fn short(port: Open) -> String {
    match port.proto {
        Proto::Tcp => port.port.to_string(),
        Proto::Udp => port.to_string(),
    }
}

/// Reads e.g. `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=612,fd=3))`; none for what only the machine itself reaches.
///
/// Source: ss(8) of iproute2 6.1, `ss -Htulpn`: netid, state, two queues, local, peer, process.
pub(super) fn parse(line: &str) -> Option<Listens> {
    let mut words = line.split_whitespace();
    let protocol = words.next()?;
    let (address, port) = words.nth(3)?.rsplit_once(':')?;
    let port = format!("{protocol}/{port}").parse().ok()?;
    let program = line.split_once("((\"").and_then(|(_, rest)| rest.split('"').next()).map(super::tame);
    (!is_own(address)).then_some(Listens { port, program: program.filter(|name| !name.is_empty()) })
}

/// Whether only the machine itself reaches `address`, e.g. `127.0.0.53%lo`.
fn is_own(address: &str) -> bool {
    let bare = address.split('%').next().unwrap_or(address).trim_matches(['[', ']']);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
