//! `knarr secret rekey`: all values stay, those who open them are whom people/ names now.

use super::{Done, open, wanted};
use crate::cli::cluster_name;
use crate::error::CliError;
use crate::finding::Findings;
use crate::recipients::{self, recipients};
use crate::secrets::{self, Identities};
use crate::spec::Spec;
use crate::ui::{Ui, counted};
use knarr_node::name::{RepoPath, SecretName};
use std::collections::BTreeSet;

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
    let cluster = cluster_name(spec.cluster.as_ref())?;
    let identities = Identities::read(&secrets::identity_path(&cluster))?;
    let mut opens = BTreeSet::new();
    let mut sealed: Vec<(RepoPath, Vec<u8>)> = Vec::new();
    for name in names {
        let path = format!("secrets/{name}.age");
        let bytes = inputs.get(&path).expect("its name was listed");
        let value = recipients::open(&identities, &spec, name, bytes)?;
        let to = recipients(&spec, name);
        sealed.push((path.parse().expect("a secret's name has no slash"), secrets::seal(&to, &value)?));
        opens.extend(to);
    }
    for (path, bytes) in &sealed {
        repo.write(path, bytes)?;
    }
    tell(&sealed, opens.len(), ui);
    Ok(Done::Fine)
}

fn tell(sealed: &[(RepoPath, Vec<u8>)], opens: usize, ui: &Ui) {
    if ui.json() {
        let paths: Vec<&RepoPath> = sealed.iter().map(|(path, _)| path).collect();
        return ui.value(&serde_json::json!({ "paths": paths, "identities": opens }));
    }
    for (path, _) in sealed {
        ui.say(format_args!("wrote {path}"));
    }
    let count = counted(sealed.len(), "secret");
    ui.done(format_args!("{count}, which {opens} identities can open; next: knarr render"));
}
