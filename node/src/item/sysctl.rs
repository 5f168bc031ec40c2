//! A kernel parameter's live value. What survives a reboot is a file in /etc/sysctl.d, an item of its own.

use super::BadItem;
use crate::name::SysctlKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kernel parameter and its value. In YAML a map with one entry: `{net.ipv4.ip_forward: "1"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<SysctlKey, String>", into = "BTreeMap<SysctlKey, String>")]
pub struct Sysctl {
    /// The parameter.
    pub key: SysctlKey,
    /// Its value; white space between words does not count.
    pub value: String,
}

impl Sysctl {
    /// Returns why this value cannot be taken back before a reboot.
    ///
    /// Source: Linux Documentation/admin-guide/sysctl/kernel.rst, v6.12.
    pub fn one_way(&self) -> Option<&'static str> {
        let set = self.value.trim() != "0";
        match self.key.as_str() {
            "kernel.modules_disabled" if set => Some("the kernel keeps modules disabled until it reboots"),
            "kernel.kexec_load_disabled" if set => Some("the kernel keeps kexec disabled until it reboots"),
            "kernel.unprivileged_bpf_disabled" if self.value.trim() == "1" => {
                Some("the kernel keeps unprivileged BPF disabled until it reboots")
            }
            _ => None,
        }
    }
}

impl TryFrom<BTreeMap<SysctlKey, String>> for Sysctl {
    type Error = BadItem;
    fn try_from(map: BTreeMap<SysctlKey, String>) -> Result<Self, BadItem> {
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((key, value)), None) => Ok(Self { key, value }),
            _ => Err(BadItem::OneKey),
        }
    }
}

impl From<Sysctl> for BTreeMap<SysctlKey, String> {
    fn from(sysctl: Sysctl) -> Self {
        Self::from([(sysctl.key, sysctl.value)])
    }
}
