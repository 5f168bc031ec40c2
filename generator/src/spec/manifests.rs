//! The Kubernetes objects of a repository: each file is read once, for all who judge it.

use super::{At, Tree, parse_trees};
use crate::disk::Inputs;
use crate::each::each;
use crate::finding::Finding;
use crate::seal::is_sealed;
use knarr_node::name::RepoPath;
use std::collections::BTreeMap;

/// So many bytes in all are read before another thread would have begun.
const FEW: usize = 16 << 10;

/// What each file with objects for the cluster holds, or why nobody can read it.
#[derive(Debug, Default)]
pub struct Manifests(BTreeMap<RepoPath, Result<Vec<At<Tree>>, Finding>>);

impl Manifests {
    /// Reads the manifests in apps/ and sealed/, and what lies in host/ and may be one that is sealed.
    pub fn of(inputs: &Inputs) -> Self {
        let is_wanted = |path: &RepoPath, bytes: &[u8]| match path.as_str().split_once('/') {
            Some(("apps" | "sealed", _)) => is_manifest(path),
            Some(("host", _)) => is_sealed(bytes),
            Some(_) | None => false,
        };
        let wanted = inputs.files.iter().filter(|(path, bytes)| is_wanted(path, bytes));
        let wanted: Vec<_> = wanted.collect();
        let parse = |(path, bytes): &(&RepoPath, &Vec<u8>)| ((*path).clone(), parse_trees(path, bytes));
        let few = wanted.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < FEW;
        let read = if few { wanted.iter().map(parse).collect() } else { each(&wanted, parse) };
        Self(read.into_iter().collect())
    }

    /// Returns the documents of a file; none of one that is no manifest.
    pub fn get(&self, path: &RepoPath) -> Result<&[At<Tree>], &Finding> {
        self.0.get(path).map_or(Ok(&[]), |read| read.as_deref())
    }

    /// Returns all documents, each with its file.
    pub fn documents(&self) -> impl Iterator<Item = (&RepoPath, &At<Tree>)> {
        let read = self.0.iter().filter_map(|(path, read)| Some((path, read.as_ref().ok()?)));
        read.flat_map(|(path, documents)| documents.iter().map(move |document| (path, document)))
    }
}

/// Whether a file is read as Kubernetes objects, by its name.
pub fn is_manifest(path: &RepoPath) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| path.as_str().ends_with(end))
}
