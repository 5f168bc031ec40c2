use super::*;
use crate::host::{Look, look};
use crate::item::{Account, Check, Dir, File, Gate, Item, Link, NftTable, Sysctl, Unit, WgPeer};
use crate::name::{AbsPath, Digest, HttpsUrl};

fn path(text: &str) -> AbsPath {
    text.parse().unwrap()
}
fn file(at: &str, text: &str) -> Item {
    Item::File(File::text(path(at), text))
}
fn unit(name: &str, reads: &[&str]) -> Item {
    let reads = reads.iter().map(|read| path(read)).collect();
    Item::Unit(Unit::new(name.parse().unwrap(), None, reads))
}
fn listing(plan: &Plan) -> Vec<String> {
    plan.changes().map(Change::to_string).collect()
}

/// The rest of a machine of which only [`Look::see`] counts.
macro_rules! nothing_else {
    () => {
        fn names(&self, _: &AbsPath) -> Result<BTreeSet<String>, Why> {
            Ok([].into())
        }
        fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Why> {
            Err(Why(format!("{url} does not answer")))
        }
    };
}

/// A machine that holds exactly these items.
struct Holds(Vec<Item>);
impl Look for Holds {
    fn see(&self, id: &Id, _: Option<&Item>) -> Seen {
        self.0.iter().find(|item| item.id() == *id).cloned().map_or(Seen::Absent, Seen::Is)
    }
    nothing_else!();
}
fn between(have: &[Item], want: &[Item]) -> Plan {
    plan(want, &look(scope(want, &Owned::of(have)), &Holds(have.to_vec())))
}

#[test]
fn a_machine_that_holds_all_needs_nothing() {
    let items = [file("/a", "1"), unit("x.service", &["/a"])];
    assert!(between(&items, &items).is_empty());
}

#[test]
fn a_unit_restarts_when_what_it_reads_changes() {
    let plan = between(
        &[file("/a", "1"), unit("x.service", &["/a"])],
        &[file("/a", "2"), unit("x.service", &["/a"])],
    );
    assert_eq!(listing(&plan), ["change path /a", "restart unit x.service"]);
}

#[test]
fn what_a_unit_reads_comes_first_even_when_listed_later() {
    let plan = between(&[], &[unit("x.service", &["/a"]), file("/a", "1")]);
    assert_eq!(listing(&plan), ["make path /a", "make unit x.service"]);
}

#[test]
fn what_is_no_longer_wanted_goes_bottom_to_top_at_the_end() {
    let have = [file("/a", "1"), unit("x.service", &["/a"]), file("/b", "1")];
    let plan = between(&have, &[file("/c", "1")]);
    assert_eq!(listing(&plan), ["make path /c", "remove path /b", "remove unit x.service", "remove path /a"]);
}

#[test]
fn a_removed_file_goes_before_the_unit_that_read_it_restarts() {
    let have = [file("/a", "1"), file("/b", "1"), unit("x.service", &["/a", "/b"])];
    let plan = between(&have, &[file("/a", "1"), unit("x.service", &["/a"])]);
    assert_eq!(listing(&plan), ["remove path /b", "change unit x.service"]);
}

#[test]
fn a_file_becomes_a_link_by_one_change() {
    let link = Item::Link(Link { path: path("/a"), to: path("/b") });
    assert_eq!(listing(&between(&[file("/a", "1")], &[link])), ["change path /a"]);
}

#[test]
fn only_owned_ids_are_removed() {
    let plan = plan(&[], &look(scope(&[], &Owned::default()), &Holds(vec![file("/a", "1")])));
    assert!(plan.is_empty());
}

#[test]
fn what_cannot_be_seen_is_skipped_with_what_reads_it() {
    struct Blind;
    impl Look for Blind {
        fn see(&self, id: &Id, _: Option<&Item>) -> Seen {
            if id.to_string() == "path /a" {
                Seen::Unknown(Why("input/output error".into()))
            } else {
                Seen::Absent
            }
        }
        nothing_else!();
    }
    let want = [file("/a", "1"), unit("x.service", &["/a"]), file("/b", "1")];
    let plan = plan(&want, &look(scope(&want, &Owned::default()), &Blind));
    assert_eq!(listing(&plan), ["make path /b"]);
    assert_eq!(plan.skipped.len(), 2);
    assert_eq!(plan.skipped[1].1.to_string(), "it reads path /a, which cannot be seen");
}

