//! `knarr setup`.

use super::Done;
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding::Findings;
use crate::setup::{choose, setup};
use crate::spec::Spec;
use crate::ui::Ui;

/// Make this clone usable: hooks, signing key, how rendered/ is merged
///
/// Changes settings of this clone only, never your own git configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  git clone git@github.com:me/harbor.git && cd harbor && knarr setup")]
pub(super) struct Args {}

pub(super) fn run(_: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = Repo::open()?;
    let spec = Spec::of(&repo.inputs()?, &mut Findings::default());
    let signing = choose(&repo, &spec)?;
    let branch = spec.cluster.as_ref().map_or("main", |cluster| cluster.git.branch.as_str());
    setup(&repo, branch, &signing)?;
    ui.done("hooks, merging of rendered/, whose signatures count");
    ui.done(format_args!("commits are signed with {} ({})", signing.key.fingerprint(), signing.from));
    Ok(Done::Fine)
}
