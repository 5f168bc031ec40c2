//! Where knarrd's own files lie. Tests put another folder before all of them.

use crate::host::Settings;
use knarr_node::name::{AbsPath, BadName};
use std::path::{Path, PathBuf};

/// The places of one machine, below one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Returns the places below `root`, which is `/` on a machine.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns any absolute path of the machine.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns the folder of what outlives a reboot; mode 0700.
    pub fn state(&self) -> PathBuf {
        self.absolute("/var/lib/knarr")
    }

    /// Returns a file or folder in [`Paths::state`].
    pub fn kept(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }

    /// Returns the folder of what does not outlive a reboot.
    pub fn run(&self) -> PathBuf {
        self.absolute("/run/knarr")
    }

    /// Returns the settings of the host for `program`, which is knarrd itself.
    ///
    /// # Errors
    /// A path that is not plain text.
    pub fn settings(&self, program: &Path) -> Result<Settings, BadName> {
        let text = |path: &Path| path.to_string_lossy().parse::<AbsPath>();
        Ok(Settings { state: text(&self.state())?, run: text(&self.run())?, program: text(program)? })
    }
}
