//! Which commit another node was about to apply when it asked to be dialled. Two ends that change their tunnel at the
//! same time lose each other until both are done: who said so before is expected to answer after.

use super::now;
use crate::guard::BootTime;
use crate::identity::write_private;
use crate::paths::Paths;
use knarr_node::name::{NodeName, Oid};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use std::{fs, io};

/// What was said so long ago counts no more.
const LATELY: Duration = Duration::from_mins(5);

#[derive(Debug, Serialize, Deserialize)]
struct Heard {
    commit: Oid,
    at: BootTime,
}

/// Keeps in mind that `node` is about to apply `commit`.
pub(crate) fn hear_of(paths: &Paths, node: &NodeName, commit: &Oid) -> io::Result<()> {
    let folder = paths.run().join("heard");
    fs::create_dir_all(&folder)?;
    let heard = serde_json::to_vec(&Heard { commit: commit.clone(), at: now() })?;
    write_private(&folder.join(format!("{node}.json")), &heard)
}

/// Whether `node` was about to apply `commit` lately.
pub(super) fn applies(paths: &Paths, node: &NodeName, commit: &Oid) -> bool {
    let bytes = fs::read(paths.run().join("heard").join(format!("{node}.json"))).ok();
    let heard: Option<Heard> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    heard.is_some_and(|heard| heard.commit == *commit && now().since(heard.at) < LATELY)
}
