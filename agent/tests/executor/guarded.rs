//! Stages that could cut the machine off: kept when proven, else as if they had never begun.

use crate::fake::Machine;
use crate::outside::{Day, Others};
use crate::world::{cause, file, machine, shape};
use knarr_node::item::{Check, File, Unit};
use knarr_node::report::{Gate, Outcome, Trouble};
use knarr_node::{Id, Item};
use knarrd::converge::{Done, Means, UndoError, converge, settle_armed, undo_last};

const SSHD: &str = "/etc/ssh/sshd_config.d/10-knarr.conf";

fn config(text: &str) -> Item {
    Item::File(File { check: Some(Check::Sshd), ..File::text(SSHD.parse().unwrap(), text) })
}
fn sshd() -> Item {
    Item::Unit(Unit::new("ssh.service".parse().unwrap(), None, [SSHD.parse().unwrap()].into()))
}
/// sshd as `text` configures it, and a file that has nothing to do with it.
fn state(text: &str, other: &str) -> Vec<Item> {
    vec![file(2, other, 0o644), config(text), sshd()]
}

/// A machine into which people get by the distribution's sshd.
pub(crate) fn with_sshd() -> Machine {
    let machine = machine();
    let unit = "[Service]\nExecStart=cat /etc/ssh/sshd_config.d/10-knarr.conf > /run/ssh.service.out;\n[Install]\nWantedBy=multi-user.target\n";
    machine.plant("/usr/lib/systemd/system/ssh.service", unit, 0o644);
    machine.plant_link("/etc/systemd/system/multi-user.target.wants/ssh.service", "ssh.service");
    machine.start(&"ssh.service".parse().unwrap()).unwrap();
    machine
}

fn pass_on(machine: &Machine, others: &mut Others, want: &[Item], digit: &str) -> Done {
    let (mut host, mut journal) = (machine.host([].into()), machine.journal());
    converge(want, Means { host: &mut host, outside: others, journal: &mut journal }, &cause(digit)).unwrap()
}
fn on(day: Day, machine: &Machine, want: &[Item], digit: &str) -> Done {
    pass_on(machine, &mut Others::on(machine, day), want, digit)
}
/// A machine on which "one" was proven.
fn proven() -> Machine {
    let machine = with_sshd();
    let done = on(Day::Good, &machine, &state("one", "1\n"), "a");
    assert_eq!((done.network, done.troubles.len(), done.changes.len()), (None, 0, 3));
    machine
}
fn is_lost(done: &Done) -> bool {
    matches!(done.network, Some(Outcome::Lost(_)))
}

#[test]
fn a_stage_that_shuts_people_out_is_taken_back_told_and_not_tried_again_while_the_rest_is_done() {
    let machine = proven();
    let mut others = Others::on(&machine, Day::Good);
    let done = pass_on(&machine, &mut others, &state("locked", "2\n"), "b");
    assert!(is_lost(&done), "{:?}", done.network);
    assert_eq!(
        (machine.text(SSHD).as_deref(), machine.text("/opt/new/c").as_deref()),
        (Some("one"), Some("2\n"))
    );
    assert_eq!((others.armed, others.warned.as_slice()), (1, [cause("b").commit].as_slice()));
    let held: Vec<Id> = done.troubles.into_keys().collect();
    assert_eq!(held, [config("").id(), sshd().id()]);

    let mut others = Others::on(&machine, Day::Good);
    let again = pass_on(&machine, &mut others, &state("locked", "3\n"), "c");
    assert!(is_lost(&again) && others.armed == 0);
    assert_eq!(machine.text("/opt/new/c").as_deref(), Some("3\n"));
    assert_eq!(machine.journal().quarantined(), again.quarantined);

    let good = on(Day::Good, &machine, &state("two", "3\n"), "d");
    assert_eq!((good.network, good.quarantined.len()), (None, 0));
    assert_eq!(machine.text("/run/ssh.service.out").as_deref(), Some("two"));
}

#[test]
fn who_goes_away_for_another_reason_is_no_reason_to_give_up() {
    let machine = proven();
    let before = shape(&machine);
    let done = on(Day::PersonLeaves, &machine, &state("two", "1\n"), "b");
    assert!(matches!(done.network, Some(Outcome::Retry { .. })), "{:?}", done.network);
    assert_eq!(shape(&machine), before);
    assert_eq!(on(Day::Good, &machine, &state("two", "1\n"), "b").network, None);
    assert_eq!(machine.text(SSHD).as_deref(), Some("two"));
}

#[test]
fn the_first_change_that_fails_takes_its_whole_stage_back() {
    let machine = proven();
    let before = shape(&machine);
    machine.break_at("ssh.service");
    let done = on(Day::Good, &machine, &state("two", "1\n"), "b");
    assert!(matches!(done.troubles.get(&sshd().id()), Some(Trouble::Failed(_))));
    machine.mend();
    on(Day::Good, &machine, &state("one", "1\n"), "c");
    assert_eq!(shape(&machine), before);
}

