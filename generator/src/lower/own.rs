//! Paths and units that are Knarr's own, so nobody else may set them.

use knarr_node::item::Check;
use knarr_node::name::{AbsPath, UnitName};

/// Kernel parameters for the next boot.
pub const SYSCTL: &str = "/etc/sysctl.d/90-knarr.conf";
/// sshd's settings.
pub const SSHD: &str = "/etc/ssh/sshd_config.d/10-knarr.conf";

/// K3s.
pub const K3S: &str = "/usr/local/bin/k3s";
/// kubectl, which is K3s under another name.
pub const KUBECTL: &str = "/usr/local/bin/kubectl";
/// K3s's settings.
pub const K3S_CONFIG: &str = "/etc/rancher/k3s/config.yaml";
/// More settings of K3s: the last file wins.
pub const K3S_DROP_INS: &str = "/etc/rancher/k3s/config.yaml.d";
/// Which of them counts at its first start only.
pub const K3S_FIRST: &str = "first-start.yaml";
/// What K3s joins with.
pub const K3S_TOKEN: &str = "/var/lib/knarr/k3s-token";
/// What agents join with, on servers.
pub const K3S_AGENT_TOKEN: &str = "/var/lib/knarr/k3s-agent-token";
/// K3s's unit on servers.
pub const K3S_SERVER: &str = "k3s.service";
/// K3s's unit on agents.
pub const K3S_AGENT: &str = "k3s-agent.service";

/// Folders that are Knarr's with all that is below.
const FOLDERS: [&str; 6] = [
    "/var/lib/knarr",
    "/run/knarr",
    "/etc/knarr",
    "/etc/ssh/authorized_keys.d",
    K3S_DROP_INS,
    "/var/lib/rancher/k3s/server/tls",
];

/// Whether a place on the machine is Knarr's own: the generator's files, or those that knarrd makes for items.
pub fn path(path: &AbsPath) -> bool {
    let path = path.as_str();
    let below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let named = |folder: &str| path.strip_prefix(folder).is_some_and(|name| name.starts_with("knarr"));
    let drop_in = path.starts_with("/etc/systemd/system/") && path.ends_with(".d/knarr.conf");
    let programs = ["/usr/bin/knarrd", "/usr/local/bin/knarrd", K3S, KUBECTL];
    let single = [SYSCTL, SSHD, K3S_CONFIG].contains(&path) || programs.contains(&path);
    let unit =
        path.strip_prefix("/etc/systemd/system/").is_some_and(|name| [K3S_SERVER, K3S_AGENT].contains(&name));
    let ours = named("/etc/systemd/system/") || named("/etc/sudoers.d/") || unit;
    single || ours || drop_in || FOLDERS.into_iter().any(below)
}

/// Whether a unit is Knarr's own.
pub fn unit(name: &UnitName) -> bool {
    let name = name.as_str();
    name.starts_with("knarrd.") || name.starts_with("knarr-") || [K3S_SERVER, K3S_AGENT].contains(&name)
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
