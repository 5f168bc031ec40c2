//! A folder in which everything is known.

use crate::name::AbsPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A folder of root. What lies in it and is not listed is reported, and never touched: some programs read all that
/// they find in a folder, whoever put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dir {
    /// Where it is.
    pub path: AbsPath,
    /// The names that may be in it.
    pub only: BTreeSet<String>,
}
