//! A person as the witness of a machine that has no other: who follows `knarr ship` from outside dials in again and again;
//! who types it on the machine itself is asked to log in once more.

use super::{login, now};
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
const AT_HAND: &str = "at-hand.json";
const WANTED: &str = "login-wanted.json";

/// Notes that a person sits at this machine now; returns for how long a login of theirs is waited for, if one is.
pub fn at_hand(paths: &Paths) -> io::Result<Option<Duration>> {
    fs::create_dir_all(paths.run())?;
    write_private(&paths.run().join(AT_HAND), &serde_json::to_vec(&now()).expect("it is plain data"))?;
    let left = moment(paths, WANTED).map(|until| until.since(now()));
    Ok(left.filter(|left| !left.is_zero()))
}

/// How a person can be a witness just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Present {
    /// One is there at all.
    pub(super) is: bool,
    /// It sits at the machine itself, and has to be asked.
    pub(super) asked: bool,
}

pub(super) fn present(paths: &Paths, now: BootTime) -> Present {
    let lately = |at: Option<BootTime>| at.is_some_and(|at| now.since(at) < THERE);
    let (dials, at_hand) = (lately(last(paths)), lately(moment(paths, AT_HAND)));
    Present { is: dials || at_hand, asked: at_hand && !dials }
}

/// Whether a person came in from outside after `since`: by dialling, or by a login where one was asked for.
pub(super) fn came(paths: &Paths, since: BootTime, asked: bool) -> bool {
    last(paths).is_some_and(|at| at > since) || (asked && login::came(since))
}

/// Has a person be asked to log in until then.
pub(super) fn ask(paths: &Paths, until: BootTime) {
    let note = serde_json::to_vec(&until).expect("it is plain data");
    if let Err(error) = write_private(&paths.run().join(WANTED), &note) {
        tracing::warn!(%error, "nobody can be asked to log in");
    }
}

/// Asks no more.
pub(super) fn settle(paths: &Paths) {
    // Where nobody was asked there is nothing, and what stays ends with its time.
    let _ = fs::remove_file(paths.run().join(WANTED));
}

fn last(paths: &Paths) -> Option<BootTime> {
    let bytes = fs::read(paths.run().join(FILE)).ok()?;
    serde_json::from_slice::<Note>(&bytes).ok().map(|note| note.at)
}

fn moment(paths: &Paths, file: &str) -> Option<BootTime> {
    serde_json::from_slice(&fs::read(paths.run().join(file)).ok()?).ok()
}

/// Whether an address is this machine's own: only such can be bound to. What comes from there went through `lo`.
pub(super) fn is_own(address: IpAddr) -> bool {
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
        assert!(!came(&paths, since, false));
        assert!(note(&paths, "192.0.2.1 50000 192.0.2.2 22").unwrap());
        assert!(!came(&paths, now() + Duration::from_secs(1), false));
        assert_eq!(present(&paths, now()), Present { is: true, asked: false });
        assert_eq!(present(&paths, now() + THERE), Present::default());
    }

    #[test]
    fn who_sits_at_the_machine_hears_for_how_long_a_login_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        assert_eq!(at_hand(&paths).unwrap(), None);
        assert_eq!(present(&paths, now()), Present { is: true, asked: true });
        ask(&paths, now() + Duration::from_mins(1));
        let left = at_hand(&paths).unwrap().unwrap();
        assert!(left > Duration::from_secs(30) && left <= Duration::from_mins(1), "{left:?}");
        settle(&paths);
        assert_eq!(at_hand(&paths).unwrap(), None);
        assert_eq!(present(&paths, now() + THERE), Present::default());
    }
}
