//! `knarr render` of a repository with one machine, as a process.

use crate::figure::{Figure, Target, Values};
use crate::peers::Peers;
use crate::repository::Repository;
use std::path::Path;

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let repository = Repository::new();
    let ours = Values::times(31, || repository.knarr(&["render"], Path::new("/dev/null")));
    let target = Target::AtMost(0.015);
    vec![Figure { what: "`knarr render` of one machine, nothing changed", ours, target, peer: None }]
}
