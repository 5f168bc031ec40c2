//! `knarr secret edit`: a value in an editor, and on no disk.

use super::{Done, fits, open, wanted, write};
use crate::cli::cluster_name;
use crate::editor;
use crate::error::CliError;
use crate::finding::Findings;
use crate::recipients::{self, recipients};
use crate::secrets::{self, Identities};
use crate::spec::Spec;
use crate::ui::Ui;
use knarr_node::name::SecretName;

/// Change a value in your editor: $VISUAL, $EDITOR, else vi
///
/// The value lies in memory only, in a private folder that is gone when the editor ends, however it ends. Nothing is written
/// when nothing changed or the editor fails. What is saved is the value, but for a line feed that the editor adds at the end
/// where there was none. An editor in a window must wait: EDITOR="code --wait".
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr secret edit greeting")]
pub(super) struct Args {
    /// The secret's name: secrets/NAME.age
    name: SecretName,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let inputs = repo.inputs()?;
    let spec = Spec::of(&inputs, &mut Findings::default());
    let there: Vec<&str> = inputs.names("secrets", ".age").collect();
    wanted(std::slice::from_ref(&args.name), &there)?;
    let path = format!("secrets/{}.age", args.name);
    let sealed = inputs.get(&path).expect("its name was listed");
    let identities = Identities::read(&secrets::identity_path(&cluster_name(spec.cluster.as_ref())?))?;
    let old = recipients::open(&identities, &spec, args.name.as_str(), sealed)?;
    let Some(new) = editor::edit(&old, args.name.as_str())? else {
        if ui.json() {
            ui.value(&serde_json::json!({ "path": null }));
        }
        ui.say("nothing changed, nothing was written");
        return Ok(Done::Fine);
    };
    fits(&args.name, &new)?;
    if repo.read(&path)?.as_deref() != Some(sealed) {
        return Err(CliError::user(format!("`{path}` was changed meanwhile; yours was not written"))
            .help(format!("knarr secret edit {}", args.name)));
    }
    write(&repo, &args.name, &recipients(&spec, args.name.as_str()), &new, ui)
}
