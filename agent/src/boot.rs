//! What a machine does before its network comes up: the mesh and the table of the last proven pass, without git, D-Bus,
//! network or clock. It never decides anything, and a machine whose knarrd is dead boots into it all the same.

use knarr_node::{Act, Change, Id, Item, Owned, Seen};

/// Returns what is made at boot of the items of the last proven pass: what the kernel forgets and the machine is reached
/// by. A later pass may have given something up before it was proven: that is not made again, for nobody would own it.
pub fn restored(proven: &[Item], owned: &Owned) -> Vec<Item> {
    proven.iter().filter(|item| is_network(item) && owned.has(&item.id())).cloned().collect()
}

fn is_network(item: &Item) -> bool {
    match item {
        Item::Device(_) | Item::Peer(_) | Item::Address(_) | Item::Route(_) | Item::Table(_) => true,
        Item::Sysctl(_)
        | Item::File(_)
        | Item::Link(_)
        | Item::Unit(_)
        | Item::Account(_)
        | Item::Artifact(_)
        | Item::Hosts(_) => false,
    }
}

/// Makes each item so, in order, as far as that can be; returns what failed, and why.
pub fn make(host: &mut dyn Act, items: &[Item]) -> Vec<(Id, String)> {
    let differs = |host: &dyn Act, item: &Item| host.see(&item.id(), Some(item)) != Seen::Is(item.clone());
    let mut failed = Vec::new();
    for item in items {
        if differs(host, item)
            && let Err(error) = host.act(&Change::to(None, item.clone()))
        {
            failed.push((item.id(), error.why));
        }
    }
    failed
}
