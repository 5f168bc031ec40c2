//! Whether another node is done with a commit, by its own report.

use crate::paths::Paths;
use crate::repo::{Chain, Repo};
use knarr_node::name::Oid;
use knarr_node::report::Report;

/// Says whether `report` tells that its node has settled at `commit` or a later one.
///
/// # Errors
/// One line for people: it has not.
pub(super) fn judge(report: &Report, commit: &Oid, paths: &Paths) -> Result<(), String> {
    let node = &report.node;
    let Some(applied) = &report.applied else { return Err(format!("`{node}` has applied nothing yet")) };
    if applied != commit && is_older(applied, commit, paths) {
        return Err(format!("`{node}` has not applied {} yet, only {}", commit.short(), applied.short()));
    }
    if report.is_settled() { Ok(()) } else { Err(format!("`{node}` is not settled yet: {}", report.outcome)) }
}

/// Whether a commit is one of those before `commit`. What is not known here is newer.
fn is_older(applied: &Oid, commit: &Oid, paths: &Paths) -> bool {
    let Ok(repo) = Repo::open(&paths.kept("repo.git")) else { return false };
    repo.has(applied) && !matches!(repo.chain(commit, applied), Ok(Chain::Follows(_)))
}