#[test]
fn what_has_no_way_back_stands_alone() {
    let never = Item::Sysctl(Sysctl { key: "kernel.modules_disabled".parse().unwrap(), value: "1".into() });
    let plan = between(&[], &[file("/a", "1"), never, file("/b", "1")]);
    let stages: Vec<_> = plan.stages.iter().map(|stage| (stage.name, stage.changes.len())).collect();
    assert_eq!(stages, [(StageName::Rest, 1), (StageName::Alone, 1), (StageName::Rest, 1)]);
}

#[test]
fn undo_wants_what_was_there_in_the_order_of_a_state() {
    let have = [file("/a", "1"), unit("x.service", &["/a"])];
    let done: Vec<Change> = between(&have, &[file("/b", "1")]).changes().cloned().collect();
    let now = Holds(vec![file("/b", "1")]);
    let want = undo_want(&done);
    let back = undo(&done, &look(scope(&want, &undo_owned(&done)), &now));
    assert_eq!(listing(&back), ["make path /a", "make unit x.service", "remove path /b"]);
}

#[test]
fn a_new_account_says_that_it_stays() {
    let account = Account { name: "me".parse().unwrap(), sudo: true, keys: [].into() };
    let change = Change::to(None, Item::Account(account));
    assert!(matches!(change.back(), Back::Keep(_)));
}

#[test]
fn undo_wants_the_oldest_of_two_that_a_crash_put_into_one_pass() {
    let done = [Change::away(file("/a", "first")), Change::away(file("/a", "second"))];
    assert_eq!(undo_want(&done), [file("/a", "first")]);
}

#[test]
fn a_unit_that_read_what_cannot_be_seen_is_left_alone_even_when_listed_first() {
    struct Half;
    impl Look for Half {
        fn see(&self, id: &Id, _: Option<&Item>) -> Seen {
            if matches!(id, Id::Unit(_)) {
                return Seen::Is(unit("x.service", &["/a"]));
            }
            Seen::Unknown(Why("no".into()))
        }
        nothing_else!();
    }
    let want = [unit("x.service", &[]), file("/a", "1")];
    let plan = plan(&want, &look(scope(&want, &Owned::default()), &Half));
    assert_eq!((plan.is_empty(), plan.skipped.len()), (true, 2));
}

fn stages(plan: &Plan) -> Vec<(StageName, Vec<String>)> {
    let changes = |stage: &Stage| stage.changes.iter().map(Change::to_string).collect();
    plan.stages.iter().map(|stage| (stage.name, changes(stage))).collect()
}

#[test]
fn the_network_grows_before_all_else_and_shrinks_after_it() {
    let table = |name: &str| Item::Table(NftTable { name: name.parse().unwrap(), text: String::new() });
    let have = [table("old"), file("/old", "1")];
    let plan = between(&have, &[file("/new", "1"), table("new")]);
    assert_eq!(
        stages(&plan),
        [
            (StageName::NetworkAdd, vec!["make table new".to_owned()]),
            (StageName::Rest, vec!["make path /new".to_owned(), "remove path /old".to_owned()]),
            (StageName::NetworkRemove, vec!["remove table old".to_owned()]),
        ]
    );
}

#[test]
fn sshd_and_all_that_it_reads_change_together_under_the_guard() {
    let checked = |at: &str| Item::File(File { check: Some(Check::Sshd), ..File::text(path(at), "1") });
    let have = [checked("/ssh/a"), file("/banner", "1"), unit("ssh.service", &["/ssh/a", "/banner"])];
    let want = [file("/banner", "2"), unit("ssh.service", &["/banner"]), file("/other", "1")];
    let network = ["change path /banner", "remove path /ssh/a", "change unit ssh.service"].map(str::to_owned);
    let rest = vec!["make path /other".to_owned()];
    let plan = stages(&between(&have, &want));
    assert_eq!(plan, [(StageName::NetworkAdd, network.to_vec()), (StageName::Rest, rest)]);
}

