//! Paths and units that are Knarr's own, so nobody else may set them.

use knarr_node::item::Check;
use knarr_node::name::{AbsPath, UnitName};

/// Kernel parameters for the next boot.
pub const SYSCTL: &str = "/etc/sysctl.d/90-knarr.conf";
/// sshd's settings.
pub const SSHD: &str = "/etc/ssh/sshd_config.d/10-knarr.conf";

/// Whether a place on the machine is Knarr's own.
pub fn path(path: &AbsPath) -> bool {
    let below = ["/var/lib/knarr", "/run/knarr", "/etc/knarr", "/etc/ssh/authorized_keys.d"];
    let is_below = |top: &str| {
        path.as_str().strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let named =
        |folder: &str| path.as_str().strip_prefix(folder).is_some_and(|name| name.starts_with("knarr"));
    below.into_iter().any(is_below)
        || [SYSCTL, SSHD, "/usr/bin/knarrd", "/usr/local/bin/knarrd"].contains(&path.as_str())
        || ["/etc/systemd/system/", "/etc/sudoers.d/"].into_iter().any(named)
}

/// Whether a unit is Knarr's own.
pub fn unit(name: &UnitName) -> bool {
    name.as_str().starts_with("knarrd.") || name.as_str().starts_with("knarr-")
}

/// Returns who must agree before a file at `path` counts: a mistake there locks people out.
pub fn check(path: &AbsPath) -> Option<Check> {
    match path.parent() {
        "/etc/sudoers.d" => Some(Check::Sudoers),
        "/etc/ssh/sshd_config.d" => Some(Check::Sshd),
        _ if path.as_str() == "/etc/sudoers" => Some(Check::Sudoers),
        _ if path.as_str() == "/etc/ssh/sshd_config" => Some(Check::Sshd),
        _ => None,
    }
}
