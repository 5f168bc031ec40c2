//! `knarrd contact`: called by `knarr ship` over a connection that it dials anew each time, never by people.

use super::{CliError, need_root, paths, say};
use crate::contact::note;

/// Note that a person reached this machine from outside
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What sshd says of the connection: SSH_CONNECTION, which sudo does not hand on
    connection: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    let of_session = || std::env::var("SSH_CONNECTION").unwrap_or_default();
    let outside = note(&paths(), &args.connection.clone().unwrap_or_else(of_session))?;
    say(if outside { "noted" } else { "this connection comes from the machine itself and proves nothing" });
    Ok(0)
}
