//! What is rendered: a tree of files in memory, and the difference to those on the disk.

mod diff;
mod stray;
pub mod yaml;

pub use diff::{Known, Near, Past, Step, diff, outputs};
pub use yaml::Line;

use crate::model::Object;
use knarr_node::name::{Digest, RepoPath, SecretName};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One file to render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Its bytes.
    Text(String),
    /// Secrets encrypted anew: never the same bytes twice.
    Sealed(Sealed),
}

impl Output {
    /// Whether these bytes are all of it.
    pub fn is(&self, bytes: &[u8]) -> bool {
        matches!(self, Self::Text(text) if text.as_bytes() == bytes)
    }
}

/// An encrypted file: what is in it and who can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// age recipients.
    pub to: BTreeSet<String>,
    /// Secrets by name, with the digests of their encrypted files.
    pub of: BTreeMap<SecretName, Digest>,
}

impl Sealed {
    /// Returns the sources as rendered/owned.yaml lists them.
    pub fn sources(&self) -> BTreeSet<String> {
        self.of.iter().map(|(name, digest)| format!("secrets/{name}.age@{digest}")).collect()
    }
}

/// All that is rendered, without the list of outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<RepoPath, Output>);

/// Returns Kubernetes objects as YAML, a document each.
pub fn documents(objects: &[Object]) -> String {
    let document = |object: &Object| {
        yaml::to_string(&object.0, Line::Fits).expect("what was read as YAML has text keys only")
    };
    objects.iter().map(document).collect::<Vec<_>>().join("---\n")
}

impl Tree {
    /// Adds a file of text.
    pub fn text(&mut self, path: &str, text: String) {
        let path = path.parse().expect("names have no slashes, so it is a path");
        self.0.insert(path, Output::Text(text));
    }

    /// Adds a value as YAML, below a line that says who writes it.
    pub fn yaml(&mut self, path: &str, value: &impl Serialize) {
        self.lines(path, value, Line::Fits);
    }

    /// Adds a value as YAML with these lines, below one that says who writes it.
    pub fn lines(&mut self, path: &str, value: &impl Serialize, line: Line) {
        self.text(path, yaml::file(value, line));
    }

    /// Adds Kubernetes objects, a document each.
    pub fn objects(&mut self, path: &str, objects: &[Object]) {
        self.text(path, format!("{}{}", yaml::HEAD, documents(objects)));
    }

    /// Adds an encrypted file.
    pub fn sealed(&mut self, path: &str, sealed: Sealed) {
        let path = path.parse().expect("names have no slashes, so it is a path");
        self.0.insert(path, Output::Sealed(sealed));
    }
}
