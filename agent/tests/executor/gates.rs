//! What comes before a unit: while it is closed the unit is left alone, and all else goes on.

use crate::fake::Machine;
use crate::outside::{Day, Others};
use crate::world::{cause, dir, file, machine, on_journal, pass, unit};
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::item::{Gate, Unit};
use knarr_node::name::Digest;
use knarr_node::report::{self, Trouble};
use knarr_node::{Id, Item};
use knarrd::converge::{Done, Means, converge};

const URL: &str = "https://10.210.0.1:6443/cacerts";
const DATA: &str = "/var/lib/server/db";

fn waiting(word: &str, gates: &[Gate]) -> Item {
    let Item::Unit(plain) = unit(0, word, &[0]) else { unreachable!("it is a unit") };
    Item::Unit(Unit { waits: gates.to_vec(), ..plain })
}

fn id() -> Id {
    unit(0, "", &[]).id()
}

fn ca(text: &str) -> Gate {
    let ca = Digest::of_sha256(digest(&SHA256, text.as_bytes()).as_ref());
    Gate::Url { at: vec!["https://10.210.0.9:6443/cacerts".parse().unwrap(), URL.parse().unwrap()], ca }
}

fn data() -> Gate {
    Gate::Data(DATA.parse().unwrap())
}

fn settled() -> Gate {
    Gate::Settled("edge".parse().unwrap())
}

fn on(day: Day, machine: &Machine, want: &[Item]) -> Done {
    let (mut host, mut outside, mut journal) =
        (machine.host([].into()), Others::on(machine, day), machine.journal());
    let means = Means { host: &mut host, outside: &mut outside, journal: &mut journal };
    converge(want, means, &cause("b")).unwrap()
}

/// The pass waits at this gate, and has done all else; returns why.
fn waits(day: Day, machine: &Machine, gates: &[Gate], at: &Gate) -> String {
    let done = on(day, machine, &[file(0, "new\n", 0o644), waiting("two", gates), file(1, "new\n", 0o644)]);
    assert_eq!(done.troubles, [(id(), Trouble::Held)].into());
    for path in ["/etc/k/a.conf", "/etc/k/b.conf"] {
        assert_eq!(machine.text(path).as_deref(), Some("new\n"));
    }
    let [report::Gate::Unit { unit, gate, why }] = &done.waits[..] else { panic!("{:?}", done.waits) };
    assert_eq!((unit.as_str(), gate), ("x.service", at));
    why.clone()
}

#[test]
fn a_unit_waits_until_an_address_gives_the_right_bytes() {
    let machine = machine();
    let gates = [ca("right")];
    assert!(waits(Day::Good, &machine, &gates, &gates[0]).contains("does not answer"));
    assert!(!machine.is_active(&"x.service".parse().unwrap()));
    machine.plant(URL, "wrong", 0o644);
    assert!(waits(Day::Good, &machine, &gates, &gates[0]).contains("gives other bytes"));
    machine.plant(URL, "right", 0o644);
    pass(&machine, &[file(0, "new\n", 0o644), waiting("two", &gates)], "b");
}

#[test]
fn a_unit_waits_until_another_node_has_settled_and_runs_as_before_meanwhile() {
    let machine = machine();
    let before = [file(0, "old\n", 0o644), waiting("one", &[settled()])];
    pass(&machine, &before, "a");
    assert!(waits(Day::Busy, &machine, &[settled()], &settled()).contains("has not applied bbbbbbb yet"));
    assert_eq!(machine.text("/run/x.service.out").as_deref(), Some("old\n"));
    pass(&machine, &[file(0, "new\n", 0o644), waiting("two", &[settled()])], "b");
    assert_eq!(machine.text("/run/x.service.out").as_deref(), Some("new\n"));
}

#[test]
fn a_unit_does_not_begin_anew_without_its_data() {
    let machine = machine();
    machine.plant_folder(DATA);
    assert!(waits(Day::Good, &machine, &[settled(), data()], &data()).contains("would begin anew"));
    machine.plant(&format!("{DATA}/state.db"), "x", 0o600);
    pass(&machine, &[file(0, "new\n", 0o644), waiting("two", &[settled(), data()])], "b");
}

#[test]
fn no_gate_is_asked_for_a_unit_that_is_as_wanted_nor_for_one_that_goes() {
    let machine = machine();
    let plain = [file(0, "1\n", 0o644), waiting("one", &[])];
    pass(&machine, &plain, "a");
    let all = [ca("none"), settled(), data()];
    let done = on(Day::Busy, &machine, &[file(0, "1\n", 0o644), waiting("one", &all)]);
    assert_eq!((done.changes.len(), done.waits.len(), done.troubles.len()), (0, 0, 0));
    let done = on(Day::Busy, &machine, &[file(0, "1\n", 0o644)]);
    assert_eq!((done.changes.len(), done.waits.len()), (1, 0));
}

#[test]
fn what_lies_where_only_listed_names_may_is_reported_and_stays() {
    let machine = machine();
    let want = [dir(&["c"]), file(2, "1\n", 0o644)];
    pass(&machine, &want, "a");
    machine.plant("/opt/new/theirs.yaml", "x", 0o644);
    let done = on_journal(&machine, &want, &mut machine.journal(), "a").unwrap();
    let strangers = Trouble::Strangers(["theirs.yaml".to_owned()].into());
    assert_eq!(done.troubles, [("dir /opt/new".parse().unwrap(), strangers)].into());
    assert_eq!(done.changes, []);
    on(Day::Good, &machine, &[]);
    assert_eq!(machine.text("/opt/new/theirs.yaml").as_deref(), Some("x"));
}
