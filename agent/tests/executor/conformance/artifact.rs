//! Artifacts: bytes by their digest.

use super::{Outside, at, back, bring, kept};
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::item::Artifact;
use knarr_node::name::Digest;
use knarr_node::{Act, Change, Item, Seen};

/// An artifact with the bytes of `text`, had from a file with the bytes of `given`.
fn artifact(outside: &dyn Outside, text: &str, given: &str) -> (Item, String) {
    let sha256 = Digest::of_sha256(digest(&SHA256, text.as_bytes()).as_ref()).hex();
    let stored = format!("/var/lib/knarr/store/{sha256}");
    outside.plant(&at("source"), given, 0o644);
    let from = ["missing", "source", "missing-too"].map(|name| at(name).parse().unwrap()).into();
    (Item::Artifact(Artifact { name: "tool".parse().unwrap(), sha256, from }), stored)
}

pub(super) fn life(host: &mut dyn Act, outside: &dyn Outside) {
    let (tool, stored) = artifact(outside, "#!/bin/sh\n", "#!/bin/sh\n");
    let made = bring(host, 1, &tool);
    assert_eq!((outside.text(&stored).as_deref(), outside.mode(&stored)), (Some("#!/bin/sh\n"), Some(0o755)));
    let kept_tool = host.keep(&tool.id(), &kept(2)).unwrap().unwrap();
    back(host, &made);
    assert_eq!((outside.text(&stored), host.see(&tool.id(), Some(&tool))), (None, Seen::Absent));
    outside.plant(&at("source"), "gone", 0o644);
    host.act(&Change::to(None, kept_tool)).unwrap();
    assert_eq!(outside.text(&stored).as_deref(), Some("#!/bin/sh\n"), "no place is asked to bring it back");
    host.act(&Change::away(tool)).unwrap();
}

pub(super) fn refused(host: &mut dyn Act, outside: &dyn Outside) {
    let (tool, stored) = artifact(outside, "right", "wrong");
    let why = host.act(&Change::to(None, tool.clone())).unwrap_err().to_string();
    assert!(why.contains("gives other bytes") && why.contains(&at("source")), "{why}");
    assert_eq!(host.see(&tool.id(), Some(&tool)), Seen::Absent);
    assert_eq!(outside.text(&format!("{stored}.part")), None);
}

pub(super) fn damaged(host: &mut dyn Act, outside: &dyn Outside) {
    let (tool, stored) = artifact(outside, "right", "right");
    bring(host, 1, &tool);
    outside.plant(&stored, "broken", 0o755);
    let Seen::Is(there) = host.see(&tool.id(), Some(&tool)) else { panic!("something is there") };
    assert_ne!(there, tool);
    bring(host, 2, &tool);
    assert_eq!(outside.text(&stored).as_deref(), Some("right"));
    host.act(&Change::away(tool)).unwrap();
}
