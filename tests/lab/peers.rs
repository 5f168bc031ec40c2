//! The real programs of tests/peers as hosts see them: one folder, built by `make peers`, bound read-only into each host.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where hosts have that folder; tests/peers/README.md says what is in it.
pub const PEERS: &str = "/opt/knarr-peers";

/// The version of K3s that machines get first; `make test-k3s` names another one.
pub const K3S: &str = match option_env!("KNARR_K3S") {
    Some(version) => version,
    None => "v1.36.2+k3s1",
};

/// The version to which they are upgraded; none when `make test-k3s` has only one binary.
pub const K3S_NEWER: Option<&str> = match (option_env!("KNARR_K3S"), option_env!("KNARR_K3S_NEWER")) {
    (None, _) => Some("v1.37.0+k3s1"),
    (Some(_), newer) => newer,
};

/// Whether K3s is a release, not the stand-in. Its pods need images, which no host of the lab can fetch.
pub fn k3s_is_real() -> bool {
    peers().is_some_and(|folder| folder.join("real").exists())
}

/// The folder on this machine, when it is built for the present sources.
pub fn peers() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| where_built().filter(|folder| folder.is_dir())).as_deref()
}

fn where_built() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("KNARR_PEERS") {
        return Some(folder.into());
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/build");
    let said = Command::new(build).arg("--where").output().ok().filter(|it| it.status.success())?;
    Some(PathBuf::from(String::from_utf8(said.stdout).ok()?.trim()))
}
