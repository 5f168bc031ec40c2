//! Where a device's configuration goes, which holds its private key: to a file of its own, or once to a terminal.

use crate::device::{mark, picture, tunnel};
use crate::error::CliError;
use crate::private::write_new;
use crate::ui::Ui;
use knarr_node::name::{ClusterName, PeerName};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Where wg-quick(8) looks.
const FOLDER: &str = "/etc/wireguard";

/// Where a configuration goes.
#[derive(Debug)]
pub(super) enum Keep {
    /// To a file, below the line that says whose it is.
    File {
        /// The file.
        path: PathBuf,
        /// Its first line; empty when it has none.
        mark: String,
    },
    /// To the terminal, once.
    Terminal,
}

impl Keep {
    /// Returns a new file.
    pub(super) fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), mark: String::new() }
    }

    /// Returns the file that wg-quick takes on this machine.
    ///
    /// # Errors
    /// When it is another's, or this is not root.
    pub(super) fn here(cluster: &ClusterName, name: &PeerName) -> Result<Self, CliError> {
        let (path, mark) = (Path::new(FOLDER).join(format!("{}.conf", tunnel(cluster))), mark(cluster, name));
        match std::fs::read_to_string(&path).map(zeroize::Zeroizing::new) {
            Ok(there) if !there.starts_with(&mark) => {
                Err(CliError::user(format!("`{}` is there, and is not of `{name}`", path.display()))
                    .help("move it away, or write the new one to another file: --to FILE"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(not_root(name)),
            Ok(_) | Err(_) if !is_root() => Err(not_root(name)),
            Ok(_) | Err(_) => Ok(Self::File { path, mark }),
        }
    }

    /// Returns the terminal.
    ///
    /// # Errors
    /// When nobody looks, or programs do.
    pub(super) fn terminal(name: &PeerName, ui: &Ui) -> Result<Self, CliError> {
        if std::io::stdout().is_terminal() && !ui.json() {
            return Ok(Self::Terminal);
        }
        Err(CliError::user("the configuration holds a private key, and is shown on a terminal only").help(
            format!("knarr peer add {name} --to FILE, or --here, or --key with a public key of its own"),
        ))
    }

    /// Returns the file.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Terminal => None,
        }
    }

    /// Writes the file, mode 0600. One of the same device, by its mark, is replaced: its key is known to no machine.
    pub(super) fn write(&self, text: &str) -> Result<(), CliError> {
        let Self::File { path, mark } = self else { return Ok(()) };
        if !mark.is_empty() && path.exists() {
            std::fs::remove_file(path).map_err(|error| {
                CliError::environment(format!("cannot replace `{}`: {error}", path.display()))
            })?;
        }
        write_new(path, &zeroize::Zeroizing::new(format!("{mark}{text}")))
    }

    /// Shows the configuration on the terminal, or says what starts it.
    pub(super) fn show(&self, text: &str, ui: &Ui) {
        match self {
            Self::Terminal => {
                ui.say("Shown once; the private key is kept nowhere:\n");
                ui.say(text);
                if let Some(picture) = picture(text) {
                    ui.say(picture.as_str());
                }
            }
            Self::File { mark, path } if !mark.is_empty() => {
                let name = path.file_stem().unwrap_or_default().display();
                let missing = if Path::new("/usr/bin/wg-quick").exists() {
                    ""
                } else {
                    "apt install wireguard-tools && "
                };
                ui.say(format_args!("After the next ship: {missing}wg-quick up {name}"));
            }
            Self::File { .. } => {}
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn not_root(name: &PeerName) -> CliError {
    CliError::user(format!("only root writes to {FOLDER}"))
        .help(format!("sudo knarr peer add {name} --here …, or --to FILE"))
}
