//! What holds for every pair of States and every machine.

use crate::fake::Machine;
use crate::world::{
    PATHS, UNITS, account, address, assert_reached, cause, device, dir, file, holds, hosts, link, machine,
    on_journal, pass, peer, route, shape, table, ttl, undo_on, unit,
};
use knarr_node::report::Trouble;
use knarr_node::{Have, Id, Item, plan};
use knarrd::converge::Done;
use proptest::option;
use proptest::prelude::*;

fn path_item(path: usize) -> impl Strategy<Value = Item> {
    let text = prop_oneof![Just("1\n"), Just("2\n"), Just("")];
    let mode = prop_oneof![Just(0o644), Just(0o600)];
    prop_oneof![
        4 => (text, mode).prop_map(move |(text, mode)| file(path, text, mode)),
        1 => Just(link(path, "/etc/hostname")),
    ]
}

fn unit_item(number: usize) -> impl Strategy<Value = Item> {
    let reads = proptest::sample::subsequence(vec![0, 1, 2], 0..=3);
    let word = prop_oneof![Just("one"), Just("two")];
    (word, reads).prop_map(move |(word, reads)| unit(number, word, &reads))
}

fn account_item() -> impl Strategy<Value = Item> {
    let keys = proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    (any::<bool>(), keys).prop_map(|(sudo, keys)| account(sudo, &keys))
}

/// A mesh in the order in which a State is lowered; each of four addresses lies behind one tunnel at most.
fn mesh() -> impl Strategy<Value = Vec<Item>> {
    let device = (prop_oneof![Just(51821), Just(51822)], prop_oneof![Just(1380), Just(1420)])
        .prop_map(|(port, mtu)| device(port, mtu));
    let end = prop_oneof![Just("203.0.113.7:51821"), Just("203.0.113.8:51821")];
    let behind = proptest::collection::vec(0..4_usize, 4);
    let peers = (proptest::sample::subsequence(vec![1, 2, 3], 0..=3), behind, end).prop_map(
        |(there, behind, end)| {
            let peers = there.into_iter().map(move |number: u8| {
                let last = (1..=4).filter(|byte| behind[usize::from(*byte) - 1] == usize::from(number));
                peer(number, (number == 2).then_some(end), &last.collect::<Vec<u8>>())
            });
            peers.collect::<Vec<Item>>()
        },
    );
    let rest = (option::of(Just(address("10.210.0.9/32"))), option::of(Just(route())));
    (device, rest, peers.prop_shuffle()).prop_map(|(device, (address, route), peers)| {
        [Some(device), address, route].into_iter().flatten().chain(peers).collect()
    })
}

/// Any State of the small world: mesh and table first, the rest in any order.
fn state() -> impl Strategy<Value = Vec<Item>> {
    let table = option::of(prop_oneof![Just(table("one")), Just(table("two"))]);
    (table, option::of(mesh()), others()).prop_map(|(table, mesh, others)| {
        table.into_iter().chain(mesh.into_iter().flatten()).chain(others).collect()
    })
}

/// Any State without a network, in any order.
fn others() -> impl Strategy<Value = Vec<Item>> {
    let paths = (option::of(path_item(0)), option::of(path_item(1)), option::of(path_item(2)));
    let units = (option::of(unit_item(0)), option::of(unit_item(1)), option::of(unit_item(2)));
    let names = proptest::sample::subsequence(vec![1, 2, 3], 0..=3).prop_map(|names| hosts(&names));
    let rest = (option::of((64..68_u32).prop_map(ttl)), option::of(account_item()), option::of(names));
    let folder = option::of(prop_oneof![Just(dir(&["c"])), Just(dir(&["c", "d"]))]);
    (paths, units, rest, folder)
        .prop_map(|((a, b, c), (x, y, z), (ttl, me, names), folder)| {
            [folder, a, b, c, x, y, z, ttl, me, names].into_iter().flatten().collect()
        })
        .prop_flat_map(|items: Vec<Item>| Just(items).prop_shuffle())
}

/// A place that somebody cannot see or change.
fn place() -> impl Strategy<Value = &'static str> {
    proptest::sample::select([&PATHS[..], &UNITS[..]].concat())
}

