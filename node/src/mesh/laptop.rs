//! The configuration of a device, for wg-quick(8) or an app: one peer, so it never goes stale when nodes come and go.

use super::{Directory, KEEPALIVE, MeshDevice, Reach};
use crate::net::Endpoint;

/// Stands in the text where the caller puts the private key, which never passes through here.
pub const PRIVATE_KEY: &str = "@PRIVATE-KEY@";

/// Returns the text of a device's configuration, with [`PRIVATE_KEY`] for the key.
///
/// `at` is where the device dials its node: by domain name where there is one. The text never says `SaveConfig`, which
/// would overwrite the file. Source: wg-quick(8), v1.0.20210914.
pub fn laptop(directory: &Directory, device: &MeshDevice, at: &Endpoint) -> String {
    let pods = [directory.pods, directory.services].map(|network| format!(", {network}")).concat();
    format!(
        "[Interface]\n\
         PrivateKey = {PRIVATE_KEY}\n\
         Address = {ip}\n\
         MTU = {mtu}\n\n\
         [Peer]\n\
         # {via}\n\
         PublicKey = {key}\n\
         Endpoint = {at}\n\
         AllowedIPs = {network}{pods}\n\
         PersistentKeepalive = {KEEPALIVE}\n",
        ip = device.ip.alone(),
        mtu = directory.mtu,
        via = device.via,
        key = directory.nodes[&device.via].key,
        network = directory.network,
        pods = if device.reach.contains(&Reach::Pods) { pods } else { String::new() },
    )
}
