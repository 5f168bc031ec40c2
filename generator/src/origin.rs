//! The origin, as this clone reaches it: the git remote `origin` and the branch that machines follow.

use crate::accept::commit;
use crate::error::CliError;
use crate::git::Git;
use crate::model::Model;
use knarr_node::name::Oid;

/// The name of git's remote that machines read from.
pub const REMOTE: &str = "origin";

/// Where `knarr up` makes the origins of clusters that have no git host.
pub const ORIGINS: &str = "/srv/knarr/";

/// Returns the line that brings the branch to the origin.
pub fn push_line(branch: &str) -> String {
    format!("git push -u {REMOTE} HEAD:{branch}")
}

/// Fetches, and returns the commit that the origin's branch has; none when it has no such branch yet.
///
/// # Errors
/// When there is no origin, or it does not answer.
pub fn fetch(git: &Git, model: &Model) -> Result<Option<Oid>, CliError> {
    let Some(url) = model.cluster.git.remotes.first() else {
        return Err(CliError::user("there is no origin: machines would have nothing to read")
            .help("add its address to git.remotes in cluster.yaml, and: git remote add origin URL"));
    };
    if git.config(&format!("remote.{REMOTE}.url"))?.is_none() {
        return Err(CliError::user(format!("git knows no remote `{REMOTE}`"))
            .help(format!("git remote add {REMOTE} {url}")));
    }
    git.run(&["fetch", "--quiet", "--prune", REMOTE])
        .map_err(|error| CliError::from(error).help("knarr doctor"))?;
    Ok(known(git, model)?)
}

/// Returns the commit that the origin's branch had when it was last asked.
pub fn known(git: &Git, model: &Model) -> Result<Option<Oid>, crate::git::GitError> {
    commit(git, &format!("refs/remotes/{REMOTE}/{}", model.cluster.git.branch))
}
