//! Kernel parameters: their live value under /proc/sys.

use super::os::Os;
use super::{Fault, Host};
use knarr_node::item::Sysctl;
use knarr_node::name::SysctlKey;
use knarr_node::{Item, Seen};

impl<O: Os> Host<O> {
    pub(super) fn see_sysctl(&self, like: &Sysctl) -> Result<Seen, Fault> {
        Ok(match self.sysctl(&like.key)? {
            None => Seen::Absent,
            Some(there) if words(&there.value).eq(words(&like.value)) => Seen::Is(Item::Sysctl(like.clone())),
            Some(there) => Seen::Is(Item::Sysctl(there)),
        })
    }

    pub(super) fn keep_sysctl(&self, key: &SysctlKey) -> Result<Option<Item>, Fault> {
        Ok(self.sysctl(key)?.map(Item::Sysctl))
    }

    pub(super) fn set_sysctl(&mut self, sysctl: &Sysctl) -> Result<(), Fault> {
        let path = path(&sysctl.key);
        if self.os.stat(&path)?.is_none() {
            return Err(Fault::NoParameter(sysctl.key.to_string()));
        }
        self.os.set(&path, &sysctl.value)
    }

    fn sysctl(&self, key: &SysctlKey) -> Result<Option<Sysctl>, Fault> {
        let path = path(key);
        if self.os.stat(&path)?.is_none() {
            return Ok(None);
        }
        let value = String::from_utf8_lossy(&self.os.read(&path)?).trim().to_owned();
        Ok(Some(Sysctl { key: key.clone(), value }))
    }
}

/// White space between words is the kernel's, not ours: it answers with tabs where a blank was written.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split_whitespace()
}

/// Returns where a parameter lies: dots become slashes, and slashes dots, as in sysctl.d(5).
fn path(key: &SysctlKey) -> String {
    let swapped = key.as_str().chars().map(|c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    });
    format!("/proc/sys/{}", swapped.collect::<String>())
}
