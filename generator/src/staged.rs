//! What is about to be committed, judged before git keeps it for ever: Secrets only, as git's index has them. Reads neither the
//! work tree nor anything else of the repository, and renders nothing: a commit shall not wait for it.

use crate::disk::{Inputs, LARGEST_MANIFEST, Repo, has_all, is_elsewhere};
use crate::error::CliError;
use crate::finding::Findings;
use crate::git::{Entry, GitError, History};
use crate::render::today;
use crate::seal::twice::{self, Named};
use crate::seal::{self, CERTIFICATE, is_sealed};
use crate::spec::{Manifests, is_manifest};
use knarr_node::name::RepoPath;

/// Returns what is wrong with the Secrets that the next commit would bring or change, and the files that were read for it.
///
/// # Errors
/// Where git knows nothing of the folder, or cannot be read.
pub fn check(repo: &Repo) -> Result<(Inputs, Findings), CliError> {
    let history = History::open(repo.root())
        .ok_or_else(|| CliError::user("this folder is no git repository").help("git init"))?;
    let most = u32::try_from(LARGEST_MANIFEST).unwrap_or(u32::MAX);
    let (new, old): (Vec<Entry>, Vec<Entry>) =
        history.staged(most)?.into_iter().partition(|entry| entry.is_new);
    let mut inputs = read(&history, new, &old)?;
    let (manifests, mut findings) = (Manifests::of(&inputs), Findings::default());
    seal::check::check(&inputs, &manifests, &mut findings);
    seal::held::check(&inputs, &manifests, &mut findings);
    seal::held::ends(&inputs, today(), &mut findings);
    let named = Named::all(&manifests);
    if !named.is_empty() {
        let others = others(&history, old)?;
        let others_named = Named::all(&Manifests::of(&others));
        inputs.files.extend(others.files);
        twice::check(named, others_named, &inputs, &mut findings);
    }
    Ok((inputs, findings))
}

/// Reads what is new and may hold Secrets, and the certificates when some are sealed.
fn read(history: &History, mut new: Vec<Entry>, old: &[Entry]) -> Result<Inputs, GitError> {
    let certificate = new.iter().chain(old).find(|entry| entry.path.as_str() == CERTIFICATE).cloned();
    new.retain(|entry| is_input(&entry.path) || is_elsewhere(&entry.path));
    let may_hold = |path: &RepoPath, bytes: &[u8]| is_input(path) || has_all(&seal::check::WORDS, bytes);
    let files = history.contents(&new, may_hold)?;
    let (files, elsewhere) = files.into_iter().partition(|(path, _)| is_input(path));
    let mut inputs = Inputs { files, elsewhere, ..Inputs::default() };
    if inputs.files.values().any(|bytes| is_sealed(bytes)) {
        inputs.files.extend(history.contents(&Vec::from_iter(certificate), |_, _| true)?);
    }
    Ok(inputs)
}

/// Reads the sealed Secrets that are not new: one that is may be sealed there too.
fn others(history: &History, mut old: Vec<Entry>) -> Result<Inputs, GitError> {
    old.retain(|entry| is_input(&entry.path) && is_manifest(&entry.path));
    Ok(Inputs { files: history.contents(&old, |_, bytes| is_sealed(bytes))?, ..Inputs::default() })
}

/// Whether a file is among those of Knarr's that may hold Kubernetes objects.
fn is_input(path: &RepoPath) -> bool {
    match path.as_str().split_once('/') {
        Some(("sealed" | "host", _)) => true,
        Some(("apps", _)) => is_manifest(path),
        Some(_) | None => false,
    }
}
