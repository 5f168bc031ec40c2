//! A program in the store under a link: another version counts only when its bytes are there.

use crate::fake::Machine;
use crate::world::{link, machine, on_journal, unit};
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::Item;
use knarr_node::item::Artifact;
use knarr_node::name::{Digest, Hex};
use knarrd::converge::Done;

fn sha256(text: &str) -> Hex {
    Digest::of_sha256(digest(&SHA256, text.as_bytes()).as_ref()).hex()
}

fn stored(text: &str) -> String {
    format!("/var/lib/knarr/store/{}", sha256(text))
}

/// A program whose bytes are `text`, had from /mirror/TEXT.
fn program(text: &str) -> [Item; 3] {
    let from = vec![format!("/mirror/{text}").parse().unwrap()];
    let artifact = Artifact { name: "k3s".parse().unwrap(), sha256: sha256(text), from };
    [Item::Artifact(artifact), link(0, &stored(text)), unit(0, "runs", &[0])]
}

fn on(machine: &Machine, want: &[Item], commit: &str) -> Done {
    on_journal(machine, want, &mut machine.journal(), commit).unwrap()
}

#[test]
fn a_version_that_cannot_be_had_leaves_the_one_before_running_and_in_place() {
    let machine = machine();
    machine.plant("/mirror/one", "one", 0o644);
    assert!(on(&machine, &program("one"), "a").troubles.is_empty());
    for _ in 0..2 {
        let done = on(&machine, &program("two"), "b");
        assert!(done.changes.is_empty(), "{:?}", done.changes);
        assert_eq!(machine.target("/etc/k/a.conf"), Some(stored("one")));
        assert_eq!(machine.text(&stored("one")).as_deref(), Some("one"));
    }
    machine.plant("/mirror/two", "two", 0o644);
    assert!(on(&machine, &program("two"), "b").troubles.is_empty());
    assert_eq!(machine.target("/etc/k/a.conf"), Some(stored("two")));
    assert_eq!(machine.text(&stored("one")), None);
}
