//! Who may log in where: accounts with their keys, and an sshd that takes nothing but keys.

use super::own;
use crate::model::{Host, Model, Person};
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
        if let Some(login) = login(person, node) {
            let new = || Account { name: login.clone(), sudo: login.as_str() != "root", keys: [].into() };
            let account = accounts.entry(login.clone()).or_insert_with(new);
            account.keys.extend(person.keys.iter().map(ToString::to_string));
        }
    }
    accounts
}

fn login<'a>(person: &'a Person, node: &NodeName) -> Option<&'a AccountName> {
    person
        .access
        .as_ref()
        .filter(|access| access.opens(node) && !person.keys.is_empty())
        .map(|access| &access.login)
}
