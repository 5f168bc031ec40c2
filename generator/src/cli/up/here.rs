//! The machine on which `knarr up` is typed, as `node add` would see it.

use crate::error::CliError;
use crate::join::Candidate;
use crate::machine::Machine;
use crate::probe::{Probe, Root, is_public};
use crate::ssh::{Ssh, Target};
use crate::ui::Ui;
use knarr_node::name::{ClusterName, NodeName};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// This machine.
#[derive(Debug)]
pub(super) struct Here {
    /// What was seen on it.
    pub(super) candidate: Candidate,
    /// Whether somebody logs in with an SSH key.
    pub(super) keys: bool,
}

/// Looks at it and changes nothing.
///
/// # Errors
/// When nobody would reach it, or this is not root.
pub(super) fn look(ssh: &Ssh, cluster: &ClusterName, ui: &Ui) -> Result<Here, CliError> {
    let _progress = ui.progress("looking at this machine");
    let anywhere: Target = "root@localhost".parse().expect("it is a place for ssh");
    let mut probe = Machine { ssh, target: &anywhere }.probe()?;
    if probe.root != Root::Login {
        return Err(CliError::user("only root can make this machine a server")
            .help(format!("sudo knarr up {cluster}")));
    }
    let address = address(&probe).ok_or_else(|| {
        CliError::environment("this machine has no address that others could reach").help("ip addr")
    })?;
    probe.dialled = Some(address);
    probe.sshd = probe.sshd.or_else(|| listening(&probe));
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let target = format!("root@{host}").parse().expect("an address is a place for ssh");
    let name = name(cluster)?;
    Ok(Here { candidate: Candidate { name, target, probe }, keys: logins().iter().any(|file| has_key(file)) })
}

/// Returns the address at which somebody came in, else a public one, else the first.
fn address(probe: &Probe) -> Option<IpAddr> {
    let public = || probe.addresses.iter().copied().find(|ip| is_public(*ip));
    let dialled = probe.dialled.filter(|ip| !ip.is_loopback());
    dialled.or_else(public).or_else(|| probe.addresses.first().copied())
}

fn listening(probe: &Probe) -> Option<knarr_node::net::Port> {
    let sshd = probe.listens.iter().find(|listens| listens.program.as_deref() == Some("sshd"));
    sshd.map(|listens| listens.port.port)
}

/// Returns the machine's own name, else the cluster's.
fn name(cluster: &ClusterName) -> Result<NodeName, CliError> {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().to_lowercase();
    let short = own.trim().split('.').next().unwrap_or_default();
    let local = short == "localhost";
    short.parse().ok().filter(|_| !local).map_or_else(|| cluster.as_str().parse().map_err(CliError::bug), Ok)
}

/// Lists where sshd looks for the keys of those who may log in. Source: sshd_config(5), AuthorizedKeysFile.
fn logins() -> Vec<PathBuf> {
    let homes = std::fs::read_dir("/home").into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = homes.chain([PathBuf::from("/root")]);
    let files = folders.map(|home| home.join(".ssh/authorized_keys"));
    let more = std::fs::read_dir("/etc/ssh/authorized_keys.d").into_iter().flatten().flatten();
    files.chain(more.map(|entry| entry.path())).collect()
}

fn has_key(file: &Path) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}
