//! What of a branch needs a person's eyes beyond the plan: who may do what, what runs where, whom secrets open for.

use crate::emit::{Output, Tree};
use crate::error::CliError;
use crate::git::History;
use crate::spec::Spec;
use crate::tame::tame;
use knarr_node::name::{Oid, RepoPath};
use knarr_node::outputs::{self, Encrypted, Outputs, Stray};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that needs a look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Eye {
    /// The file.
    pub file: String,
    /// What it decides.
    pub says: String,
}

/// Both sides of a merge.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The commit that machines accepted, as its files say it.
    pub old: (&'a Oid, &'a Spec),
    /// The branch's last commit, and what the files say when it is merged.
    pub new: (&'a Oid, &'a Spec),
    /// The outputs of the merge.
    pub tree: &'a Tree,
}

/// Returns what needs a look among the files that a merge changes.
pub fn eyes(history: &History, changed: &[String], sides: &Sides<'_>) -> Result<Vec<Eye>, CliError> {
    let eye = |file: &str, says: &str| Eye { file: tame(file), says: says.to_owned() };
    let mut eyes: BTreeSet<Eye> = changed.iter().filter_map(|path| Some(eye(path, decides(path)?))).collect();
    let [old, new] = [sides.old.1, sides.new.1].map(|spec| spec.cluster.as_ref());
    if old.map(|it| &it.trust) != new.map(|it| &it.trust) {
        eyes.insert(eye("cluster.yaml", "trust: who may sign what machines follow"));
    }
    if old.map(|it| &it.secrets) != new.map(|it| &it.secrets) {
        eyes.insert(eye("cluster.yaml", "secrets: who opens which"));
    }
    if old.map(|it| &it.git) != new.map(|it| &it.git) {
        eyes.insert(eye("cluster.yaml", "git: where machines look for commits"));
    }
    eyes.extend(edited(history, sides.new.0)?.iter().map(|path| {
        eye(path.as_str(), "the branch has it otherwise than a render of its own: it is rendered anew")
    }));
    eyes.extend(opened(history, sides));
    Ok(eyes.into_iter().collect())
}

/// Returns what a file decides beyond what machines hold.
fn decides(path: &str) -> Option<&'static str> {
    const SERVICES: [&str; 8] =
        [".github/", ".gitlab/", ".forgejo/", ".gitea/", ".woodpecker", ".circleci/", ".gitlab-ci", ".drone"];
    let name = path.rsplit('/').next().unwrap_or(path);
    match path {
        _ if path.starts_with("people/") => Some("who logs in, signs and opens secrets"),
        _ if path.starts_with(".knarr/hooks/") => {
            Some("a program that git runs in clones that an older knarr set up")
        }
        _ if path.starts_with(".knarr/known_hosts") => Some("whom machines take for the origin"),
        _ if path.starts_with(".knarr/") => Some("settings of clones and editors"),
        _ if SERVICES.iter().any(|start| path.starts_with(start)) || name == "Jenkinsfile" => {
            Some("what the git host runs")
        }
        _ if [".gitattributes", ".gitmodules"].contains(&name) => {
            Some("how git treats files in everybody's clone")
        }
        "knarr.lock" => Some("which programs machines download, and from where"),
        _ => None,
    }
}

/// Returns the outputs that the branch's own list does not explain.
fn edited(history: &History, tip: &Oid) -> Result<Vec<RepoPath>, CliError> {
    let mut files = history.files(tip.as_str(), "rendered")?;
    let list = files.remove(outputs::PATH).unwrap_or_default();
    let list: Outputs = serde_saphyr::from_slice(&list).unwrap_or_default();
    let there = files.iter().map(|(path, bytes)| (path.clone(), crate::secrets::digest(bytes))).collect();
    let edited = |stray| match stray {
        Stray::Edited(path) | Stray::Foreign(path) => Some(path),
        Stray::Missing(_) => None,
    };
    Ok(list.strays(&there).into_iter().filter_map(edited).collect())
}

/// Says which secrets open for a key for which they did not before.
fn opened(history: &History, sides: &Sides<'_>) -> Vec<Eye> {
    let list = history.file(sides.old.0.as_str(), outputs::PATH).unwrap_or_default();
    let list: Outputs = serde_saphyr::from_slice(&list).unwrap_or_default();
    let mut open: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for output in list.0.values() {
        if let outputs::Output::Encrypted(Encrypted { to, of, .. }) = output {
            let names = || of.iter().filter_map(|source| Some(outputs::secret(source)?.0));
            for key in to {
                open.entry(key).or_default().extend(names());
            }
        }
    }
    let mut eyes = Vec::new();
    for (path, output) in &sides.tree.0 {
        let Output::Sealed(sealed) = output else { continue };
        for key in &sealed.to {
            let known = open.get(key.as_str());
            let new = sealed.of.keys().map(knarr_node::name::SecretName::as_str);
            let new: Vec<&str> =
                new.filter(|name| !known.is_some_and(|known| known.contains(name))).collect();
            if !new.is_empty() {
                let says = format!("secrets that open for {key} and did not before: {}", new.join(", "));
                eyes.push(Eye { file: path.to_string(), says });
            }
        }
    }
    eyes
}
