//! What is about to be committed, judged before git keeps it for ever: Secrets only, as git's index has them. Reads neither the
//! work tree nor anything else of the repository, and renders nothing: a commit shall not wait for it.

use crate::disk::{Inputs, LARGEST_MANIFEST, Repo, has_all, is_elsewhere};
use crate::error::CliError;
use crate::finding::Findings;
use crate::git::{Entry, GitError, History};
use crate::render::today;
use crate::seal::twice::{self, Named};
use crate::seal::{self, CERTIFICATE, KeyId, is_sealed};
use crate::spec::{Manifests, is_manifest};
use knarr_node::name::RepoPath;
use std::mem::take;

/// Some files, and what is said of the Secrets in them.
#[derive(Default)]
struct Judged {
    inputs: Inputs,
    findings: Findings,
    sealed: Vec<Named>,
}

/// Returns what is wrong with the Secrets that the next commit would bring or change, and the files that were read for it.
///
/// # Errors
/// Where git knows nothing of the folder, or cannot be read.
pub fn check(repo: &Repo) -> Result<(Inputs, Findings), CliError> {
    let history = History::open(repo.root())
        .ok_or_else(|| CliError::user("this folder is no git repository").help("git init"))?;
    let most = u32::try_from(LARGEST_MANIFEST).unwrap_or(u32::MAX);
    let entries = history.staged(most)?;
    let certificates = certificates(&history, &entries)?;
    let (mut new, mut old): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.is_new);
    new.retain(|entry| is_input(&entry.path) || is_elsewhere(&entry.path));
    let mut of_certificates = Findings::default();
    let keys = seal::held::keys(&certificates, &mut of_certificates);
    let judged = history.with_each(&new, |path, bytes| judge(path, bytes, &keys))?;
    let Judged { mut inputs, mut findings, sealed } = Judged::all(judged);
    if inputs.files.values().any(|bytes| is_sealed(bytes)) {
        findings.append(of_certificates);
        seal::held::ends(&certificates, today(), &mut findings);
        inputs.files.extend(certificates.files);
    }
    if !sealed.is_empty() {
        old.retain(|entry| is_input(&entry.path) && is_manifest(&entry.path));
        let others = Judged::all(history.with_each(&old, others)?);
        inputs.files.extend(others.inputs.files);
        twice::check(sealed, others.sealed, &inputs, &mut findings);
    }
    Ok((inputs, findings))
}

fn certificates(history: &History, entries: &[Entry]) -> Result<Inputs, GitError> {
    let certificates: Vec<Entry> =
        entries.iter().filter(|entry| entry.path.as_str() == CERTIFICATE).cloned().collect();
    let files = history.with_each(&certificates, |path, bytes| (path.clone(), bytes.to_owned()))?;
    Ok(Inputs { files: files.into_iter().collect(), ..Inputs::default() })
}

/// Judges a file that is new: by itself, so that no other has to be there.
fn judge(path: &RepoPath, bytes: &[u8], keys: &[KeyId]) -> Judged {
    let mut judged = Judged::default();
    let Judged { inputs, findings, sealed } = &mut judged;
    if is_input(path) {
        inputs.files.insert(path.clone(), bytes.to_owned());
    } else if has_all(&seal::check::WORDS, bytes) {
        inputs.elsewhere.insert(path.clone(), bytes.to_owned());
    }
    let manifests = Manifests::of(inputs);
    seal::check::check(inputs, &manifests, findings);
    seal::held::objects(&manifests, keys, findings);
    *sealed = Named::all(&manifests);
    judged
}

/// Reads the sealed Secrets of a file that is not new: one that is may be sealed there too.
fn others(path: &RepoPath, bytes: &[u8]) -> Judged {
    let mut inputs = Inputs::default();
    if is_sealed(bytes) {
        inputs.files.insert(path.clone(), bytes.to_owned());
    }
    Judged { sealed: Named::all(&Manifests::of(&inputs)), inputs, ..Judged::default() }
}

impl Judged {
    /// Makes one of what is said of many files, in git's order.
    fn all(mut judged: Vec<Self>) -> Self {
        let mut all = Self::default();
        all.inputs.files = judged.iter_mut().flat_map(|one| take(&mut one.inputs.files)).collect();
        all.inputs.elsewhere = judged.iter_mut().flat_map(|one| take(&mut one.inputs.elsewhere)).collect();
        for one in judged {
            all.findings.append(one.findings);
            all.sealed.extend(one.sealed);
        }
        all
    }
}

/// Whether a file is among those of Knarr's that may hold Kubernetes objects.
fn is_input(path: &RepoPath) -> bool {
    match path.as_str().split_once('/') {
        Some(("sealed" | "host", _)) => true,
        Some(("apps", _)) => is_manifest(path),
        Some(_) | None => false,
    }
}
