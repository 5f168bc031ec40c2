//! A person who dials in from outside while `knarr ship` follows: the witness of a machine that has no other.

use super::now;
use crate::guard::BootTime;
use crate::identity::write_private;
use crate::paths::Paths;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;
use std::{fs, io};

/// Who dialled in so long ago is still there.
const THERE: Duration = Duration::from_secs(20);

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    at: BootTime,
    from: IpAddr,
}

/// Notes that a person dialled in now, when the connection comes from outside; returns whether it does.
///
/// `connection` is what sshd says in SSH_CONNECTION: address and port of the client, then of the server.
/// Source: ssh(1), OpenSSH 9.2.
pub fn note(paths: &Paths, connection: &str) -> io::Result<bool> {
    let from = connection.split(' ').next().and_then(|client| client.parse().ok());
    let Some(from) = from.filter(|from| !is_own(*from)) else { return Ok(false) };
    fs::create_dir_all(paths.run())?;
    let note = serde_json::to_vec(&Note { at: now(), from })?;
    write_private(&paths.run().join(FILE), &note)?;
    Ok(true)
}

const FILE: &str = "contact.json";

/// Whether a person follows just now.
pub(super) fn was_here(paths: &Paths, now: BootTime) -> bool {
    last(paths).is_some_and(|at| now.since(at) < THERE)
}

/// Whether a person dialled in after `since`.
pub(super) fn came(paths: &Paths, since: BootTime) -> bool {
    last(paths).is_some_and(|at| at > since)
}

fn last(paths: &Paths) -> Option<BootTime> {
    let bytes = fs::read(paths.run().join(FILE)).ok()?;
    serde_json::from_slice::<Note>(&bytes).ok().map(|note| note.at)
}

/// Whether an address is this machine's own: only such can be bound to. What comes from there went through `lo`.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_comes_from_another_machine_counts() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        let since = now();
        for own in ["127.0.0.1 1 127.0.0.1 22", "::1 1 ::1 22", "", "nonsense"] {
            assert!(!note(&paths, own).unwrap(), "{own}");
        }
        assert!(!came(&paths, since));
        assert!(note(&paths, "192.0.2.1 50000 192.0.2.2 22").unwrap());
        assert!(was_here(&paths, now()) && !came(&paths, now() + Duration::from_secs(1)));
        assert!(!was_here(&paths, now() + THERE));
    }
}
