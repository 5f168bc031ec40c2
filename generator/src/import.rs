//! Machines that other tools list: bytes → records → machines, and how they differ from nodes/. Pure.
//!
//! One file a format. A [`Mapping`] says which field of a record means what; secrets are left where they are.

mod csv;
mod difference;
mod error;
mod hcloud;
mod mapping;
mod meshconf;
mod openstack;
mod record;
mod sources;
mod terraform;

pub use difference::{Change, Difference, difference};
pub use error::ImportError;
pub use mapping::{Field, Machine, Mapping, machines};
pub use record::Record;
pub use sources::{PATH as SOURCES, Source, Sources, text as sources_text};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The most bytes that a list may have: some thousand machines.
pub const LARGEST: u64 = 8 << 20;

/// Who wrote a list of machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `terraform output -json`, or `tofu output -json`.
    Terraform,
    /// `openstack server list -f json`.
    Openstack,
    /// `hcloud server list -o json`.
    Hcloud,
    /// Lines of values, the first of which names them.
    Csv,
    /// The database of wg-meshconf.
    WgMeshconf,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terraform => "terraform",
            Self::Openstack => "openstack",
            Self::Hcloud => "hcloud",
            Self::Csv => "csv",
            Self::WgMeshconf => "wg-meshconf",
        })
    }
}

/// Reads a list of machines; without a format, by what it looks like.
///
/// # Errors
/// When it is none, or names no machine.
pub fn read(bytes: &[u8], format: Option<Format>) -> Result<(Format, Vec<Record>), ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ImportError::NotUtf8)?;
    let text = text.trim_start_matches('\u{feff}');
    let json = text.trim_start().starts_with(['{', '[']);
    let value = || serde_json::from_str::<Value>(text).map_err(ImportError::Json);
    let format = match format {
        Some(format) => format,
        None if json => of_json(&value()?),
        None => csv::format(text),
    };
    let records = match format {
        Format::Terraform => terraform::records(&value()?),
        Format::Openstack => openstack::records(&value()?),
        Format::Hcloud => hcloud::records(&value()?),
        Format::Csv => csv::records(text)?,
        Format::WgMeshconf => meshconf::records(text)?,
    };
    if records.is_empty() { Err(ImportError::NoMachines(format)) } else { Ok((format, records)) }
}

fn of_json(value: &Value) -> Format {
    let first = value.as_array().and_then(|list| list.first()).and_then(Value::as_object);
    match first {
        Some(first) if first.contains_key("public_net") => Format::Hcloud,
        Some(first) if openstack::is_server(first) => Format::Openstack,
        Some(_) | None => Format::Terraform,
    }
}
