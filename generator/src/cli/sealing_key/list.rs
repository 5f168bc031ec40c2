//! `knarr sealing-key list`: by the certificates alone, so that everybody can see it.

use super::day;
use crate::cli::{Done, open};
use crate::disk::Inputs;
use crate::error::CliError;
use crate::seal::{CERTIFICATE, Certificate, KeyId, sealed_by};
use crate::ui::Ui;
use jiff::Timestamp;
use serde::Serialize;

/// List sealing keys: which one seals, until when, and how many files say that it sealed them
///
/// Needs no private key. What kubeseal wrote does not say its key: `knarr validate` tries it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr sealing-key list --output json")]
pub(super) struct Args {}

/// A key for programs.
#[derive(Serialize)]
struct Row<'a> {
    key: &'a KeyId,
    state: State,
    since: Timestamp,
    until: Timestamp,
    files: usize,
}

/// What a key does.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// It seals and opens.
    Seals,
    /// It opens.
    Retired,
    /// It would seal, were its certificate not over.
    Expired,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Seals => "seals",
            Self::Retired => "retired",
            Self::Expired => "expired",
        }
    }
}

pub(super) fn run(ui: &Ui) -> Result<Done, CliError> {
    let inputs = open(ui)?.inputs()?;
    let pem = inputs
        .get(CERTIFICATE)
        .ok_or_else(|| CliError::user("this repository has no sealing key").help("knarr sealing-key new"))?;
    let keys = Certificate::read_all(pem).map_err(|error| {
        CliError::user(format!("cannot read `{CERTIFICATE}`: {error}")).help(error.help())
    })?;
    let rows: Vec<Row<'_>> = keys.iter().enumerate().map(|(at, key)| row(at, key, &inputs)).collect();
    if ui.json() {
        ui.value(&rows);
        return Ok(Done::Fine);
    }
    let line = |row: &Row<'_>| {
        let (key, state) = (row.key.to_string(), row.state.word().to_owned());
        [key, state, day(row.since), day(row.until), row.files.to_string()]
    };
    ui.table(["KEY", "STATE", "FROM", "UNTIL", "FILES"], &rows.iter().map(line).collect::<Vec<_>>());
    Ok(Done::Fine)
}

fn row<'a>(at: usize, key: &'a Certificate, inputs: &Inputs) -> Row<'a> {
    let state = match at {
        0 if key.until < Timestamp::now() => State::Expired,
        0 => State::Seals,
        _ => State::Retired,
    };
    let id = key.id.to_string();
    let files = inputs.files.iter().filter(|(path, bytes)| sealed_by(path, bytes).contains(&id)).count();
    Row { key: &key.id, state, since: key.since, until: key.until, files }
}
