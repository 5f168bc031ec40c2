//! `knarr sealing-key`.

use super::{Done, open, secret};
use crate::disk::Repo;
use crate::error::CliError;
use crate::render;
use crate::seal::{CERTIFICATE, Certificate, KEYS, Pair, SealingKey};
use crate::secrets;
use crate::ui::Ui;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use knarr_node::name::ClusterName;
use std::thread::{self, JoinHandle};

/// Make the key that opens sealed Secrets
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(New),
}

/// Make the sealing key of a repository that has none
///
/// `knarr new` makes one, so this is for older repositories. Writes secrets/sealing.crt, which seals, and
/// secrets/sealing-keys.age, which opens: encrypted to everybody who has `decrypt`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr sealing-key new && knarr seal db --namespace shop password -")]
struct New {}

/// A key that is being made meanwhile: RSA with 4096 bits takes a second or a few.
pub(super) struct Making(JoinHandle<Result<SealingKey, crate::seal::KeyError>>);

impl Making {
    /// Begins.
    pub(super) fn start() -> Self {
        Self(thread::spawn(SealingKey::generate))
    }

    /// Waits for the key, and makes its files.
    pub(super) fn finish(self, cluster: &ClusterName, ui: &Ui) -> Result<Pair, CliError> {
        let _progress = ui.progress("making the sealing key (RSA, 4096 bits)");
        let key = self.0.join().map_err(|_| CliError::bug("making the sealing key failed"))??;
        Ok(Pair::of(&key, cluster, today())?)
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let Command::New(_) = &args.command;
    let repo = open(ui)?;
    absent(&repo)?;
    let making = Making::start();
    let compiled = render::compile(&repo)?;
    let Some(model) = compiled.model else {
        return Err(render::show(&compiled.findings, &compiled.inputs, ui));
    };
    let pair = making.finish(&model.cluster.name, ui)?;
    let to = secret::recipients(&compiled.spec);
    let keys = secrets::seal(&to, &pair.manifest)?;
    repo.write(&KEYS.parse().expect("it is a path"), &keys)?; // first: a certificate alone would seal what nobody opens
    repo.write(&CERTIFICATE.parse().expect("it is a path"), pair.certificate.as_bytes())?;
    let id = Certificate::read(pair.certificate.as_bytes()).map_err(CliError::bug)?.id;
    ui.done(format_args!("wrote {CERTIFICATE} and {KEYS}: key {id}, which {} identities can read", to.len()));
    Ok(Done::Fine)
}

fn absent(repo: &Repo) -> Result<(), CliError> {
    for path in [CERTIFICATE, KEYS] {
        if repo.read(path)?.is_some() {
            return Err(CliError::user(format!("`{path}` is there already"))
                .help("use it: what was sealed opens only with the key that sealed it"));
        }
    }
    Ok(())
}
