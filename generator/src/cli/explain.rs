//! `knarr explain`.

use super::Done;
use crate::error::CliError;
use crate::reference::{find, lists, text};
use crate::ui::Ui;

/// Say what a finding or a key of a file means
///
/// A key is named by its path, alone or after its file; without a word, all findings and keys are listed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr explain KN0207\n  knarr explain network.mesh\n  knarr explain nodes/edge.yaml roles\n  knarr explain people"
)]
pub(super) struct Args {
    /// A finding's code, a key, a file, or a file and a key
    #[arg(value_name = "CODE|KEY", num_args = 0..=2)]
    words: Vec<String>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let answer = find(&args.words).map_err(|help| {
        CliError::user(format!("there is no finding and no key `{}`", args.words.join(" "))).help(help)
    })?;
    if ui.json() {
        ui.value(&answer);
        return Ok(Done::Fine);
    }
    if let Some(text) = text(&answer) {
        ui.say(text.trim_end());
        return Ok(Done::Fine);
    }
    let (findings, keys) = lists(&answer);
    if !findings.is_empty() {
        ui.table(["FINDING", "WEIGHT", "MEANS"], &findings);
        ui.say("");
    }
    ui.table(["FILE", "KEY", "MEANS"], &keys);
    Ok(Done::Fine)
}
