//! `knarr sealing-key export`: the keys in the clear, for a vault or for another cluster.

use super::{Here, find};
use crate::cli::Done;
use crate::error::CliError;
use crate::ui::Ui;
use std::io::{IsTerminal, Write};

/// Write keys in the clear to standard output, as Secrets of the controller
///
/// `kubectl apply -f -` gives them to the controller of another cluster, and kubeseal's --recovery-private-key reads them.
/// Whoever has them opens all that they sealed. Never to a terminal, whose window remembers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr sealing-key export | age -r age1… > keys.age\n  knarr sealing-key export --pem SHA256:2b7 | pass insert -m harbor/sealing-key"
)]
pub(super) struct Args {
    /// Only this one: its fingerprint, or how that begins
    key: Option<String>,
    /// As PEM: the private key and its certificate
    #[arg(long)]
    pem: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    if std::io::stdout().is_terminal() {
        return Err(CliError::user("private keys are not written to a terminal")
            .help("into a pipe: knarr sealing-key export | age -r age1… > keys.age"));
    }
    let here = Here::open(ui)?;
    let mut ring = here.ring()?;
    if let Some(key) = &args.key {
        let id = find(&ring, key)?.id().clone();
        ring.keep(&id);
    }
    let mut out = std::io::stdout().lock();
    let written = if args.pem {
        let write = |pair: &crate::seal::Pair| {
            out.write_all(pair.key.pem().as_bytes())?;
            out.write_all(pair.pem.as_bytes())
        };
        ring.pairs().iter().try_for_each(write)
    } else {
        out.write_all(&ring.manifest())
    };
    written.map_err(|error| CliError::environment(format!("cannot write the keys: {error}")))?;
    Ok(Done::Fine)
}
