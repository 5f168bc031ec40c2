//! Logins by SSH from other machines, as sshd itself tells the journal: each is a new flow that got through.

use super::now;
use super::operator::is_own;
use crate::child::{Confined, Limits};
use crate::guard::BootTime;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), memory: 1 << 30, file: 1 << 20 };

/// What root said under sshd's names. From OpenSSH 9.8 on logins are told by sshd-session.
/// Source: journalctl(1), systemd 252; OpenSSH 9.8 release notes.
const ASK: [&str; 9] = [
    "--quiet",
    "--boot",
    "--output=json",
    "--lines=20",
    "--grep=^Accepted ",
    "--identifier=sshd",
    "--identifier=sshd-session",
    "_UID=0",
    "--no-pager",
];

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE")]
    message: String,
    /// Microseconds of CLOCK_MONOTONIC.
    #[serde(rename = "__MONOTONIC_TIMESTAMP")]
    at: String,
}

/// Whether somebody logged in from another machine after `since`.
pub(super) fn came(since: BootTime) -> bool {
    let mut child = Confined::new("journalctl", Path::new("/"), LIMITS);
    child.command().args(ASK);
    let said = match child.run(Vec::new()) {
        Ok(said) => said.out,
        Err(error) => {
            tracing::warn!(%error, "the journal cannot be asked for logins");
            return false;
        }
    };
    // The two clocks differ by what the machine slept, which it does not do while a stage waits.
    let since = monotonic().saturating_sub(now().since(since));
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).any(|entry| is_new(&entry, since))
}

fn is_new(entry: &Entry, since: Duration) -> bool {
    let after = entry.at.parse().is_ok_and(|at| Duration::from_micros(at) > since);
    after && client(&entry.message).is_some_and(|from| !is_own(from))
}

/// Returns who logged in: `Accepted publickey for me from 192.0.2.1 port 50000 ssh2: …`. Source: OpenSSH 9.2, auth.c.
fn client(message: &str) -> Option<IpAddr> {
    let (_, rest) = message.strip_prefix("Accepted ")?.split_once(" from ")?;
    let (address, _) = rest.split_once(" port ")?;
    address.split('%').next()?.parse().ok()
}

fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(from: &str, at: u64) -> Entry {
        let message = format!("Accepted publickey for me from {from} port 50000 ssh2: ED25519 SHA256:x");
        let line = serde_json::json!({ "MESSAGE": message, "__MONOTONIC_TIMESTAMP": at.to_string() });
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn only_a_later_login_from_another_machine_counts() {
        let since = Duration::from_millis(1);
        assert!(is_new(&entry("192.0.2.1", 1001), since) && is_new(&entry("fe80::1%eth0", 1001), since));
        for (from, at) in [("192.0.2.1", 1000), ("127.0.0.1", 1001), ("::1", 1001), ("UNKNOWN", 1001)] {
            assert!(!is_new(&entry(from, at), since), "{from} {at}");
        }
        let other =
            Entry { message: "Failed password for me from 192.0.2.1 port 1".into(), at: "1001".into() };
        assert!(!is_new(&other, since));
    }
}
