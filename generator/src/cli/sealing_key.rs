//! `knarr sealing-key`.

mod export;
mod import;
mod list;
mod new;
mod remove;
mod rotate;

use super::{Done, cluster_name, open};
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::Findings;
use crate::recipients::recipients;
use crate::seal::{KeyError, KeyId, Pair, Ring, SEALING_KEYS, SealingKey};
use crate::sealing;
use crate::spec::Spec;
use crate::ui::Ui;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use knarr_node::name::ClusterName;
use std::collections::BTreeSet;
use std::thread::{self, JoinHandle};

/// Make, list, exchange and move the keys that open sealed Secrets
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(new::Args),
    List(list::Args),
    Rotate(rotate::Args),
    Remove(remove::Args),
    Import(import::Args),
    Export(export::Args),
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    match &args.command {
        Command::New(_) => new::run(ui),
        Command::List(_) => list::run(ui),
        Command::Rotate(_) => rotate::run(ui),
        Command::Remove(args) => remove::run(args, ui),
        Command::Import(args) => import::run(args, ui),
        Command::Export(args) => export::run(args, ui),
    }
}

/// A key that is being made meanwhile: RSA with 4096 bits takes a second or a few.
pub(super) struct Making(JoinHandle<Result<SealingKey, KeyError>>);

impl Making {
    /// Begins.
    pub(super) fn start() -> Self {
        Self(thread::spawn(SealingKey::generate))
    }

    /// Waits for the key, and makes its certificate, which seals from now on.
    pub(super) fn finish(self, cluster: &ClusterName, ui: &Ui) -> Result<Pair, CliError> {
        let _progress = ui.progress("making the sealing key (RSA, 4096 bits)");
        let key = self.0.join().map_err(|_| CliError::bug("making the sealing key failed"))??;
        Ok(Pair::of(key, cluster, Timestamp::now())?)
    }
}

/// A repository whose sealing keys are handled.
struct Here {
    repo: Repo,
    cluster: ClusterName,
    /// Who opens what is written.
    to: BTreeSet<String>,
}

impl Here {
    fn open(ui: &Ui) -> Result<Self, CliError> {
        let repo = open(ui)?;
        let spec = Spec::of(&repo.inputs()?, &mut Findings::default());
        let cluster = cluster_name(spec.cluster.as_ref())?;
        Ok(Self { repo, cluster, to: recipients(&spec, SEALING_KEYS) })
    }

    /// Opens the keys.
    fn ring(&self) -> Result<Ring, CliError> {
        sealing::read(&self.repo, &self.cluster)?
            .ok_or_else(|| CliError::user("this repository has no sealing key").help("knarr sealing-key new"))
    }

    fn keep(&self, ring: &Ring) -> Result<(), CliError> {
        sealing::write(&self.repo, ring, &self.to)
    }
}

/// Returns the key that a fingerprint, or the beginning of one, means.
fn find<'a>(ring: &'a Ring, wanted: &str) -> Result<&'a Pair, CliError> {
    let is = |id: &KeyId| {
        let id = id.to_string();
        id.starts_with(wanted) || id.trim_start_matches("SHA256:").starts_with(wanted)
    };
    let mut found = ring.pairs().iter().filter(|pair| is(pair.id()));
    match (found.next(), found.next()) {
        (Some(pair), None) => Ok(pair),
        (None, _) => {
            Err(CliError::user(format!("no key here is called `{wanted}`")).help("knarr sealing-key list"))
        }
        (Some(_), Some(_)) => Err(CliError::user(format!("several keys begin with `{wanted}`"))
            .help("type more of it: knarr sealing-key list")),
    }
}

/// Returns the day of a time, UTC.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
