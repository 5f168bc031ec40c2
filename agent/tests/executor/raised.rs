//! What has no way back: its data are saved before anything of it is touched, and an undo refuses.

use crate::crash::at_each_step;
use crate::fake::Machine;
use crate::outside::{Day, Others};
use crate::world::{file, machine};
use knarr_node::host::look;
use knarr_node::item::{Gate, Snapshot, Unit};
use knarr_node::report::Trouble;
use knarr_node::{Id, Impact, Item, StageName, plan, scope};
use knarrd::converge::{Done, Means, UndoError, converge, undo_last};
use knarrd::host::{Order, Os};
use knarrd::journal::{Cause, JournalError};

const DATA: &str = "/var/lib/server/db/state";
const CONF: &str = "/etc/k/a.conf";

/// A unit whose program writes its version into its data when it starts: what older ones wrote is gone.
fn server(floor: &str, gates: &[Gate]) -> Item {
    let text = format!("[Service]\nExecStart=cat {CONF} > {DATA};\n[Install]\nWantedBy=multi-user.target\n");
    let plain = Unit::new("x.service".parse().unwrap(), Some(text), [CONF.parse().unwrap()].into());
    let snapshot = vec![Snapshot { of: vec!["/var/lib/server/db".parse().unwrap()], by: Vec::new() }];
    Item::Unit(Unit { floor: Some(floor.parse().unwrap()), snapshot, waits: gates.to_vec(), ..plain })
}

fn state(version: &str, floor: &str) -> [Item; 2] {
    [file(0, version, 0o644), server(floor, &[])]
}

fn at(machine: &Machine, day: Day, want: &[Item], digit: &str) -> Result<Done, JournalError> {
    let (mut host, mut outside) = (machine.host([].into()), Others::on(machine, day));
    let mut journal = machine.try_journal()?;
    let means = Means { host: &mut host, outside: &mut outside, journal: &mut journal };
    // Each pass begins a second later, whatever it goes on with.
    let at = 1_763_735_000 + machine.steps() as u64;
    converge(want, means, &Cause { commit: digit.repeat(40).parse().unwrap(), at })
}

fn brought(machine: &Machine, want: &[Item], digit: &str) -> Done {
    let done = at(machine, Day::Good, want, digit).unwrap();
    assert_eq!(done.troubles, [].into());
    assert_eq!(machine.text(DATA), machine.text(CONF));
    done
}

/// A machine on which the old version runs.
fn old() -> Machine {
    let machine = machine();
    brought(&machine, &state("old\n", "v1.36"), "a");
    machine.flush();
    machine
}

fn is_as_before(machine: &Machine) {
    assert_eq!(machine.text(CONF).as_deref(), Some("old\n"), "what it reads is as it was");
    assert_eq!(machine.text(DATA).as_deref(), Some("old\n"));
    assert!(machine.is_active(&"x.service".parse().unwrap()), "it runs");
}

fn undo(machine: &Machine) -> Result<Done, UndoError> {
    let (mut host, mut outside) = (machine.host([].into()), Others::on(machine, Day::Good));
    let means = Means { host: &mut host, outside: &mut outside, journal: &mut machine.journal() };
    undo_last(means, 2).map(|(_, done)| done)
}

#[test]
fn a_version_without_a_way_back_has_a_stage_of_its_own_and_says_so() {
    let machine = old();
    let want: Vec<Item> = [file(1, "1\n", 0o644)].into_iter().chain(state("new\n", "v1.37")).collect();
    let (host, journal) = (machine.host([].into()), machine.journal());
    let plan = plan(&want, &look(scope(&want, journal.owned()), &host));
    let stages: Vec<_> = plan.stages.iter().map(|stage| (stage.name, stage.changes.len())).collect();
    assert_eq!(stages, [(StageName::Rest, 1), (StageName::Alone, 2)]);
    let last = plan.changes().last().unwrap();
    assert!(last.saves() && last.impact() == Impact::CannotBeUndone);
}

#[test]
fn its_data_are_saved_before_and_the_history_names_where() {
    let machine = old();
    let done = brought(&machine, &state("new\n", "v1.37"), "b");
    let place = done.snapshot.unwrap();
    assert!(place.as_str().starts_with("/var/lib/knarr/snapshots/x.service/before-v1.37-2025"), "{place}");
    assert_eq!(machine.text(&format!("{place}/db/state")).as_deref(), Some("old\n"));
    assert_eq!(machine.journal().history().last().unwrap().saved, [place].into());
}

#[test]
fn an_undo_refuses_and_changes_nothing() {
    let machine = old();
    brought(&machine, &state("new\n", "v1.37"), "b");
    let before = machine.everything();
    let refused = undo(&machine).unwrap_err();
    assert!(matches!(&refused, UndoError::Never { snapshot: Some(_), .. }), "{refused}");
    assert!(refused.help().contains("docs/reliability.md#going-back-to-a-snapshot"));
    assert_eq!(machine.everything(), before);
}

#[test]
fn another_patch_is_an_ordinary_swap() {
    let machine = old();
    let done = brought(&machine, &state("patched\n", "v1.36"), "b");
    assert_eq!((done.changes.len(), done.snapshot), (2, None));
    undo(&machine).unwrap();
    is_as_before(&machine);
}

