//! The network by ip(8) and wg(8), the programs that every target has: what they print is what people can check.
//!
//! A kernel without WireGuard gets Debian's wireguard-go. It runs in a unit of its own, so that neither a restart of
//! knarrd nor the end of knarr-boot.service takes it along, and systemd-run needs no D-Bus for that.

use super::programs::{IP, SYSTEMCTL, SYSTEMD_RUN, WG};
use crate::host::Fault;
use crate::host::network::{Device, Setting, Tunnel, Way, WireGuard};
use ipnet::{IpNet, Ipv4Net};
use knarr_node::item::{Address, WgPeer};
use knarr_node::name::DeviceName;
use knarr_node::net::{Endpoint, WgKey};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;
use zeroize::Zeroizing;

/// A device as `ip -json -details addr` has it. Source: ip-address(8), iproute2 6.1.
#[derive(Deserialize)]
struct Link {
    flags: BTreeSet<String>,
    mtu: u32,
    #[serde(default)]
    linkinfo: Kind,
    #[serde(default)]
    addr_info: Vec<LinkAddress>,
}

#[derive(Default, Deserialize)]
struct Kind {
    #[serde(default)]
    info_kind: String,
}

#[derive(Deserialize)]
struct LinkAddress {
    family: String,
    local: Option<String>,
    prefixlen: u8,
}

pub(super) async fn device(name: &DeviceName) -> Result<Option<Device>, Fault> {
    let Some(link) = link(name).await? else { return Ok(None) };
    let addresses = link.addr_info.iter().filter(|address| address.family == "inet").filter_map(v4);
    let wireguard = match link.linkinfo.info_kind.as_str() {
        "wireguard" => Some(wireguard(name).await?),
        // What wireguard-go made is a TUN device; one of another program answers no wg.
        "tun" => wireguard(name).await.ok(),
        _ => None,
    };
    let up = link.flags.contains("UP");
    Ok(Some(Device { up, mtu: link.mtu, addresses: addresses.collect(), wireguard }))
}

fn v4(address: &LinkAddress) -> Option<Ipv4Net> {
    let local: Ipv4Addr = address.local.as_ref()?.parse().ok()?;
    Ipv4Net::new(local, address.prefixlen).ok()
}

async fn link(name: &DeviceName) -> Result<Option<Link>, Fault> {
    let output = IP.run(&["-json", "-details", "addr", "show", "dev", name.as_str()]).await?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("does not exist") {
        return Ok(None);
    }
    let links: Result<Vec<Link>, _> = serde_json::from_slice(&IP.good(&output)?.stdout);
    let links = links.map_err(|error| IP.odd(&error.to_string()))?;
    Ok(links.into_iter().next())
}

/// Source: wg(8), v1.0.20210914: `dump` has the device's line first, with the private key, which goes at once.
async fn wireguard(name: &DeviceName) -> Result<WireGuard, Fault> {
    let output = WG.run(&["show", name.as_str(), "dump"]).await?;
    let text = Zeroizing::new(WG.good(&output)?.stdout.clone());
    drop(Zeroizing::new(output.stdout));
    let text = str::from_utf8(&text).map_err(|error| WG.odd(&error.to_string()))?;
    read(text).ok_or_else(|| WG.odd("it prints what wg 1.0.20210914 does not"))
}

fn read(dump: &str) -> Option<WireGuard> {
    let mut lines = dump.lines();
    let words: Vec<&str> = lines.next()?.split('\t').collect();
    let [_, key, port, _] = words[..] else { return None };
    let key = if key == "(none)" { None } else { Some(key.parse().ok()?) };
    let tunnels = lines.map(tunnel).collect::<Option<_>>()?;
    Some(WireGuard { port: port.parse().ok()?, key, tunnels })
}

