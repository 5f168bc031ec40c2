//! Words in files and on command lines: each is refused, or reads back equal when it is written.

use super::same;
use knarr::binary;
use knarr::k3s;
use knarr::known_hosts::SshHost;
use knarr::ssh::Target;
use knarr_node::firewall::Open;
use knarr_node::item::{Id, Minor, Source};
use knarr_node::mesh::Reach;
use knarr_node::name::{
    AbsPath, AccountName, DataKey, DeviceName, Digest, DomainName, Hex, HttpsUrl, KeptName, LabelKey,
    LabelValue, NodeName, ObjectName, Oid, RepoPath, Stamp, SysctlKey, TableName, Taint, UnitName,
};
use knarr_node::net::{Endpoint, WgKey};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// One word to a line, each read as all that it may be.
pub(super) fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for text in text.lines() {
        for read in PARSED {
            read(text);
        }
        let _ = SshHost::of(text).map(|host| host.name());
    }
}

const PARSED: &[fn(&str)] = &[
    parsed::<AbsPath>,
    parsed::<AccountName>,
    parsed::<DataKey>,
    parsed::<DeviceName>,
    parsed::<Digest>,
    parsed::<DomainName>,
    parsed::<Endpoint>,
    parsed::<Hex>,
    parsed::<HttpsUrl>,
    parsed::<Id>,
    parsed::<KeptName>,
    parsed::<LabelKey>,
    parsed::<LabelValue>,
    parsed::<Minor>,
    parsed::<NodeName>,
    parsed::<ObjectName>,
    parsed::<Oid>,
    parsed::<Open>,
    parsed::<Reach>,
    parsed::<RepoPath>,
    parsed::<Source>,
    parsed::<Stamp>,
    parsed::<SysctlKey>,
    parsed::<TableName>,
    parsed::<Taint>,
    parsed::<Target>,
    parsed::<UnitName>,
    parsed::<WgKey>,
    parsed::<binary::Version>,
    parsed::<k3s::Version>,
];

fn parsed<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(read) => same(&read, read.to_string().parse::<T>().map_err(|error| error.to_string())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