#[test]
fn an_id_reads_as_it_is_written() {
    let key = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    for id in [
        "path /etc/motd",
        "unit ssh.service",
        "device knarr0",
        &format!("peer knarr0 {key}"),
        "address knarr0 10.210.0.2/32",
        "route 10.210.0.0/16",
        "table knarr",
        "hosts names",
        &format!("artifact k3s {}", "0".repeat(64)),
    ] {
        assert_eq!(id.parse::<Id>().unwrap().to_string(), id);
    }
    for odd in ["peer knarr0", "hosts", "hosts x", "route here", "door front"] {
        assert!(odd.parse::<Id>().is_err(), "{odd}");
    }
}

fn peer(key: u8, last_bytes: &[u8]) -> Item {
    let net = |byte: &u8| format!("10.210.0.{byte}/32").parse().unwrap();
    Item::Peer(WgPeer {
        device: "knarr0".parse().unwrap(),
        name: "x".parse().unwrap(),
        key: [key; 32].into(),
        endpoint: None,
        allowed: last_bytes.iter().map(net).collect(),
        keepalive: None,
    })
}

/// Returns the addresses of each peer after each change, as WireGuard would have them that takes silently.
fn moves(plan: &Plan) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
    let bytes = |item: Option<&Item>| match item {
        Some(Item::Peer(peer)) => peer.allowed.iter().map(|net| net.addr().octets()[3]).collect(),
        _ => Vec::new(),
    };
    let key = |change: &Change| (1..9).find(|key| *change.id() == peer(*key, &[]).id()).unwrap();
    plan.changes().map(|change| (key(change), bytes(change.from()), bytes(change.wanted()))).collect()
}

#[test]
fn an_address_is_given_up_before_another_tunnel_takes_it() {
    let plan = between(&[peer(1, &[1, 7]), peer(2, &[2])], &[peer(2, &[2, 7]), peer(1, &[1])]);
    assert_eq!(moves(&plan), [(1, vec![1, 7], vec![1]), (2, vec![2], vec![2, 7])]);
}

#[test]
fn tunnels_that_swap_addresses_first_give_up_both() {
    let plan = between(&[peer(1, &[1]), peer(2, &[2])], &[peer(1, &[2]), peer(2, &[1])]);
    assert_eq!(
        moves(&plan),
        [(1, vec![1], vec![]), (2, vec![2], vec![]), (1, vec![], vec![2]), (2, vec![], vec![1])]
    );
}

#[test]
fn a_tunnel_that_goes_gives_up_its_address_in_the_stage_of_who_takes_it() {
    let plan = between(&[peer(1, &[7])], &[peer(2, &[7])]);
    assert_eq!(moves(&plan), [(1, vec![7], vec![]), (2, vec![], vec![7]), (1, vec![7], vec![])]);
    let stages: Vec<StageName> = plan.stages.iter().map(|stage| stage.name).collect();
    assert_eq!(stages, [StageName::NetworkAdd, StageName::NetworkRemove]);
}

#[test]
fn what_a_unit_waits_for_and_what_may_lie_in_a_folder_change_nothing_on_the_machine() {
    let waiting = |waits| {
        let Item::Unit(unit) = unit("x.service", &["/a"]) else { unreachable!() };
        Item::Unit(Unit { waits, ..unit })
    };
    let dir = |only: &[&str]| {
        Item::Dir(Dir { path: path("/d"), only: only.iter().map(|&name| name.into()).collect() })
    };
    let gate = Gate::Settled("edge".parse().unwrap());
    let have = [waiting(vec![]), dir(&[])];
    let want = [waiting(vec![gate.clone()]), dir(&["a"])];
    assert!(between(&have, &want).is_empty());
    let plan = between(&[], &want);
    let gates: Vec<&[Gate]> = plan.changes().map(Change::waits).collect();
    assert_eq!(gates, [&[gate][..], &[]]);
    assert!(
        plan.changes().all(|change| change.swapped().waits().is_empty()),
        "the way back waits for nothing"
    );
}