fn tunnel(line: &str) -> Option<(WgKey, Tunnel)> {
    let words: Vec<&str> = line.split('\t').collect();
    let [key, _, endpoint, allowed, _, _, _, keepalive] = words[..] else { return None };
    let some = |text: &'static str| move |word: &&str| *word != text;
    let nets = allowed.split(',').filter(some("(none)")).map(|net| net.parse::<IpNet>().ok());
    let tunnel = Tunnel {
        endpoint: Some(endpoint).filter(some("(none)")).and_then(|there| there.parse().ok()),
        allowed: nets.collect::<Option<_>>()?,
        keepalive: Some(keepalive).filter(some("off")).map(str::parse).transpose().ok()?,
    };
    Some((key.parse().ok()?, tunnel))
}

pub(super) async fn private_key(name: &DeviceName) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let output = WG.run(&["show", name.as_str(), "private-key"]).await?;
    WG.good(&output)?;
    let key = Zeroizing::new(output.stdout);
    Ok(if key.starts_with(b"(none)") { Zeroizing::default() } else { key })
}

pub(super) async fn add_device(name: &DeviceName) -> Result<(), Fault> {
    let output = IP.run(&["link", "add", "dev", name.as_str(), "type", "wireguard"]).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("Unknown device type") || said.contains("not supported") {
        return in_user_space(name).await;
    }
    IP.good(&output).map(drop)
}

/// How long wireguard-go may take until its device answers; it needs milliseconds.
const START: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(50);

