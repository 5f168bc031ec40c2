//! `host:` as Items.

use super::own;
use crate::model::Host;
use knarr_node::item::{File, Item, Sysctl};

/// Returns the kernel parameters: the file for the next boot, then each live value.
pub(super) fn sysctl(host: &Host) -> Vec<Item> {
    if host.sysctl.is_empty() {
        return Vec::new();
    }
    let lines: Vec<String> = host.sysctl.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let path = own::SYSCTL.parse().expect("it is an absolute path");
    let live = host.sysctl.iter().map(|(key, value)| Sysctl { key: key.clone(), value: value.clone() });
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