fn try_pass(machine: &Machine, want: &[Item], digit: &str) -> Done {
    on_journal(machine, want, &mut machine.journal(), digit).unwrap()
}

fn touches(item: &Item, place: &str) -> bool {
    let own = [format!("path {place}"), format!("unit {place}")];
    own.contains(&item.id().to_string()) || item.reads().any(|path| path.as_str() == place)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_to_what_is_there_is_empty(items in state()) {
        prop_assert!(plan(&items, &Have::of(&items)).is_empty());
    }

    #[test]
    fn a_pass_reaches_what_is_wanted_and_the_next_one_writes_nothing(have in state(), want in state()) {
        let machine = machine();
        pass(&machine, &have, "a");
        pass(&machine, &want, "b");
        let mut journal = machine.journal();
        machine.die_at(1);
        let again = on_journal(&machine, &want, &mut journal, "c").unwrap();
        prop_assert!(again.changes.is_empty() && !machine.is_dead());
    }

    #[test]
    fn undo_returns(have in state(), want in state()) {
        let machine = machine();
        pass(&machine, &have, "a");
        let before = shape(&machine);
        let done = pass(&machine, &want, "b");
        prop_assume!(!done.changes.is_empty());
        let (commit, undone) = undo_on(&machine, &mut machine.journal()).unwrap();
        prop_assert_eq!(commit, cause("b").commit);
        prop_assert_eq!(undone.troubles.len(), 0);
        prop_assert_eq!(shape(&machine), before);
        prop_assert!(undo_on(&machine, &mut machine.journal()).is_err());
        pass(&machine, &want, "b");
    }

    #[test]
    fn what_is_unknown_is_left_alone_with_what_reads_it(have in state(), want in state(), place in place()) {
        let machine = machine();
        pass(&machine, &have, "a");
        let before = shape(&machine);
        machine.blind(place);
        let done = try_pass(&machine, &want, "b");
        prop_assert!(done.troubles.values().all(|trouble| matches!(trouble, Trouble::Unknown(_))));
        let seen: Vec<Id> = want.iter().map(Item::id).chain(before.owned.clone()).collect();
        let looked_at = seen.iter().any(|id| id.to_string().ends_with(place));
        let untouched = |change: &knarr_node::Change| {
            !looked_at || ![change.from(), change.wanted()].into_iter().flatten().any(|item| touches(item, place))
        };
        prop_assert!(done.changes.iter().all(untouched));
        let now = machine.everything();
        prop_assert_eq!(now.get(place), before.files.get(place));
        machine.mend();
        pass(&machine, &want, "b");
    }

    #[test]
    fn what_fails_stops_only_what_reads_it(have in state(), want in state(), place in place()) {
        let machine = machine();
        pass(&machine, &have, "a");
        machine.break_at(place);
        let done = try_pass(&machine, &want, "b");
        for item in want.iter().filter(|item| !touches(item, place)) {
            prop_assert!(holds(&machine, item), "{} after {:?}", item.id(), done.troubles);
        }
        let failed: Vec<&Id> = done.troubles.keys().collect();
        for change in &done.changes {
            let reads_failed = change.wanted().is_some_and(|item| {
                item.reads().any(|path| failed.contains(&&Id::Path(path.clone())))
            });
            prop_assert!(!reads_failed, "{change} was done after {failed:?}");
        }
        machine.mend();
        pass(&machine, &want, "b");
    }

    #[test]
    fn only_what_knarr_made_is_removed(have in state(), want in state()) {
        let machine = machine();
        let (foreign, net) = (machine.everything(), machine.net());
        pass(&machine, &have, "a");
        pass(&machine, &want, "b");
        pass(&machine, &[], "c");
        let mut now = machine.everything();
        now.retain(|path, _| !path.contains("/multi-user.target.wants/"));
        let made = have.iter().chain(&want).map(Item::id).collect::<Vec<_>>();
        for (path, content) in foreign {
            let owned = made.contains(&Id::Path(path.parse().unwrap()));
            prop_assert!(owned || now.get(&path) == Some(&content), "{path}");
            now.remove(&path);
        }
        prop_assert!(now.is_empty(), "left behind: {now:?}");
        prop_assert_eq!(machine.net(), net);
        assert_reached(&machine, &[]);
    }
}
