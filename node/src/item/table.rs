//! A table of nftables that is Knarr's own: always loaded as a whole, never rule by rule.

use crate::name::TableName;
use serde::{Deserialize, Serialize};

/// A table of family `inet` with all its sets and chains, in the language of nft(8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NftTable {
    /// Its name; tables of others are not touched.
    pub name: TableName,
    /// What stands between its braces.
    pub text: String,
}

impl NftTable {
    /// Returns what `nft -f -` loads: at once or not at all, and loading it twice leaves one table.
    ///
    /// The first line makes the table where there is none, so that the second can delete it: `destroy` needs nft 1.0.8,
    /// Debian 12 has 1.0.6. Source: nft(8), v1.0.6: a file is one transaction.
    pub fn script(&self) -> String {
        format!("{}table inet {} {{\n{}}}\n", Self::gone(&self.name), self.name, self.text)
    }

    /// Returns what `nft -f -` takes to be rid of a table, whether it is there or not.
    pub fn gone(name: &TableName) -> String {
        format!("table inet {name}\ndelete table inet {name}\n")
    }
}
