//! A symbolic link: swapped as a whole.

use crate::name::AbsPath;
use serde::{Deserialize, Serialize};

/// A symbolic link to a place on the machine, whether that exists or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where the link lies.
    pub path: AbsPath,
    /// What it names.
    pub to: AbsPath,
}
