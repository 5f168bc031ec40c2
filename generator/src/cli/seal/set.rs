//! `knarr seal set` and `knarr seal remove`: single keys of a sealed Secret, and nothing else of its file changes.

use super::super::open;
use super::super::people::{changed, of};
use super::find::{self, Found};
use super::values::{Sources, Words};
use super::{Done, Row, certificate};
use crate::error::CliError;
use crate::seal::{Certificate, Empty, SealedSecret, Value};
use crate::ui::{Ui, counted};
use aws_lc_rs::rand::SystemRandom;
use knarr_node::name::DataKey;
use std::collections::BTreeMap;

/// Seal single values of a Secret, and leave the others as they are
///
/// Needs no key of yours: the others are not opened. The scope, and what people wrote into the file, stay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr seal set db password -\n  knarr seal set shop/db --from-file tls.key=private.pem"
)]
pub(super) struct Set {
    /// The sealed Secret: NAME, or NAMESPACE/NAME where several have the name
    #[arg(value_name = "[NAMESPACE/]NAME")]
    secret: String,
    #[command(flatten)]
    words: Words,
}

type Values = BTreeMap<DataKey, Value>;

/// Take keys out of a sealed Secret, and leave the others as they are
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr seal remove shop/db old-password")]
pub(super) struct Remove {
    /// The sealed Secret: NAME, or NAMESPACE/NAME where several have the name
    #[arg(value_name = "[NAMESPACE/]NAME")]
    secret: String,
    /// The keys that go
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<DataKey>,
}

pub(super) fn set(args: &Set, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let to = certificate(&repo)?;
    let sources = Sources::of(&args.words, Empty::Refused)?;
    let (found, at) = find::named(&repo, &args.secret)?;
    let values = sources.read(ui)?;
    let put = put(&found, at, &to, &values)?;
    repo.write(&found.path, put.text.as_bytes())?;
    let keys: Vec<&str> = values.keys().map(DataKey::as_str).collect();
    put.tell(found.path.as_str(), &keys, &to, ui);
    changed(&repo, &of(&put.sealed, &values.keys().collect::<Vec<_>>()), ui)?;
    Ok(Done::Fine)
}

/// A Secret with new values, and the whole file with it.
pub(super) struct Put {
    pub(super) sealed: SealedSecret,
    pub(super) text: String,
}

/// Seals values for a Secret of a file, beside what it has; nothing is written yet.
pub(super) fn put(found: &Found, at: usize, to: &Certificate, values: &Values) -> Result<Put, CliError> {
    let mut new = secrets(found);
    new[at].put(to, values, &SystemRandom::new()).map_err(|error| {
        let help = error.help().map(|help| help.replace("FILE", found.path.as_str()));
        CliError { help, ..CliError::from(error) }
    })?;
    let text = text(found, &new)?;
    Ok(Put { sealed: new.swap_remove(at), text })
}

impl Put {
    /// Says which keys were sealed anew.
    pub(super) fn tell(&self, path: &str, keys: &[&str], to: &Certificate, ui: &Ui) {
        if ui.json() {
            ui.value(&Row::of(path, &self.sealed, to));
            return;
        }
        let (title, all) = (self.sealed.title(), counted(self.sealed.spec.encrypted_data.len(), "key"));
        let keys = keys.join(", ");
        ui.done(format_args!("wrote {path}   Secret {title}: {keys} of {all}, opens with key {}", to.id));
    }
}

pub(super) fn remove(args: &Remove, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (found, at) = find::named(&repo, &args.secret)?;
    let mut new = secrets(&found);
    let title = new[at].title();
    let values = &mut new[at].spec.encrypted_data;
    for key in &args.keys {
        let all: Vec<&str> = values.keys().map(DataKey::as_str).collect();
        let none = || {
            CliError::user(format!("{title} has no key `{key}`")).help(format!("it has {}", all.join(", ")))
        };
        if !values.contains_key(key) {
            return Err(none());
        }
        values.remove(key);
    }
    if values.is_empty() {
        return Err(CliError::user(format!("{title} would have no values left"))
            .help(format!("to remove all of it: git rm {}", found.path)));
    }
    let left: Vec<String> = values.keys().map(ToString::to_string).collect();
    repo.write(&found.path, text(&found, &new)?.as_bytes())?;
    if ui.json() {
        ui.value(&serde_json::json!({"path": found.path, "keys": left}));
    } else {
        ui.done(format_args!("wrote {}   Secret {title} keeps {}", found.path, left.join(", ")));
    }
    changed(&repo, &of(&new[at], &args.keys.iter().collect::<Vec<_>>()), ui)?;
    Ok(Done::Fine)
}

fn secrets(found: &Found) -> Vec<SealedSecret> {
    found.file.entries.iter().map(|entry| entry.sealed.clone()).collect()
}

fn text(found: &Found, new: &[SealedSecret]) -> Result<String, CliError> {
    found.file.with(new).ok_or_else(|| {
        CliError::user(format!("the values cannot be put into `{}`", found.path))
            .help("write each key of `encryptedData` on a line of its own")
    })
}
