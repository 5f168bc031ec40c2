//! `.knarr/import.yaml`: how each source of machines is read, and which machines came from it.

use super::{Format, Mapping};
use crate::emit::{Line, yaml};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where it lies.
pub const PATH: &str = ".knarr/import.yaml";

/// A source of machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Who writes the list.
    pub from: Format,
    /// Which field means what.
    pub map: Mapping,
    /// The machines that were in it at the last import.
    #[serde(default)]
    pub machines: BTreeSet<String>,
}

/// All sources, by name.
pub type Sources = BTreeMap<String, Source>;

/// Returns the file.
///
/// # Errors
/// When a value cannot be written as YAML.
pub fn text(sources: &Sources) -> Result<String, yaml::YamlError> {
    let body = yaml::to_string(sources, Line::Fits)?;
    Ok(format!(
        "# By `knarr node import`: which field of each source means what, and which machines came from it.\n{body}"
    ))
}
