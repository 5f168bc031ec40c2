//! knarrd's own units: `knarrd enroll` writes and starts them.

use super::{CliError, Kind};
use crate::child::{Confined, Limits};
use crate::identity::write_private;
use crate::paths::Paths;
use knarr_node::causes::chain;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_mins(1), memory: 1 << 30, file: 1 << 20 };

/// Writes both units, enables them, and starts the daemon; anew only when its unit changed.
pub(super) fn install(paths: &Paths, program: &str) -> Result<(), CliError> {
    let boot = swap_in(paths, "knarr-boot.service", BOOT)?;
    let daemon = swap_in(paths, "knarrd.service", &daemon(program))?;
    if boot || daemon {
        systemctl(&["daemon-reload"])?;
    }
    systemctl(&["enable", "knarr-boot.service", "knarrd.service"])?;
    systemctl(&[if daemon { "restart" } else { "start" }, "knarrd.service"])
}

/// Writes a unit file, and says whether there was another one, or none.
fn swap_in(paths: &Paths, unit: &str, text: &str) -> Result<bool, CliError> {
    let path = paths.absolute(&format!("/etc/systemd/system/{unit}"));
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(false);
    }
    write_private(&path, text.as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    Ok(true)
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
fn daemon(program: &str) -> String {
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

/// Mesh and table before the network comes up, and before K3s: from the copy, so whatever became of the installed
/// knarrd. Debian's nftables.service begins with `flush ruleset`, and cloud-init waits for the network before
/// sysinit.target, so that the default dependencies would be a circle. An endpoint with a domain name is not known that
/// early (7): the next pass says where it is.
/// Source: Debian 12, nftables 1.0.6 and cloud-init 22.4.
const BOOT: &str = "[Unit]
Description=Makes mesh and firewall as they were when last proven
DefaultDependencies=no
RequiresMountsFor=/var/lib/knarr /usr
ConditionPathExists=/var/lib/knarr/proven/knarrd
Wants=network-pre.target
After=local-fs.target systemd-sysctl.service systemd-modules-load.service nftables.service netfilter-persistent.service
Before=network-pre.target network.target knarrd.service k3s.service k3s-agent.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/var/lib/knarr/proven/knarrd boot
SuccessExitStatus=7
TimeoutStartSec=120

[Install]
WantedBy=multi-user.target
";
