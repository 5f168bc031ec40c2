//! Logins: the keys lie where only root writes, so a user cannot add to them.

use super::os::{Meta, Os};
use super::path::{swap_in, swap_in_if, take_away};
use super::{Fault, Host};
use knarr_node::item::{Account, Check};
use knarr_node::name::AccountName;
use knarr_node::{Item, Seen};
use std::collections::BTreeSet;

const KEYS_MODE: u32 = 0o644;
const SUDO_MODE: u32 = 0o440;

impl<O: Os> Host<O> {
    pub(super) fn see_account(&self, like: &Account) -> Result<Seen, Fault> {
        if !self.os.has_account(&like.name)? {
            return Ok(Seen::Absent);
        }
        let keys = self.holds_text(&keys_path(&like.name), &keys_text(&like.keys), KEYS_MODE)?;
        let sudo = self.holds_text(&sudo_path(&like.name), &sudo_text(like), SUDO_MODE)?;
        let there = self.account(&like.name)?;
        Ok(Seen::Is(Item::Account(match (keys, sudo) {
            (true, true) => like.clone(),
            (false, _) if there == *like => Account { keys: BTreeSet::new(), ..there },
            (_, false) if there == *like => Account { sudo: !like.sudo, ..there },
            (_, _) => there,
        })))
    }

    /// Returns what of Knarr's is there; the login itself is nobody's.
    pub(super) fn see_own_account(&self, name: &AccountName) -> Result<Seen, Fault> {
        let there = self.account(name)?;
        let ours = there.sudo || self.os.stat(&keys_path(name))?.is_some();
        Ok(if ours { Seen::Is(Item::Account(there)) } else { Seen::Absent })
    }

    pub(super) fn keep_account(&self, name: &AccountName) -> Result<Option<Item>, Fault> {
        let there = self.os.has_account(name)?;
        there.then(|| self.account(name).map(Item::Account)).transpose()
    }

    pub(super) fn put_account(&mut self, account: &Account) -> Result<(), Fault> {
        if account.keys.iter().any(|key| key.contains(char::is_control)) {
            return Err(Fault::KeyLines(account.name.to_string()));
        }
        if !self.os.has_account(&account.name)? {
            self.os.add_account(&account.name)?;
        }
        let (keys, sudo) = (keys_path(&account.name), sudo_path(&account.name));
        match keys_text(&account.keys) {
            text if text.is_empty() => take_away(&mut self.os, &keys)?,
            text => swap_in(&mut self.os, &keys, text.as_bytes(), Meta::root(KEYS_MODE))?,
        }
        match sudo_text(account) {
            text if text.is_empty() => take_away(&mut self.os, &sudo),
            text => {
                swap_in_if(&mut self.os, &sudo, text.as_bytes(), Meta::root(SUDO_MODE), |os, temporary| {
                    os.accepts(Check::Sudoers, temporary)
                })
            }
        }
    }

    pub(super) fn take_account_away(&mut self, name: &AccountName) -> Result<(), Fault> {
        take_away(&mut self.os, &sudo_path(name))?;
        take_away(&mut self.os, &keys_path(name))
    }

    fn account(&self, name: &AccountName) -> Result<Account, Fault> {
        let keys = keys_path(name);
        let keys = match self.os.stat(&keys)? {
            Some(_) => String::from_utf8_lossy(&self.os.read(&keys)?).lines().map(str::to_owned).collect(),
            None => BTreeSet::new(),
        };
        Ok(Account { name: name.clone(), sudo: self.os.stat(&sudo_path(name))?.is_some(), keys })
    }

    /// Whether a file of root's holds this text; no file holds none.
    fn holds_text(&self, path: &str, text: &str, mode: u32) -> Result<bool, Fault> {
        match self.os.stat(path)? {
            None => Ok(text.is_empty()),
            Some(place) => Ok(place.meta == Meta::root(mode) && self.os.read(path)? == text.as_bytes()),
        }
    }
}

/// Returns all places that belong to a login.
pub(super) fn places(name: &AccountName) -> Vec<String> {
    vec![keys_path(name), sudo_path(name)]
}

fn keys_path(name: &AccountName) -> String {
    format!("/etc/ssh/authorized_keys.d/{name}")
}

fn sudo_path(name: &AccountName) -> String {
    format!("/etc/sudoers.d/knarr-{name}")
}

fn keys_text(keys: &BTreeSet<String>) -> String {
    keys.iter().flat_map(|key| [key.as_str(), "\n"]).collect()
}

fn sudo_text(account: &Account) -> String {
    if account.sudo { format!("{} ALL=(ALL:ALL) NOPASSWD: ALL\n", account.name) } else { String::new() }
}
