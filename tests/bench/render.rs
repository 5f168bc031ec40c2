//! `knarr render` of a repository with one machine, as a process.

use crate::figure::{Figure, Target, Times};
use crate::peers::Peers;
use crate::repository::Repository;
use std::path::Path;
use std::time::Duration;

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let repository = Repository::new();
    let ours = Times::of(31, || repository.knarr(&["render"], Path::new("/dev/null")));
    let target = Target::AtMost(Duration::from_millis(15));
    vec![Figure { what: "`knarr render` of one machine, nothing changed", ours, target, peer: None }]
}
