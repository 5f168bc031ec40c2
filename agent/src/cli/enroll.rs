//! `knarrd enroll`

use super::{CliError, Kind, as_json, need_root, paths, say, settings, units};
use crate::enroll::enroll;
use knarr_node::enrol::Enrolment;
use std::io::{self, Read as _};
use std::path::Path;
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
    units::install(&paths, program.as_str())?;
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
