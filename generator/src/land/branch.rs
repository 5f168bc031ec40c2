//! Which commit a person means: a branch here, one of the origin, or what the origin calls a pull request.

use crate::accept::{commit, is_ancestor};
use crate::error::CliError;
use crate::git::{Git, said};
use crate::origin::REMOTE;
use knarr_node::name::Oid;

/// Where git hosts keep the commits of pull requests.
/// Source: GitHub and Forgejo, `refs/pull/N/head`; GitLab, `refs/merge-requests/N/head` (2026-11).
const PULLS: &str = "a pull request is refs/pull/NUMBER/head, at GitLab refs/merge-requests/NUMBER/head";

/// A branch as it was typed, and the commit that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its last commit.
    pub tip: Oid,
    /// What git takes for it.
    pub known_as: String,
}

/// Finds a branch; one that only the origin has is fetched.
///
/// # Errors
/// When there is none of that name, or the origin's has more than the one here.
pub fn find(git: &Git, name: &str) -> Result<Branch, CliError> {
    let full = if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") };
    if !git.output(&["check-ref-format", &full])?.status.success() {
        return Err(CliError::user(format!("`{}` cannot be the name of a branch", name.escape_debug()))
            .help("git branch --all shows the branches that are known here"));
    }
    let kept = ["refs/heads/", "refs/remotes/"].iter().any(|folder| full.starts_with(folder));
    let found = if kept { known(git, name, &full)? } else { Some(fetched(git, &full)?) };
    let none = || {
        CliError::user(format!("neither this clone nor the origin has a branch `{name}`"))
            .help(format!("git branch --all shows those that are known here; {PULLS}"))
    };
    found.map(|(tip, known_as)| Branch { name: name.to_owned(), tip, known_as }).ok_or_else(none)
}

/// Returns the commit of a branch of this clone, or of a remote's as it was just fetched, and what git takes for it.
fn known(git: &Git, name: &str, full: &str) -> Result<Option<(Oid, String)>, CliError> {
    let here = commit(git, full)?;
    let origins = commit(git, &format!("refs/remotes/{REMOTE}/{name}"))?;
    match (here, origins) {
        (Some(here), Some(origins)) if !is_ancestor(git, &origins, &here)? => {
            let why = format!(
                "`{name}` is {} here, and the origin's has other commits: {}",
                here.short(),
                origins.short()
            );
            Err(CliError::user(why).help(format!(
                "knarr land {REMOTE}/{name}, or bring yours up to date: git fetch {REMOTE} {name}:{name}"
            )))
        }
        (Some(tip), _) => Ok(Some((tip, name.to_owned()))),
        (None, Some(tip)) => Ok(Some((tip, format!("{REMOTE}/{name}")))),
        (None, None) => Ok(commit(git, &format!("refs/remotes/{name}"))?.map(|tip| (tip, name.to_owned()))),
    }
}

fn fetched(git: &Git, full: &str) -> Result<(Oid, String), CliError> {
    // The origin has just answered: what it does not give now, it does not have.
    let ended = git.output(&["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", REMOTE, full])?;
    let got = if ended.status.success() { commit(git, "FETCH_HEAD")? } else { None };
    got.map(|tip| (tip.clone(), tip.to_string())).ok_or_else(|| {
        CliError::user(format!("the origin has no commit `{full}`: {}", said(&ended))).help(PULLS)
    })
}
