//! Old flows end here, so that only new ones can answer: WireGuard roams, and conntrack remembers.
//!
//! A wrong endpoint is hidden by the other end's own packets, and a closed port by an entry of conntrack that an answer
//! of ours made. So tunnels that changed are made anew and must be where they are said to be, and of the mesh port
//! entries must appear that begin outside.

use crate::child::{ChildError, Confined, Limits, Said};
use knarr_node::item::WgPeer;
use knarr_node::name::DeviceName;
use knarr_node::net::{Endpoint, Port, WgKey};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), memory: 512 << 20, file: 0 };

fn run(program: &'static str, words: &[&str]) -> Result<Said, ChildError> {
    let mut child = Confined::new(program, Path::new("/"), LIMITS);
    child.command().args(words);
    child.run(Vec::new())
}

/// Says what fails, and goes on: what does not work out does not answer either.
fn try_to(program: &'static str, words: &[&str]) {
    match run(program, words) {
        Ok(Said { success: true, .. }) => {}
        Ok(said) => tracing::debug!("{program} {}: {}", words.join(" "), said.err),
        Err(error) => tracing::debug!(%error, "{program} {}", words.join(" ")),
    }
}

/// Whether conntrack(8) is there, without which a closed port may look open.
pub(super) fn can_watch() -> bool {
    run("conntrack", &["--version"]).is_ok_and(|said| said.success)
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

/// Lets conntrack forget all flows of the mesh port: the next packet of each is judged by the table.
pub(super) fn forget(port: Port) {
    let port = port.to_string();
    for side in ["--orig-port-dst", "--orig-port-src"] {
        try_to("conntrack", &["-D", "-p", "udp", side, &port]);
    }
}

/// Whether a flow to the mesh port began at `from`, outside.
pub(super) fn came_in(port: Port, from: IpAddr) -> bool {
    let (port, from) = (port.to_string(), from.to_string());
    let family = if from.contains(':') { "ipv6" } else { "ipv4" };
    let words = ["-L", "-f", family, "-p", "udp", "--orig-src", &from, "--orig-port-dst", &port];
    run("conntrack", &words).is_ok_and(|said| said.success && said.out.contains("udp"))
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
