//! The file of a machine, for the commands that change it.

use crate::disk::Repo;
use crate::error::CliError;
use crate::model::Model;
use crate::render::{Compiled, compile, show};
use crate::spec::Node;
use crate::ui::Ui;
use knarr_node::name::{NodeName, RepoPath};

/// Reads a repository that must be without errors; they are shown.
pub(in crate::cli) fn proven(repo: &Repo, ui: &Ui) -> Result<(Compiled, Model), CliError> {
    let mut compiled = compile(repo)?;
    match compiled.model.take() {
        Some(model) => Ok((compiled, model)),
        None => Err(show(&compiled.findings, &compiled.inputs, ui)),
    }
}

/// Returns where a machine's file lies.
pub(super) fn path(name: &NodeName) -> RepoPath {
    format!("nodes/{name}.yaml").parse().expect("a node's name is a file's name")
}

/// Finds a machine among the files, or says which there are.
pub(super) fn find<'a>(compiled: &'a Compiled, name: &NodeName) -> Result<&'a Node, CliError> {
    compiled.spec.nodes.get(name.as_str()).ok_or_else(|| {
        let names: Vec<&str> = compiled.spec.nodes.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "no machine yet".to_owned() } else { names.join(", ") };
        CliError::user(format!("there is no machine `{name}`")).help(format!("known are: {there}"))
    })
}

/// Writes a machine's file: the edited text, or all of it anew where an edit would not do.
pub(super) fn write(
    repo: &Repo,
    name: &NodeName,
    edited: Option<String>,
    node: &Node,
) -> Result<(), CliError> {
    match edited {
        Some(text) => repo.write(&path(name), text.as_bytes())?,
        None => repo.write_spec(&path(name), "node", node)?,
    }
    Ok(())
}

/// Returns a machine's file as text.
pub(super) fn text(repo: &Repo, name: &NodeName) -> Result<String, CliError> {
    let bytes = repo.read(path(name).as_str())?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
