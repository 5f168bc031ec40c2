//! A crash at every step of a pass, and of an undo: write, fsync, rename, D-Bus call, journal record.

use crate::fake::{Crash, Machine};
use crate::world::{account, cause, file, link, machine, pass, shape, ttl, unit};
use knarr_node::Item;
use knarr_node::item::{Check, File};
use knarrd::converge::{UndoError, converge, undo_last};

const CRASHES: [Crash; 3] = [Crash::Kill, Crash::Power, Crash::PowerAfterNames];

/// Pairs of what a machine has and what is wanted then.
fn pairs() -> Vec<(&'static str, Vec<Item>, Vec<Item>)> {
    let reader = |word: &str| unit(0, word, &[0, 1]);
    let base = vec![file(0, "1\n", 0o644), file(1, "1\n", 0o600), reader("one"), ttl(65)];
    vec![
        ("everything is new", vec![], base.clone()),
        (
            "a file that a unit reads",
            base.clone(),
            vec![file(0, "2\n", 0o644), file(1, "1\n", 0o600), reader("one"), ttl(65)],
        ),
        (
            "unit, file and parameter",
            base.clone(),
            vec![file(0, "2\n", 0o644), file(1, "1\n", 0o644), reader("two"), ttl(66)],
        ),
        (
            "a file becomes a link and another goes",
            base.clone(),
            vec![link(0, "/etc/hostname"), unit(0, "one", &[0])],
        ),
        ("all goes", base.clone(), vec![]),
        (
            "the distribution's unit is fed",
            base,
            vec![file(0, "1\n", 0o644), file(1, "x", 0o644), file(2, "y", 0o644), unit(2, "", &[0, 1, 2])],
        ),
        ("a login", vec![account(true, &["a"])], vec![account(false, &["a", "b"]), file(2, "z", 0o600)]),
    ]
}

fn at(have: &[Item]) -> Machine {
    let machine = machine();
    pass(&machine, have, "a");
    machine
}

/// Starts a pass that may die within; the journal and the host fail from then on.
fn try_pass(machine: &Machine, want: &[Item], digit: &str) {
    if let Ok(mut journal) = machine.try_journal() {
        drop(converge(want, &mut machine.host([].into()), &mut journal, &cause(digit)));
    }
}

fn try_undo(machine: &Machine) {
    if let Ok(mut journal) = machine.try_journal() {
        drop(undo_last(&mut machine.host([].into()), &mut journal, 1));
    }
}

fn assert_old_or_new(machine: &Machine, before: &Machine, after: &Machine) {
    let (old, new, now) = (before.everything(), after.everything(), machine.everything());
    for (path, content) in now.iter().filter(|(path, _)| !path.contains("/.knarr.")) {
        assert!(old.get(path) == Some(content) || new.get(path) == Some(content), "{path} holds {content}");
    }
    for path in old.keys().filter(|path| new.contains_key(*path)) {
        assert!(now.contains_key(path), "{path} is gone");
    }
}

/// Does `dies` with a crash at each of its steps, and of each kind; returns how many that were.
fn at_each_step(
    name: &str,
    have: &Machine,
    dies: impl Fn(&Machine),
    then: impl Fn(&Machine, Crash),
) -> usize {
    have.flush();
    let whole = have.copy();
    whole.die_at(usize::MAX);
    dies(&whole);
    for (step, crash) in (1..=whole.steps()).flat_map(|step| CRASHES.map(|crash| (step, crash))) {
        println!("{name}: {crash:?} at step {step} of {}", whole.steps());
        let machine = have.copy();
        machine.die_at(step);
        dies(&machine);
        assert!(machine.is_dead());
        machine.revive(crash);
        then(&machine, crash);
    }
    whole.steps() * CRASHES.len()
}

/// Compares, but for the parameter after a boot: the kernel begins with its own value then.
fn assert_same(machine: &Machine, expected: &Machine, crash: Crash) {
    let (mut now, expected) = (shape(machine), shape(expected));
    if crash != Crash::Kill {
        now.ttl.clone_from(&expected.ttl);
    }
    assert_eq!(now, expected);
}

fn undo(machine: &Machine) {
    let undone = undo_last(&mut machine.host([].into()), &mut machine.journal(), 1);
    match undone {
        Ok((_, done)) => assert_eq!(done.troubles.len(), 0, "{:?}", done.troubles),
        Err(UndoError::Nothing) => {}
        Err(UndoError::Journal(error)) => panic!("{error}"),
    }
}

#[test]
fn a_crash_at_any_step_of_a_pass_leaves_old_or_new_then_converges_and_can_be_undone() {
    let mut points = 0;
    for (name, have, want) in pairs() {
        let before = at(&have);
        let after = before.copy();
        pass(&after, &want, "b");
        points += at_each_step(
            name,
            &before,
            |machine| try_pass(machine, &want, "b"),
            |machine, crash| {
                assert_old_or_new(machine, &before, &after);
                pass(machine, &want, "b");
                assert_same(machine, &after, crash);
                undo(machine);
                assert_same(machine, &before, crash);
            },
        );
    }
    println!("{points} crash points in passes");
    assert!(points >= 500);
}

#[test]
fn a_crash_at_any_step_of_an_undo_leaves_old_or_new_and_can_be_undone_again() {
    let mut points = 0;
    for (name, have, want) in pairs() {
        let before = at(&have);
        let after = before.copy();
        pass(&after, &want, "b");
        points += at_each_step(name, &after, try_undo, |machine, crash| {
            assert_old_or_new(machine, &before, &after);
            undo(machine);
            assert_same(machine, &before, crash);
        });
    }
    println!("{points} crash points in undos");
    assert!(points >= 500);
}

#[test]
fn after_a_crash_another_commit_is_reached_as_well() {
    for (name, have, want) in pairs() {
        let dies = |machine: &Machine| try_pass(machine, &want, "b");
        at_each_step(name, &at(&have), dies, |machine, _| drop(pass(machine, &have, "c")));
    }
}

#[test]
fn a_sshd_configuration_that_nobody_checked_before_the_crash_does_not_stay() {
    let path = "/etc/ssh/sshd_config.d/10-knarr.conf";
    let bad = Item::File(File { check: Some(Check::Sshd), ..File::text(path.parse().unwrap(), "nonsense") });
    let points = at_each_step(
        "sshd",
        &machine(),
        |machine| try_pass(machine, std::slice::from_ref(&bad), "a"),
        |machine, _| {
            let mut journal = machine.journal();
            let done = converge(&[], &mut machine.host([].into()), &mut journal, &cause("b")).unwrap();
            assert_eq!((machine.text(path), done.troubles.len()), (None, 0));
            assert!(journal.owned().ids().is_empty());
        },
    );
    println!("{points} crash points around a check");
}
