//! A crash at every step of a pass, and of an undo: write, fsync, rename, D-Bus call, journal record.

use crate::fake::{Crash, Machine};
use crate::world::{
    account, address, device, dir, file, hosts, link, machine, on_journal, pass, peer, route, shape, table,
    ttl, undo_on, unit,
};
use knarr_node::Item;
use knarr_node::item::{Check, File};
use knarrd::converge::UndoError;

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
        ("a folder with a file", vec![], vec![dir(&["c"]), file(2, "1\n", 0o644)]),
        ("a folder goes with its file", vec![dir(&["c"]), file(2, "1\n", 0o644)], vec![]),
        ("a mesh comes", vec![], mesh()),
        ("a mesh changes, and addresses move", mesh(), moved()),
        ("a mesh goes", mesh(), vec![]),
        ("a login", vec![account(true, &["a"])], vec![account(false, &["a", "b"]), file(2, "z", 0o600)]),
    ]
}

fn mesh() -> Vec<Item> {
    let end = Some("203.0.113.7:51821");
    let peers = [peer(1, None, &[1, 4]), peer(2, end, &[2]), peer(3, None, &[3])];
    let ground = [table("one"), device(51821, 1380), address("10.210.0.9/32"), route()];
    ground.into_iter().chain(peers).chain([hosts(&[1, 2])]).collect()
}

/// The same mesh with other numbers; two tunnels swap addresses, a third goes and leaves its address to a new one.
fn moved() -> Vec<Item> {
    let end = Some("203.0.113.8:51821");
    let peers = [peer(2, end, &[1, 4]), peer(1, None, &[2]), peer(4, None, &[3])];
    let ground = [table("two"), device(51822, 1420), address("10.210.0.8/32"), route()];
    ground.into_iter().chain(peers).chain([hosts(&[1, 4])]).collect()
}

fn at(have: &[Item]) -> Machine {
    let machine = machine();
    pass(&machine, have, "a");
    machine
}

/// Starts a pass that may die within; the journal and the host fail from then on.
fn try_pass(machine: &Machine, want: &[Item], digit: &str) {
    if let Ok(mut journal) = machine.try_journal() {
        drop(on_journal(machine, want, &mut journal, digit));
    }
}

fn try_undo(machine: &Machine) {
    if let Ok(mut journal) = machine.try_journal() {
        drop(undo_on(machine, &mut journal));
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

/// What knarr-boot.service does: the network of the last proven State is there before any pass.
fn boot(machine: &Machine, proven: &[Item]) {
    let network = knarrd::boot::restored(proven, machine.journal().owned());
    assert_eq!(knarrd::boot::make(&mut machine.host([].into()), &network), []);
}

/// Does `dies` with a crash at each of its steps, and of each kind; returns how many that were.
pub(crate) fn at_each_step(
    name: &str,
    have: &Machine,
    proven: &[Item],
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
        if crash != Crash::Kill {
            boot(&machine, proven);
        }
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

/// Takes the last pass back, and says whether there was anything to take back.
fn undo(machine: &Machine) -> bool {
    let undone = undo_on(machine, &mut machine.journal());
    match undone {
        Ok((_, done)) => {
            assert_eq!(done.troubles.len(), 0, "{:?}", done.troubles);
            true
        }
        Err(UndoError::Nothing) => false,
        Err(error @ (UndoError::Journal(_) | UndoError::Never { .. })) => panic!("{error}"),
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
            &have,
            |machine| try_pass(machine, &want, "b"),
            |machine, crash| {
                assert_old_or_new(machine, &before, &after);
                pass(machine, &want, "b");
                assert_same(machine, &after, crash);
                let _ = undo(machine);
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
        points += at_each_step(name, &after, &want, try_undo, |machine, crash| {
            assert_old_or_new(machine, &before, &after);
            // When the undo had ended, a boot may make the network of before it: the next pass finds that.
            if undo(machine) || crash == Crash::Kill {
                assert_same(machine, &before, crash);
            } else {
                assert_eq!(shape(machine).files, shape(&before).files);
            }
        });
    }
    println!("{points} crash points in undos");
    assert!(points >= 500);
}

#[test]
fn after_a_crash_another_commit_is_reached_as_well() {
    for (name, have, want) in pairs() {
        let dies = |machine: &Machine| try_pass(machine, &want, "b");
        at_each_step(name, &at(&have), &have, dies, |machine, _| drop(pass(machine, &have, "c")));
    }
}

#[test]
fn a_sshd_configuration_that_nobody_checked_before_the_crash_does_not_stay() {
    let path = "/etc/ssh/sshd_config.d/10-knarr.conf";
    let bad = Item::File(File { check: Some(Check::Sshd), ..File::text(path.parse().unwrap(), "nonsense") });
    let points = at_each_step(
        "sshd",
        &machine(),
        &[],
        |machine| try_pass(machine, std::slice::from_ref(&bad), "a"),
        |machine, _| {
            let mut journal = machine.journal();
            let done = on_journal(machine, &[], &mut journal, "b").unwrap();
            assert_eq!((machine.text(path), done.troubles.len()), (None, 0));
            assert!(journal.owned().ids().is_empty());
        },
    );
    println!("{points} crash points around a check");
}
