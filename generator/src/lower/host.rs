//! `host:` as Items.

use super::own;
use crate::model::Host;
use knarr_node::item::{File, Item, Sysctl};

/// Machines forward for pods, for devices and for others behind NAT.
const FORWARD: &str = "net.ipv4.ip_forward";

/// Returns the kernel parameters: the file for the next boot, then each live value.
pub(super) fn sysctl(host: &Host) -> Vec<Item> {
    let mut all = host.sysctl.clone();
    all.insert(FORWARD.parse().expect("it is a sysctl key"), "1".to_owned());
    let lines: Vec<String> = all.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let path = own::SYSCTL.parse().expect("it is an absolute path");
    let live = all.into_iter().map(|(key, value)| Sysctl { key, value });
    std::iter::once(Item::File(File::text(path, lines.concat()))).chain(live.map(Item::Sysctl)).collect()
}

/// Returns files, then links.
pub(super) fn files(host: &Host) -> impl Iterator<Item = Item> {
    let links = host.links.values().cloned().map(Item::Link);
    host.files.values().cloned().map(Item::File).chain(links)
}

/// Returns the units.
pub(super) fn units(host: &Host) -> impl Iterator<Item = Item> {
    host.units.values().cloned().map(Item::Unit)
}
