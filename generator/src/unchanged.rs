//! What somebody who left could read, as `unchanged` in people/NAME.yaml lists it: a secret by its name, and a sealed value
//! as `NAMESPACE/SECRET#KEY`. What takes each away is here; nothing is read or written.

use crate::seal::SEALING_KEYS;
use crate::spec::At;
use knarr_node::name::DataKey;
use std::collections::BTreeSet;

/// How names of K3s's own keys begin: they are chosen when the cluster is born.
const OF_K3S: &str = "k3s-";

/// Returns how a value of a sealed Secret is listed.
pub fn value(title: &str, key: &DataKey) -> String {
    format!("{title}#{key}")
}

/// Puts first what must be changed first: a value that the old key seals is read by who has that key. What Knarr cannot
/// change comes last.
pub fn in_order(names: BTreeSet<String>) -> Vec<At<String>> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by_key(|name| (name != SEALING_KEYS, name.starts_with(OF_K3S), name.contains('#')));
    names.into_iter().map(At::from).collect()
}

/// Returns what changes a secret or a value: a command, but for K3s's own keys.
pub fn changed_by(name: &str) -> String {
    match name.split_once('#') {
        Some((title, key)) => format!("knarr seal set {title} {key} -"),
        None if name == SEALING_KEYS => "knarr sealing-key rotate".to_owned(),
        None if name.starts_with(OF_K3S) => "a new cluster: K3s got it at its birth".to_owned(),
        None => format!("knarr secret set {name}"),
    }
}

/// Returns what of a list stays open when some of it got a new value. Sealed values do while the list has the key that
/// seals them.
pub fn still_open(unchanged: &[At<String>], is_new: &dyn Fn(&str) -> bool) -> Vec<At<String>> {
    let has_key = unchanged.iter().any(|name| name.value == SEALING_KEYS && !is_new(name));
    let is_open = |name: &&At<String>| !is_new(name) || (has_key && name.contains('#'));
    unchanged.iter().filter(is_open).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(unchanged: &[&str], new: &str) -> Vec<String> {
        let unchanged: Vec<At<String>> = unchanged.iter().map(|name| At::from(*name)).collect();
        still_open(&unchanged, &|name| name == new).into_iter().map(|name| name.value).collect()
    }

    #[test]
    fn the_key_that_seals_comes_first_and_what_k3s_was_born_with_last() {
        let names = ["greeting", "k3s-token", "sealing-keys", "shop/db#password", "token"];
        let sorted: Vec<String> =
            in_order(names.map(str::to_owned).into()).into_iter().map(|name| name.value).collect();
        assert_eq!(sorted, ["sealing-keys", "greeting", "token", "shop/db#password", "k3s-token"]);
    }

    #[test]
    fn a_sealed_value_stays_open_as_long_as_the_key_that_seals_it() {
        let both = ["sealing-keys", "shop/db#password"];
        assert_eq!(open(&both, "shop/db#password"), both);
        assert_eq!(open(&both, "sealing-keys"), both[1..]);
        assert!(open(&both[1..], "shop/db#password").is_empty());
    }
}
