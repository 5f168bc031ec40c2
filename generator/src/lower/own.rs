//! Paths and units that are Knarr's own, so nobody else may set them.

use knarr_node::item::Check;
use knarr_node::name::{AbsPath, UnitName};

/// Kernel parameters for the next boot.
pub const SYSCTL: &str = "/etc/sysctl.d/90-knarr.conf";
/// sshd's settings.
pub const SSHD: &str = "/etc/ssh/sshd_config.d/10-knarr.conf";

/// Folders that are Knarr's with all that is below.
const FOLDERS: [&str; 4] = ["/var/lib/knarr", "/run/knarr", "/etc/knarr", "/etc/ssh/authorized_keys.d"];

/// Whether a place on the machine is Knarr's own: the generator's files, or those that knarrd makes for items.
pub fn path(path: &AbsPath) -> bool {
    let path = path.as_str();
    let below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let named = |folder: &str| path.strip_prefix(folder).is_some_and(|name| name.starts_with("knarr"));
    let drop_in = path.starts_with("/etc/systemd/system/") && path.ends_with(".d/knarr.conf");
    let single = [SYSCTL, SSHD, "/usr/bin/knarrd", "/usr/local/bin/knarrd"].contains(&path);
    let ours = named("/etc/systemd/system/") || named("/etc/sudoers.d/");
    single || ours || drop_in || FOLDERS.into_iter().any(below)
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