#[test]
fn nothing_is_begun_that_nobody_would_take_back_or_that_cut_another_one_off() {
    let gate = Gate::Held("edge".parse().unwrap());
    for (day, waits) in [(Day::NoUnit, None), (Day::Warned, Some(Outcome::Waiting(vec![gate])))] {
        let machine = proven();
        let done = on(day, &machine, &state("two", "2\n"), "b");
        assert_eq!(machine.text(SSHD).as_deref(), Some("one"));
        assert_eq!(machine.text("/opt/new/c").as_deref(), Some("2\n"));
        assert!(done.network.is_some() && waits.is_none_or(|waits| done.network == Some(waits)));
        assert_eq!(done.troubles.get(&config("").id()), Some(&Trouble::Held));
    }
}

#[test]
fn what_cannot_be_taken_back_is_tried_again_until_another_commit_comes() {
    let machine = proven();
    let mut points = 0;
    let copy = machine.copy();
    copy.die_at(usize::MAX);
    on(Day::Good, &copy, &state("two", "1\n"), "b");
    for step in 1..=copy.steps() {
        let machine = machine.copy();
        machine.die_at(step);
        if let Ok(mut journal) = machine.try_journal() {
            let (mut host, mut others) = (machine.host([].into()), Others::on(&machine, Day::Good));
            let means = Means { host: &mut host, outside: &mut others, journal: &mut journal };
            drop(converge(&state("two", "1\n"), means, &cause("b")));
        }
        machine.revive(crate::fake::Crash::Kill);
        if machine.journal().armed().is_none() || machine.text(SSHD).as_deref() != Some("two") {
            continue;
        }
        points += 1;
        machine.break_at(SSHD);
        let stuck = on(Day::Good, &machine, &state("two", "2\n"), "b");
        assert!(!stuck.troubles.is_empty() && machine.journal().armed().is_some());
        assert_eq!(machine.text("/opt/new/c").as_deref(), Some("1\n"), "nothing else is done");
        let other = on(Day::Good, &machine, &state("one", "2\n"), "c");
        assert!(machine.journal().armed().is_none() && !other.troubles.is_empty());
        assert_eq!(machine.text("/opt/new/c").as_deref(), Some("2\n"));
        machine.mend();
        let mended = on(Day::Good, &machine, &state("one", "2\n"), "c");
        assert_eq!((mended.network, mended.troubles.len()), (None, 0));
        assert_eq!(machine.text("/run/ssh.service.out").as_deref(), Some("one"));
    }
    assert!(points > 0);
}

#[test]
fn an_undo_that_shuts_people_out_is_taken_back_too() {
    let machine = with_sshd();
    on(Day::Good, &machine, &state("one", "1\n"), "a");
    machine.plant(SSHD, "locked", 0o644);
    on(Day::Alone, &machine, &state("two", "1\n"), "b");
    let before = shape(&machine);
    let (mut host, mut journal) = (machine.host([].into()), machine.journal());
    let mut others = Others::on(&machine, Day::Good);
    let means = Means { host: &mut host, outside: &mut others, journal: &mut journal };
    let (_, done) = undo_last(means, 2).unwrap();
    assert!(is_lost(&done), "{:?}", done.network);
    assert_eq!((shape(&machine), others.warned.len()), (before, 0));
    assert!(machine.journal().quarantined().is_empty());
}

/// A pass that may die within.
fn dies(machine: &Machine, want: &[Item]) {
    if let Ok(mut journal) = machine.try_journal() {
        let (mut host, mut others) = (machine.host([].into()), Others::on(machine, Day::Good));
        let means = Means { host: &mut host, outside: &mut others, journal: &mut journal };
        drop(converge(want, means, &cause("b")));
    }
}

#[test]
fn a_crash_within_a_guarded_stage_ends_in_the_old_or_in_the_new_and_proven() {
    let mut points = 0;
    for (want, end) in [("two", "two"), ("locked", "one")] {
        let want = state(want, "1\n");
        let points_here = crate::crash::at_each_step(
            end,
            &proven(),
            &[],
            |machine| dies(machine, &want),
            |machine, crash| {
                settle_armed(&mut machine.host([].into()), &mut machine.journal()).unwrap();
                assert!(machine.journal().armed().is_none());
                let now = machine.text(SSHD).unwrap();
                assert!(now == "one" || now == end, "{now} after {crash:?}");
                assert_eq!(
                    machine.text("/run/ssh.service.out").unwrap(),
                    now,
                    "sshd runs with what is there"
                );
                let done = on(Day::Good, machine, &want, "b");
                assert_eq!((is_lost(&done), machine.text(SSHD).as_deref()), (end == "one", Some(end)));
                undone(machine);
            },
        );
        points += points_here;
    }
    println!("{points} crash points in guarded stages");
    assert!(points >= 300);
}

fn undone(machine: &Machine) {
    let (mut host, mut journal) = (machine.host([].into()), machine.journal());
    let mut others = Others::on(machine, Day::Good);
    let means = Means { host: &mut host, outside: &mut others, journal: &mut journal };
    match undo_last(means, 2) {
        Ok((_, done)) => assert_eq!((done.troubles.len(), done.network), (0, None)),
        Err(error) => assert!(matches!(error, UndoError::Nothing), "{error}"),
    }
}
