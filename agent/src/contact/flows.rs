//! Only new flows answer here: WireGuard roams, and conntrack remembers.
//!
//! A wrong endpoint is hidden by the other end's own packets, and a closed port by an entry of conntrack that a packet
//! of ours made. So tunnels that changed are made anew and must be where they are said to be, and what comes to the
//! mesh port is judged as if nothing had been said before.

use crate::child::{ChildError, Confined, Limits, Said};
use knarr_node::item::{NftTable, WgPeer};
use knarr_node::name::{DeviceName, TableName};
use knarr_node::net::{Endpoint, Port, WgKey};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), memory: 512 << 20, file: 0 };

fn run(program: &'static str, words: &[&str]) -> Result<Said, ChildError> {
    feed(program, words, "")
}

fn feed(program: &'static str, words: &[&str], input: &str) -> Result<Said, ChildError> {
    let mut child = Confined::new(program, Path::new("/"), LIMITS);
    child.command().args(words);
    child.run(input.as_bytes().to_vec())
}

/// Says what fails, and goes on: what does not work out does not answer either.
fn try_to(program: &'static str, words: &[&str]) {
    match run(program, words) {
        Ok(Said { success: true, .. }) => {}
        Ok(said) => tracing::debug!("{program} {}: {}", words.join(" "), said.err),
        Err(error) => tracing::debug!(%error, "{program} {}", words.join(" ")),
    }
}

/// Makes a tunnel anew: its next packet needs a handshake at the configured endpoint.
pub(super) fn remake(peer: &WgPeer) {
    let (device, key) = (peer.device.as_str(), peer.key.to_string());
    let allowed: Vec<String> = peer.allowed.iter().map(ToString::to_string).collect();
    let (allowed, keepalive) = (allowed.join(","), peer.keepalive.unwrap_or(0).to_string());
    try_to("wg", &["set", device, "peer", &key, "remove"]);
    let mut words =
        vec!["set", device, "peer", &key, "allowed-ips", &allowed, "persistent-keepalive", &keepalive];
    let endpoint = peer.endpoint.as_ref().map(ToString::to_string);
    words.extend(endpoint.iter().flat_map(|endpoint| ["endpoint", endpoint]));
    try_to("wg", &words);
}

/// Dials a tunnel's other end where it is said to be, wherever it spoke from since.
pub(super) fn redial(peer: &WgPeer) {
    if let Some(endpoint) = peer.endpoint.as_ref().map(ToString::to_string) {
        try_to("wg", &["set", peer.device.as_str(), "peer", &peer.key.to_string(), "endpoint", &endpoint]);
    }
}

/// Returns where the other ends of a device's tunnels are.
pub(super) fn endpoints(device: &DeviceName) -> BTreeMap<WgKey, SocketAddr> {
    let said = run("wg", &["show", device.as_str(), "endpoints"]);
    said.map(|said| read_endpoints(&said.out)).unwrap_or_default()
}

/// Source: wg(8), v1.0.20210914: key and address, set off by a tab; `(none)` where there is no address.
fn read_endpoints(said: &str) -> BTreeMap<WgKey, SocketAddr> {
    let line = |line: &str| {
        let (key, at) = line.split_once('\t')?;
        Some((key.parse().ok()?, at.parse().ok()?))
    };
    said.lines().filter_map(line).collect()
}

/// Whether an end is where it is said to be; of a domain name only the port can be compared.
pub(super) fn is_at(said: &Endpoint, there: SocketAddr) -> bool {
    let address = said.host().parse::<IpAddr>().ok();
    said.port().number() == there.port() && address.is_none_or(|address| address == there.ip())
}

/// While it lives, each packet to the mesh port is the first of a flow for all tables, whatever was said before: what
/// comes in is tracked in a zone of its own, where no packet of ours is an answer. Where the port is open nothing is lost.
/// Source: nft(8), v1.0.6, `ct zone set` before conntrack, which has priority -200.
#[derive(Debug)]
pub(super) struct JudgedAnew(TableName);

impl JudgedAnew {
    /// Begins; nothing when the kernel or nft does not take it, so that nobody's answer counts.
    pub(super) fn begin(port: Port) -> Option<Self> {
        let name: TableName = "knarr_proof".parse().ok()?;
        let text = format!(
            "\tchain prerouting {{\n\t\ttype filter hook prerouting priority raw\n\t\tudp dport {port} ct zone set {port}\n\t}}\n"
        );
        match feed("nft", &["-f", "-"], &NftTable { name: name.clone(), text }.script()) {
            Ok(Said { success: true, .. }) => return Some(Self(name)),
            Ok(said) => tracing::warn!("what comes in cannot be judged anew: {}", said.err.trim()),
            Err(error) => tracing::warn!(%error, "what comes in cannot be judged anew"),
        }
        None
    }
}

impl Drop for JudgedAnew {
    fn drop(&mut self) {
        try_to("nft", &["delete", "table", "inet", self.0.as_str()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_compared_with_what_is_said() {
        let key = WgKey::from([1; 32]);
        let said = format!("{key}\t192.0.2.1:51821\n{}\t(none)\n", WgKey::from([2; 32]));
        let read = read_endpoints(&said);
        assert_eq!(read, [(key, "192.0.2.1:51821".parse().unwrap())].into());
        for (said, at) in [
            ("192.0.2.1:51821", true),
            ("192.0.2.2:51821", false),
            ("192.0.2.1:51822", false),
            ("edge.harbor.example:51821", true),
            ("edge.harbor.example:1", false),
        ] {
            assert_eq!(is_at(&said.parse().unwrap(), read[&key]), at, "{said}");
        }
    }
}
