//! `knarr sealing-key import`: keys that a cluster has, or somebody kept.

use super::Here;
use crate::cli::Done;
use crate::error::CliError;
use crate::seal::{KeyId, Ring, RingError};
use crate::sealing;
use crate::secrets::read_input;
use crate::ui::{Ui, counted};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the keys of a live cluster come from.
const FROM_CLUSTER: &str = "kubectl -n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o json | knarr sealing-key import -";

/// Add keys that a cluster has already, or that were kept elsewhere
///
/// Reads Secrets of sealed-secrets' controller in JSON or YAML, also in a List, or private keys in PEM (PKCS#1, PKCS#8),
/// each with its certificate or without one. What they sealed opens from then on wherever this repository is shipped to.
/// Of all keys, that with the latest certificate seals; a key without a certificate only opens.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kubectl -n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o json | knarr sealing-key import -\n  knarr sealing-key import old-cluster.pem"
)]
pub(super) struct Args {
    /// A file, or `-` for standard input
    file: PathBuf,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let here = Here::open(ui)?;
    let there = sealing::read(&here.repo, &here.cluster)?;
    let text = read(&args.file)?;
    let text = std::str::from_utf8(&text).map_err(|_| refuse(&args.file, &RingError::Format))?;
    // A key without a certificate is older than what is there.
    let since = there.as_ref().map_or_else(Timestamp::now, Ring::before);
    let read = Ring::read(text, &here.cluster, since).map_err(|error| refuse(&args.file, &error))?;
    let before = there.as_ref().map(|ring| ring.newest().id().clone());
    let (ring, added) = if let Some(ring) = there {
        ring.with(read)
    } else {
        let added = read.pairs().iter().map(|pair| pair.id().clone()).collect();
        (read, added)
    };
    if !added.is_empty() {
        here.keep(&ring)?;
    }
    tell(&ring, &added, before.as_ref(), ui);
    Ok(Done::Fine)
}

/// The most bytes that are read: a hundred keys take less.
const LARGEST: usize = 4 << 20;

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let cannot = |error| CliError::environment(format!("cannot read `{}`: {error}", file.display()));
    let bytes = read_input(file, LARGEST + 1).map_err(cannot)?;
    if bytes.len() > LARGEST {
        return Err(CliError::user(format!("`{}` is larger than 4 MiB", file.display())).help(FROM_CLUSTER));
    }
    Ok(bytes)
}

fn refuse(file: &Path, error: &RingError) -> CliError {
    CliError::user(format!("cannot import `{}`: {error}", file.display())).help(FROM_CLUSTER)
}

fn tell(ring: &Ring, added: &[KeyId], before: Option<&KeyId>, ui: &Ui) {
    let seals = ring.newest().id();
    if ui.json() {
        return ui.value(&serde_json::json!({ "added": added, "seals": seals }));
    }
    if added.is_empty() {
        return ui.done("every key of it is here already");
    }
    for id in added {
        ui.say(format_args!("added {id}"));
    }
    let count = counted(added.len(), "key");
    let change = if before == Some(seals) { "still seals" } else { "seals from now on" };
    ui.done(format_args!("{count} added; {seals} {change}; next: knarr ship"));
}