#[test]
fn without_a_snapshot_nothing_is_touched_and_the_unit_runs_on() {
    let machine = old();
    machine.fill(true);
    let done = at(&machine, Day::Good, &state("new\n", "v1.37"), "b").unwrap();
    is_as_before(&machine);
    let id: Id = "unit x.service".parse().unwrap();
    let Some(Trouble::Failed(why)) = done.troubles.get(&id) else { panic!("{:?}", done.troubles) };
    assert!(why.contains("no snapshot could be taken before v1.37") && why.contains("bytes free"), "{why}");
    assert_eq!(done.troubles[&"path /etc/k/a.conf".parse().unwrap()], Trouble::Needs(id));
    machine.fill(false);
    brought(&machine, &state("new\n", "v1.37"), "b");
}

#[test]
fn when_the_copy_fails_the_unit_is_started_again_as_it_was() {
    let machine = old();
    machine.break_at("/var/lib/knarr/snapshots/x.service/.part/db/state");
    let done = at(&machine, Day::Good, &state("new\n", "v1.37"), "b").unwrap();
    is_as_before(&machine);
    assert_eq!((done.changes.len(), done.troubles.len()), (0, 2));
    machine.mend();
    brought(&machine, &state("new\n", "v1.37"), "b");
}

#[test]
fn what_was_made_for_it_is_taken_back_when_something_else_that_it_reads_fails() {
    let machine = old();
    machine.break_at("/etc/k/b.conf");
    let Item::Unit(unit) = server("v1.37", &[]) else { unreachable!("it is a unit") };
    let reads = [CONF, "/etc/k/b.conf"].map(|path| path.parse().unwrap()).into();
    let want = [file(0, "new\n", 0o644), file(1, "1\n", 0o644), Item::Unit(Unit { reads, ..unit })];
    let done = at(&machine, Day::Good, &want, "b").unwrap();
    is_as_before(&machine);
    assert_eq!((done.changes.len(), done.troubles.len()), (0, 3), "{done:?}");
    machine.mend();
    brought(&machine, &want, "b");
}

#[test]
fn a_closed_gate_holds_what_it_reads_too() {
    let machine = old();
    let text = "[Service]\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n".to_owned();
    let reader = Unit::new("y.service".parse().unwrap(), Some(text), [CONF.parse().unwrap()].into());
    let gate = Gate::Settled("edge".parse().unwrap());
    let want = [file(0, "new\n", 0o644), server("v1.37", &[gate]), Item::Unit(reader)];
    let done = at(&machine, Day::Busy, &want, "b").unwrap();
    is_as_before(&machine);
    assert_eq!((done.waits.len(), done.troubles.len()), (1, 3), "{:?}", done.troubles);
    assert!(done.troubles.values().all(|trouble| *trouble == Trouble::Held), "{:?}", done.troubles);
    assert_eq!(machine.text("/var/lib/knarr/snapshots"), None);
    brought(&machine, &want, "b");
}

#[test]
fn what_is_older_than_its_data_is_refused_until_a_snapshot_is_brought_back() {
    let mut machine = old();
    let place = brought(&machine, &state("new\n", "v1.37"), "b").snapshot.unwrap();
    let done = at(&machine, Day::Good, &state("old\n", "v1.36"), "c").unwrap();
    let Some(Trouble::Failed(why)) = done.troubles.get(&"unit x.service".parse().unwrap()) else {
        panic!("{done:?}")
    };
    assert!(why.starts_with("its data are of v1.37, which v1.36 does not read; restore a snapshot"), "{why}");
    assert_eq!((machine.text(CONF).as_deref(), done.changes.len()), (Some("new\n"), 0));
    let unit = "x.service".parse().unwrap();
    machine.order(Order::Stop, &unit).unwrap();
    assert_eq!(
        at(&machine, Day::Good, &state("old\n", "v1.36"), "c").unwrap().changes,
        [],
        "it stays stopped"
    );
    machine.plant(DATA, &machine.text(&format!("{place}/db/state")).unwrap(), 0o644);
    machine.remove("/etc/systemd/system/x.service.d/knarr.conf").unwrap();
    machine.order(Order::Reload, &unit).unwrap();
    brought(&machine, &state("old\n", "v1.36"), "c");
    is_as_before(&machine);
}

#[test]
fn a_crash_at_any_step_converges_and_the_data_of_before_are_saved() {
    let want = state("new\n", "v1.37");
    let points = at_each_step(
        "a version without a way back",
        &old(),
        &[],
        |machine| drop(at(machine, Day::Good, &want, "b")),
        |machine, _| {
            let mut done = at(machine, Day::Good, &want, "b").unwrap();
            if !done.troubles.is_empty() {
                done = at(machine, Day::Good, &want, "b").unwrap();
            }
            assert_eq!(done.troubles, [].into());
            let place = done.snapshot.expect("the history names it");
            assert_eq!(machine.text(&format!("{place}/db/state")).as_deref(), Some("old\n"));
            assert_eq!(machine.text(DATA).as_deref(), Some("new\n"));
            assert!(undo(machine).is_err());
        },
    );
    println!("{points} crash points");
    assert!(points >= 100);
}
