//! A login: who may come in by SSH, and whether as root.

use crate::name::AccountName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A login with the keys that open it. Taking it away takes keys and sudo; the account and its files stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The login name; made with a home folder when it does not exist.
    pub name: AccountName,
    /// Whether it may do everything by sudo, without a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sudo: bool,
    /// Public SSH keys as lines of authorized_keys; the only option is `expiry-time`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keys: BTreeSet<String>,
}
