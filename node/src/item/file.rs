//! A regular file, owned by root: swapped as a whole, never truncated in place.

use super::{BadItem, Body};
use crate::name::{AbsPath, KeptName, Mode, SecretName};
use serde::{Deserialize, Serialize};

/// A regular file with its bytes and permission bits; owner and group are root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct File {
    /// Where it lies.
    pub path: AbsPath,
    /// Its permission bits.
    pub mode: Mode,
    /// Who must agree before it counts.
    pub check: Option<Check>,
    /// Its bytes.
    pub body: Body,
}

impl File {
    /// Makes a file of plain text with mode 0644.
    pub fn text(path: AbsPath, text: impl Into<String>) -> Self {
        Self { path, mode: Mode::PLAIN, check: None, body: Body::Text(text.into()) }
    }
}

/// The program that judges a file before it counts; when it refuses, what was there stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// `sshd -t`, over the whole configuration with this file in place.
    Sshd,
    /// `visudo -c`, over this file.
    Sudoers,
}

/// The file as YAML has it: one of three keys for the body.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    path: AbsPath,
    #[serde(default, skip_serializing_if = "Mode::is_plain")]
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<Check>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<KeptName>,
}

impl TryFrom<Wire> for File {
    type Error = BadItem;
    fn try_from(wire: Wire) -> Result<Self, BadItem> {
        let body = match (wire.text, wire.secret, wire.kept) {
            (Some(text), None, None) => Body::Text(text),
            (None, Some(secret), None) => Body::Secret(secret),
            (None, None, Some(kept)) => Body::Kept(kept),
            _ => return Err(BadItem::OneBody(wire.path.to_string())),
        };
        Ok(Self { path: wire.path, mode: wire.mode, check: wire.check, body })
    }
}

impl From<File> for Wire {
    fn from(file: File) -> Self {
        let mut wire = Self {
            path: file.path,
            mode: file.mode,
            check: file.check,
            text: None,
            secret: None,
            kept: None,
        };
        match file.body {
            Body::Text(text) => wire.text = Some(text),
            Body::Secret(secret) => wire.secret = Some(secret),
            Body::Kept(kept) => wire.kept = Some(kept),
        }
        wire
    }
}
