//! The record that the cluster was founded, as a signed commit of its own.

use super::{End, Fate, commit_and_push};
use crate::disk::Repo;
use crate::edit;
use crate::error::CliError;
use crate::founding;
use crate::git::Git;
use crate::model::Model;
use crate::render;
use crate::ui::Ui;
use knarr_node::name::{Oid, RepoPath};

/// The message of the commit.
const MESSAGE: &str = "cluster: record that it was founded\n\n\
    Its first server has converged with K3s. From now on no machine founds a cluster again,\n\
    and what is chosen once stays (birth.founded in cluster.yaml).";

/// Records and pushes that the cluster was founded, when its first server has converged for the first time; returns
/// the commit.
pub(super) fn record(
    repo: &Repo,
    git: &Git,
    model: &Model,
    fates: &[Fate],
    ui: &Ui,
) -> Result<Option<Oid>, CliError> {
    let Some((server, founded)) = founding::record(model) else { return Ok(None) };
    let runs = |fate: &Fate| fate.node == *server && fate.end == End::Converged;
    if !fates.iter().any(runs) {
        return Ok(None);
    }
    let compiled = render::compile(repo)?;
    let path: RepoPath = "cluster.yaml".parse().expect("it is a path");
    let cluster = compiled.spec.cluster.as_ref().expect("a repository that was proven has one");
    let text = compiled.inputs.text(path.as_str()).unwrap_or_default();
    match edit::with_founded(&path, text, cluster, &founded) {
        Ok(edited) => repo.write(&path, edited.as_bytes())?,
        Err(whole) => repo.write_spec(&path, "cluster", &*whole)?,
    }
    render::render(repo, ui)?;
    let head = commit_and_push(git, model, Some(MESSAGE), ui)?;
    ui.done(format_args!("{server} founded the cluster: {} records it in cluster.yaml", head.short()));
    Ok(Some(head))
}
