//! The real programs of tests/peers as hosts see them: one folder, built by `make peers`, bound read-only into each host.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where hosts have that folder; tests/peers/README.md says what is in it.
pub const PEERS: &str = "/opt/knarr-peers";

/// The folder on this machine, when it is built for the present sources.
pub fn peers() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| where_built().filter(|folder| folder.is_dir())).as_deref()
}

fn where_built() -> Option<PathBuf> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/build");
    let said = Command::new(build).arg("--where").output().ok().filter(|it| it.status.success())?;
    Some(PathBuf::from(String::from_utf8(said.stdout).ok()?.trim()))
}
