//! The file of a machine, for the commands that change it.

use crate::disk::Repo;
use crate::edit::with_enrolment;
use crate::error::CliError;
use crate::join::{self, Candidate, Part};
use crate::model::Model;
use crate::render::{Compiled, compile, show};
use crate::spec::{Node, Spec};
use crate::ui::Ui;
use knarr_node::enrol::Born;
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
    if compiled.spec.described.contains_key(name.as_str()) {
        return Err(CliError::user(format!(
            "`{name}` was not enrolled, so it is no part of the cluster yet"
        ))
        .help(format!("knarr node add {name}")));
    }
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

/// Writes the file of a machine that was enrolled, and returns where: what was described there before stays.
pub(in crate::cli) fn joined(
    repo: &Repo,
    spec: &Spec,
    candidate: &Candidate,
    part: &Part,
    born: &Born,
) -> Result<RepoPath, CliError> {
    let (name, path) = (&candidate.name, path(&candidate.name));
    let new = join::node(candidate, part, born);
    match spec.described.get(name.as_str()) {
        None => repo.write_spec(&path, "node", &new)?,
        Some(described) => {
            let new = join::completed(described, new);
            let edited = with_enrolment(&path, &text(repo, name)?, described, &new);
            write(repo, name, edited, &new)?;
        }
    }
    Ok(path)
}

/// Returns a machine's file as text.
pub(super) fn text(repo: &Repo, name: &NodeName) -> Result<String, CliError> {
    let bytes = repo.read(path(name).as_str())?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
