//! Who may log in where: accounts with their keys, and an sshd that takes nothing but keys.

use super::own;
use crate::model::{Host, Model, SshKey};
use jiff::civil::Date;
use knarr_node::Body;
use knarr_node::item::{Account, Check, File, Item, Unit};
use knarr_node::name::{AccountName, Mode, NodeName, UnitName};
use std::collections::BTreeMap;

/// sshd's unit on Debian and Ubuntu.
const UNIT: &str = "ssh.service";

/// Keys of accounts lie outside the homes, so that nobody's own file is touched. `%u` is the login name.
/// Source: sshd_config(5), AuthorizedKeysFile.
const SSHD: &str = "\
PasswordAuthentication no
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u
";

/// Returns the logins of one machine; nothing when nobody has access.
pub(super) fn access(model: &Model, node: &NodeName, host: &Host) -> Vec<Item> {
    let accounts = accounts(model, node);
    if accounts.is_empty() {
        return Vec::new();
    }
    let path: knarr_node::name::AbsPath = own::SSHD.parse().expect("it is an absolute path");
    let body = Body::Text(SSHD.to_owned());
    let file = File { path: path.clone(), mode: Mode::PLAIN, check: Some(Check::Sshd), body };
    let mut items: Vec<Item> = accounts.into_values().map(Item::Account).collect();
    items.push(Item::File(file));
    let name: UnitName = UNIT.parse().expect("it is a unit's name");
    if !host.units.contains_key(&name) {
        items.push(Item::Unit(Unit::new(name, None, [path].into())));
    }
    items
}

fn accounts(model: &Model, node: &NodeName) -> BTreeMap<AccountName, Account> {
    let mut accounts = BTreeMap::new();
    for person in model.people.values() {
        if let Some(login) = person.opens(node) {
            let new = || Account { name: login.clone(), sudo: login.as_str() != "root", keys: [].into() };
            let account = accounts.entry(login.clone()).or_insert_with(new);
            account.keys.extend(person.keys.iter().map(|key| line(key, person.until)));
        }
    }
    accounts
}

/// Returns a line of authorized_keys; sshd refuses the key from the day after the last one, in the machine's time zone.
/// Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT, `expiry-time`; OpenSSH before 9.1 takes no `Z` for UTC.
fn line(key: &SshKey, until: Option<Date>) -> String {
    match until.and_then(|last| last.tomorrow().ok()) {
        Some(first) => format!("expiry-time=\"{}\" {key}", first.strftime("%Y%m%d")),
        None => key.to_string(),
    }
}
