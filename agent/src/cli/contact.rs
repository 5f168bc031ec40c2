//! `knarrd contact`: called by `knarr ship` over a connection that it dials anew each time, never by people.

use super::{CliError, need_root, paths, say};
use crate::contact::{at_hand, note};

/// Note that a person reached this machine from outside
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What sshd says of the connection: SSH_CONNECTION, which sudo does not hand on
    connection: Option<String>,
    /// A person sits at this machine who can log in once more: say for how many seconds that is waited for
    #[arg(long, conflicts_with = "connection")]
    at_hand: bool,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    need_root()?;
    if args.at_hand {
        let seconds = at_hand(&paths())?.map_or(0, |left| left.as_secs().max(1));
        say(&seconds.to_string());
        return Ok(0);
    }
    let of_session = || std::env::var("SSH_CONNECTION").unwrap_or_default();
    let outside = note(&paths(), &args.connection.clone().unwrap_or_else(of_session))?;
    say(if outside { "noted" } else { "this connection comes from the machine itself and proves nothing" });
    Ok(0)
}
