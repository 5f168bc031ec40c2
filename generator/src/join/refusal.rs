//! Why a machine may not join, and what to type then.

use crate::probe::Firewall;
use crate::spec::Arch;
use knarr_node::name::{ClusterName, NodeName};
use knarr_node::net::Port;
use std::collections::BTreeSet;

/// Why a machine may not join.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither amd64 nor arm64.
    #[error("its processor is `{0}`")]
    Arch(String),
    /// Another init, or a container without any.
    #[error("systemd does not run there")]
    NoSystemd,
    /// Neither root nor sudo.
    #[error("root cannot be reached there")]
    NoRoot {
        /// The login, if one was given.
        user: Option<String>,
    },
    /// /etc/machine-id is empty.
    #[error("it has no /etc/machine-id")]
    NoMachineId,
    /// Programs are missing, and apt-get too.
    #[error("these are missing, and there is no apt-get: {}", .0.iter().cloned().collect::<Vec<_>>().join(", "))]
    Missing(BTreeSet<String>),
    /// A firewall of others would go on dropping what Knarr opens.
    #[error("{0} filters there, and would drop what the mesh needs")]
    Firewall(Firewall),
    /// A router translates the port on the way, and the machine's table would open the wrong one.
    #[error("its sshd listens at {found}, and is dialled at {typed}")]
    OtherPort {
        /// The port that was typed.
        typed: Port,
        /// The port at which the machine was reached.
        found: Port,
    },
    /// It has what another machine has.
    #[error("it is a copy of `{other}`, or the same machine: machine id or SSH host key are the same")]
    Cloned {
        /// Whose.
        other: String,
    },
    /// It follows another repository, or has another name.
    #[error("it is enrolled already, as `{name}` of cluster `{cluster}`")]
    Elsewhere {
        /// The cluster that it belongs to.
        cluster: ClusterName,
        /// The name that it has there.
        name: NodeName,
    },
    /// Its identity file is of another version, or damaged.
    #[error("it is enrolled already, by a knarrd that this version does not know")]
    Unreadable,
    /// Another machine has the name.
    #[error("`{0}` is the name of another machine")]
    Taken(NodeName),
    /// A removed machine had the name.
    #[error("`{0}` is the name of a machine that was removed")]
    Removed(NodeName),
    /// It was described as an agent.
    #[error("nodes/{0}.yaml says `agent`, and it is to be a server")]
    SaysAgent(NodeName),
    /// It was described with ports, and others were typed.
    #[error("nodes/{0}.yaml has `open` already, without all of the ports that were typed")]
    SaysOpen(NodeName),
    /// It was described with another processor.
    #[error("nodes/{name}.yaml says `{says}`, and its processor is `{is}`")]
    SaysArch {
        /// Which machine.
        name: NodeName,
        /// What its file says.
        says: Arch,
        /// What was seen.
        is: Arch,
    },
    /// It was described as behind a machine that was described too.
    #[error("its relay `{0}` was not enrolled yet")]
    RelayWaits(String),
}

impl Refusal {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::Arch(_) => "knarrd runs on amd64 (x86_64) and arm64 (aarch64)".to_owned(),
            Self::NoSystemd => "knarrd needs a machine, or a container, that systemd has booted".to_owned(),
            Self::NoRoot { user } => {
                let user = user.as_deref().unwrap_or("that login");
                format!("log in as root, or let {user} use sudo without a password")
            }
            Self::NoMachineId => "on it, as root: systemd-machine-id-setup".to_owned(),
            Self::Missing(_) => "install them by hand, then type this again".to_owned(),
            Self::Firewall(firewall) => format!(
                "on it, as root: {}; or let knarr do that: knarr node add --replace-firewall …",
                firewall.off()
            ),
            Self::OtherPort { typed, .. } => format!(
                "give it a name in ~/.ssh/config with `Port {typed}`, and type that name without a port"
            ),
            Self::Cloned { .. } => {
                "on the copy, as root: rm /etc/machine-id /etc/ssh/ssh_host_*; systemd-machine-id-setup; ssh-keygen -A; reboot"
                    .to_owned()
            }
            Self::Elsewhere { .. } | Self::Unreadable => {
                "if it should leave that cluster, on it, as root: systemctl disable --now knarrd; rm -r /var/lib/knarr".to_owned()
            }
            Self::Taken(name) => {
                format!("choose another name, or, if the machine was reinstalled: knarr node refresh {name}")
            }
            Self::Removed(name) => format!("choose another name, or: knarr node forget {name}"),
            Self::SaysAgent(name) => format!("write `roles: [server]` in nodes/{name}.yaml"),
            Self::SaysOpen(name) => format!("add them to `open` in nodes/{name}.yaml, and leave --open out"),
            Self::SaysArch { name, is, .. } => {
                format!("is it the right machine? If so, write `arch: {is}` in nodes/{name}.yaml")
            }
            Self::RelayWaits(relay) => format!("name it too: knarr node add {relay} …"),
        }
    }
}