/// wireguard-go stays in the foreground: when it forks, what it leaves behind ends at once on a busy machine
/// (seen with Debian 12's 0.0.20220316 as a forking unit, in 20 of 25 starts under load).
async fn in_user_space(name: &DeviceName) -> Result<(), Fault> {
    super::programs::need("/usr/bin/wireguard-go", "wireguard-go")?;
    let unit = format!("--unit={}", unit(name));
    let about = format!("--description=WireGuard device {name}");
    let early = "--property=DefaultDependencies=no";
    let words = [
        "--quiet",
        "--collect",
        &unit,
        &about,
        early,
        "--property=Type=exec",
        "wireguard-go",
        "--foreground",
        name.as_str(),
    ];
    SYSTEMD_RUN.must(&words).await?;
    let answers = async {
        while wireguard(name).await.is_err() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(START, answers).await.map_err(|_| Fault::NoDevice(name.clone()))
}

/// Returns the unit of a device in user space; a sign that no unit's name may have becomes an underscore.
fn unit(name: &DeviceName) -> String {
    format!("knarr-wg-{}.service", name.as_str().replace(['+', '='], "_"))
}

pub(super) async fn set_device(name: &DeviceName, setting: &Setting) -> Result<(), Fault> {
    let name = name.as_str();
    match setting {
        Setting::Key(path) => WG.must(&["set", name, "private-key", path.as_str()]).await,
        Setting::Port(port) => WG.must(&["set", name, "listen-port", &port.to_string()]).await,
        Setting::Mtu(bytes) => IP.must(&["link", "set", "dev", name, "mtu", &bytes.to_string()]).await,
        Setting::Up => IP.must(&["link", "set", "dev", name, "up"]).await,
    }
}

/// The unit goes first: with its device gone, wireguard-go ends by itself, but only some time later.
pub(super) async fn remove_device(name: &DeviceName) -> Result<(), Fault> {
    if link(name).await?.is_some_and(|link| link.linkinfo.info_kind == "tun") {
        // The device may have been made by hand, without a unit.
        SYSTEMCTL.run(&["stop", &unit(name)]).await?;
    }
    if link(name).await?.is_none() {
        return Ok(());
    }
    IP.must(&["link", "delete", "dev", name.as_str()]).await
}

pub(super) async fn set_tunnel(peer: &WgPeer) -> Result<(), Fault> {
    let allowed: Vec<String> = peer.allowed.iter().map(ToString::to_string).collect();
    let keepalive = peer.keepalive.map_or_else(|| "off".to_owned(), |secs| secs.to_string());
    let (device, key) = (peer.device.as_str(), peer.key.to_string());
    let words = ["set", device, "peer", &key, "persistent-keepalive", &keepalive, "allowed-ips"];
    WG.must(&[&words[..], &[&allowed.join(",")]].concat()).await
}

pub(super) async fn set_endpoint(device: &DeviceName, key: WgKey, to: &Endpoint) -> Result<(), Fault> {
    WG.must(&["set", device.as_str(), "peer", &key.to_string(), "endpoint", &to.to_string()]).await
}

pub(super) async fn remove_tunnel(device: &DeviceName, key: WgKey) -> Result<(), Fault> {
    WG.must(&["set", device.as_str(), "peer", &key.to_string(), "remove"]).await
}

pub(super) async fn add_address(address: &Address) -> Result<(), Fault> {
    IP.must(&["addr", "replace", &address.ip.to_string(), "dev", address.device.as_str()]).await
}

pub(super) async fn remove_address(address: &Address) -> Result<(), Fault> {
    IP.must(&["addr", "delete", &address.ip.to_string(), "dev", address.device.as_str()]).await
}

/// The kernel lists them as it takes them: by metric. One without a device, e.g. a blackhole, is said to be by `lo`.
pub(super) async fn ways(to: Ipv4Net) -> Result<Vec<Way>, Fault> {
    let words = ["-oneline", "-4", "route", "show", "table", "main", "exact", &to.to_string()];
    let output = IP.run(&words).await?;
    let text = String::from_utf8_lossy(&IP.good(&output)?.stdout).into_owned();
    Ok(text.lines().map(way).collect())
}

fn way(line: &str) -> Way {
    // What the kernel only says, and nobody can ask for.
    let said = ["\\", "linkdown", "dead", "offload", "trap"];
    let words: Vec<&str> = line.split_whitespace().filter(|word| !said.contains(word)).collect();
    let named = words.iter().skip_while(|word| **word != "dev").nth(1);
    let device = named.and_then(|name| name.parse().ok());
    Way { device: device.unwrap_or_else(lo), words: words.join(" ") }
}

fn lo() -> DeviceName {
    "lo".parse().expect("a device's name")
}

pub(super) async fn put_way(words: &str) -> Result<(), Fault> {
    on_way("replace", words).await
}

pub(super) async fn remove_way(words: &str) -> Result<(), Fault> {
    on_way("delete", words).await
}

async fn on_way(verb: &str, words: &str) -> Result<(), Fault> {
    let words: Vec<&str> = words.split_whitespace().collect();
    IP.must(&[&["-4", "route", verb][..], &words].concat()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_of_wg_is_read_without_its_private_key() {
        let key = "oulpR2wlYmPwbqez/DVynN+KMQ+rkgz0yQ40QHA+bVw=";
        let line = format!("{key}\t(none)\t[2001:db8::7]:51821\t10.210.0.3/32,fd00::/64\t0\t0\t0\t25\n");
        let other = format!("{}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n", key.replace('o', "p"));
        let found = read(&format!("secret\t{key}\t51821\toff\n{line}{other}")).unwrap();
        assert_eq!((found.port, found.key.unwrap().to_string(), found.tunnels.len()), (51821, key.into(), 2));
        let tunnel = &found.tunnels[&key.parse().unwrap()];
        assert_eq!((tunnel.keepalive, tunnel.allowed.len()), (Some(25), 2));
        assert_eq!(tunnel.endpoint.unwrap().to_string(), "[2001:db8::7]:51821");
        assert_eq!(read("(none)\t(none)\t0\toff\n"), Some(WireGuard::default()));
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_way_keeps_the_words_that_make_it_again() {
        let way = way("10.210.0.0/16 via 203.0.113.1 dev host0 proto static metric 5 linkdown ");
        assert_eq!(way.device.as_str(), "host0");
        assert_eq!(way.words, "10.210.0.0/16 via 203.0.113.1 dev host0 proto static metric 5");
        assert_eq!(super::way("blackhole 10.210.0.0/16 ").device.as_str(), "lo");
    }
}
