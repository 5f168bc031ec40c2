//! Folders, and what lies in them.

use super::{Outside, at, back, bring};
use knarr_node::item::Dir;
use knarr_node::{Act, Change, Item, Seen};

fn dir(name: &str) -> Item {
    Item::Dir(Dir { path: at(name).parse().unwrap(), only: ["ours".to_owned()].into() })
}

pub(super) fn life(host: &mut dyn Act, outside: &dyn Outside) {
    let wanted = dir("deep/d");
    assert_eq!(host.see(&wanted.id(), Some(&wanted)), Seen::Absent);
    let made = bring(host, 1, &wanted);
    assert_eq!(outside.mode(&at("deep/d")), Some(0o755));
    outside.plant(&at("deep/d/theirs"), "x", 0o644);
    assert_eq!(host.see(&wanted.id(), Some(&wanted)), Seen::Is(wanted.clone()));
    back(host, &made);
    assert_eq!(outside.text(&at("deep/d/theirs")).as_deref(), Some("x"));
}

pub(super) fn file_stays(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant(&at("d"), "theirs", 0o600);
    let wanted = dir("d");
    assert!(matches!(host.see(&wanted.id(), Some(&wanted)), Seen::Unknown(_)));
    assert!(host.act(&Change::to(None, wanted)).is_err());
    assert_eq!(outside.text(&at("d")).as_deref(), Some("theirs"));
}

pub(super) fn names(host: &mut dyn Act, outside: &dyn Outside) {
    let names = |host: &dyn Act, name: &str| host.names(&at(name).parse().unwrap());
    assert_eq!(names(host, "none"), Ok([].into()));
    outside.plant(&at("d/a.yaml"), "", 0o644);
    outside.plant_folder(&at("d/b"));
    outside.plant(&at("d/.knarr.01234567"), "left by a crash", 0o600);
    assert_eq!(names(host, "d"), Ok(["a.yaml", "b"].map(str::to_owned).into()));
}
