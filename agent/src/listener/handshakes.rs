//! Asks WireGuard when each node of the directory answered last.

use super::Place;
use crate::child::{Confined, Limits};
use knarr_node::name::NodeName;
use knarr_node::net::WgKey;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), memory: 512 << 20, file: 0 };

/// Returns for each node with a tunnel to this one the time of the last handshake in seconds since 1970, or none
/// when it has not answered since the device came up. Where `wg` says nothing, nothing is known.
pub(super) fn handshakes(place: &Place) -> BTreeMap<NodeName, Option<u64>> {
    let mut wg = Confined::new("wg", Path::new("/"), LIMITS);
    wg.command().args(["show", "all", "latest-handshakes"]);
    match wg.run(Vec::new()) {
        Ok(said) if said.success => read(&said.out, place),
        _ => BTreeMap::new(),
    }
}

/// Source: wg(8), v1.0.20210914: with `all` the device comes first; columns are set off by tabs; 0 is never.
fn read(said: &str, place: &Place) -> BTreeMap<NodeName, Option<u64>> {
    let names: BTreeMap<WgKey, &NodeName> =
        place.directory.nodes.iter().map(|(name, node)| (node.key, name)).collect();
    let line = |line: &str| {
        let mut words = line.split('\t').skip(1);
        let (key, at) = (words.next()?.parse().ok()?, words.next()?.parse::<u64>().ok()?);
        Some(((*names.get(&key)?).clone(), (at > 0).then_some(at)))
    };
    said.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::Mesh;
    use super::*;

    #[test]
    fn a_handshake_is_told_by_the_name_of_the_node() {
        let mesh = Mesh::new(3);
        let place = mesh.place(1, &mesh.floor);
        let key = |number: u8| WgKey::from([number; 32]);
        let said = format!("knarr0\t{}\t1700000000\nknarr0\t{}\t0\nother\t{}\t5\n", key(2), key(3), key(9));
        let told: Vec<(String, Option<u64>)> =
            read(&said, &place).into_iter().map(|(name, at)| (name.to_string(), at)).collect();
        assert_eq!(told, [("n2".to_owned(), Some(1_700_000_000)), ("n3".to_owned(), None)]);
    }
}
