//! `knarr secret rekey`: all values stay, those who open them are whom people/ names now.

use super::{Done, open, wanted};
use crate::cli::cluster_name;
use crate::disk::Inputs;
use crate::error::CliError;
use crate::finding::Findings;
use crate::recipients::{self, recipients};
use crate::secrets::{self, Identities};
use crate::spec::Spec;
use crate::ui::{Ui, counted};
use knarr_node::name::{RepoPath, SecretName};
use std::collections::{BTreeMap, BTreeSet};

/// Encrypt secrets anew to those whom they are for now
///
/// The values stay. Somebody who could open them before may have kept them: give those a new value with `knarr secret set`.
/// Nothing is written unless your identity opens all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr secret rekey    # after somebody came or left")]
pub(super) struct Args {
    /// Only these; otherwise all in secrets/
    names: Vec<SecretName>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let inputs = repo.inputs()?;
    let spec = Spec::of(&inputs, &mut Findings::default());
    let there: Vec<&str> = inputs.names("secrets", ".age").collect();
    let names = wanted(&args.names, &there)?;
    let sealed = anew(&inputs, &spec, &names)?;
    repo.write_all(&sealed)?;
    let opens: BTreeSet<String> = names.iter().flat_map(|name| recipients(&spec, name)).collect();
    tell(&sealed, opens.len(), ui);
    Ok(Done::Fine)
}

/// Encrypts secrets to those whom they are for by `spec`; without any, nobody's identity is read.
///
/// # Errors
/// When the operator's identity does not open one of them, or nobody could open it then.
pub(in crate::cli) fn anew(
    inputs: &Inputs,
    spec: &Spec,
    names: &BTreeSet<&str>,
) -> Result<BTreeMap<RepoPath, Vec<u8>>, CliError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let cluster = cluster_name(spec.cluster.as_ref())?;
    let identities = Identities::read(&secrets::identity_path(&cluster))?;
    let one = |name: &&str| {
        let path: RepoPath = format!("secrets/{name}.age").parse().expect("a secret's name has no slash");
        let value = recipients::open(&identities, spec, name, &inputs.files[&path])?;
        Ok((path, secrets::seal(&recipients(spec, name), &value)?))
    };
    names.iter().map(one).collect()
}

fn tell(sealed: &BTreeMap<RepoPath, Vec<u8>>, opens: usize, ui: &Ui) {
    if ui.json() {
        let paths: Vec<&RepoPath> = sealed.keys().collect();
        return ui.value(&serde_json::json!({ "paths": paths, "identities": opens }));
    }
    for path in sealed.keys() {
        ui.say(format_args!("wrote {path}"));
    }
    let count = counted(sealed.len(), "secret");
    ui.done(format_args!("{count}, which {opens} identities can open; next: knarr render"));
}
