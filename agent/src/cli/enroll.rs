//! `knarrd enroll`

use super::{CliError, Kind, as_json, need_root, paths, say, settings};
use crate::child::{Confined, Limits};
use crate::enroll::enroll;
use crate::identity::write_private;
use knarr_node::causes::chain;
use knarr_node::enrol::Enrolment;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Make this machine one of a cluster; `knarr node add` calls this
///
/// It reads one JSON object on standard input: whom to believe, and where the commits are. Keys are made here and
/// never leave; their public halves are printed. Doing it again keeps the keys.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  knarr node add edge=root@203.0.113.7     # on your own machine: it calls `knarrd enroll`"
)]
pub(super) struct Args {}

const UNIT: &str = "/etc/systemd/system/knarrd.service";
const LIMITS: Limits = Limits { time: Duration::from_mins(1), memory: 1 << 30, file: 1 << 20 };

pub(super) fn run(_: &Args) -> Result<u8, CliError> {
    need_root()?;
    let enrolment = enrolment()?;
    let paths = paths();
    let program = settings(&paths)?.program;
    let systemd = Path::new("/run/systemd/system").exists();
    if !systemd {
        return Err(CliError::new(
            Kind::Environment,
            "this machine was not started by systemd",
            "use Debian or another system with systemd",
        ));
    }
    let born = enroll(&enrolment, &paths)?;
    install(&paths.absolute(UNIT), &unit(program.as_str()))?;
    say(&as_json(&born));
    Ok(0)
}

fn enrolment() -> Result<Enrolment, CliError> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().take(1 << 20).read_to_string(&mut text)?;
    // serde_json's own message could quote the deploy key.
    let odd = |error: serde_json::Error| {
        let place =
            format!("standard input is not an enrolment (line {}, column {})", error.line(), error.column());
        CliError::new(Kind::User, place, "knarr node add NAME=USER@HOST, on your own machine")
    };
    serde_json::from_str(&text).map_err(odd)
}

fn install(path: &Path, text: &str) -> Result<(), CliError> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return systemctl(&["enable", "--now", "knarrd.service"]);
    }
    write_private(path, text.as_bytes())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "knarrd.service"])?;
    systemctl(&["restart", "knarrd.service"])
}

fn systemctl(words: &[&str]) -> Result<(), CliError> {
    let mut child = Confined::new("systemctl", Path::new("/"), LIMITS);
    child.command().args(words);
    let failed = |why: String| {
        CliError::new(
            Kind::Environment,
            format!("cannot start knarrd.service: {why}"),
            "systemctl status knarrd",
        )
    };
    let said = child.run(Vec::new()).map_err(|error| failed(chain(&error)))?;
    if said.success { Ok(()) } else { Err(failed(said.err)) }
}

/// Returns knarrd's own unit. It must be able to change the whole machine, so only what that never needs is closed.
fn unit(program: &str) -> String {
    format!(
        "[Unit]
Description=Keeps this machine as its git repository says
After=network.target dbus.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} run
Restart=always
RestartSec=5
WatchdogSec=90
TimeoutStopSec=120
KillMode=mixed
LockPersonality=yes
NoNewPrivileges=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
"
    )
}
