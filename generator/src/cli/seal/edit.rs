//! `knarr seal edit`: one sealed value in an editor, and nothing of it on a disk.

use super::super::open;
use super::super::people::{changed, of};
use super::find::{self, Found};
use super::{Done, certificate, set};
use crate::disk::Repo;
use crate::editor;
use crate::error::CliError;
use crate::seal::{SealedSecret, Value};
use crate::ui::Ui;
use knarr_node::name::DataKey;
use std::collections::BTreeMap;

/// Open one sealed value in your editor, and seal it anew if it changed
///
/// Takes the key in secrets/sealing-keys.age, which your age identity opens, and $VISUAL or $EDITOR. The value lies in memory
/// only, in a folder that is gone with the editor. Other values of the file stay as they are, byte for byte.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr seal edit shop/db password\n  knarr seal edit sealed/shop/db.sealed.yaml"
)]
pub(super) struct Args {
    /// The sealed Secret: NAME, NAMESPACE/NAME, or its file in the repository (.yaml, .yml, .json)
    #[arg(value_name = "NAME|FILE")]
    secret: String,
    /// The value's key; it may be left out where there is one
    key: Option<DataKey>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let to = certificate(&repo)?;
    let (found, at) = there(&repo, &args.secret)?;
    let sealed = &found.file.entries[at].sealed;
    let (key, text) = chosen(sealed, args.key.as_ref())?;
    let keys = find::keys(Some(&repo), &[])?;
    let (_, value) = keys.open(&sealed.label(), key, text).map_err(|error| {
        CliError::user(format!("cannot open {}: {error}", sealed.title()))
            .help("knarr validate says what is wrong; knarr seal set gives it a new value")
    })?;
    let mut values = BTreeMap::from([(key.clone(), value)]);
    set::put(&found, at, &to, &values)?; // what cannot be sealed or written is told before anybody types
    let old = values.remove(key).ok_or_else(|| CliError::bug("a value was opened and lost"))?;
    let Some(new) = editor::edit(&old.0, key.as_str())? else {
        if ui.json() {
            ui.value(&serde_json::Value::Null);
        }
        ui.done(format_args!("{key} of {} is as it was: nothing was written", sealed.title()));
        return Ok(Done::Fine);
    };
    values.insert(key.clone(), Value(new));
    let (now, at) = there(&repo, &args.secret)?;
    if now.file.entries[at].sealed != *sealed {
        return Err(CliError::user(format!("`{}` was changed while you edited", found.path))
            .help("nothing was written: edit it again"));
    }
    let put = set::put(&now, at, &to, &values)?;
    repo.write(&now.path, put.text.as_bytes())?;
    put.tell(now.path.as_str(), &[key.as_str()], &to, ui);
    changed(&repo, &of(&put.sealed, &[key]), ui)?;
    Ok(Done::Fine)
}

/// Returns the file and the place in it of the one Secret that is meant.
fn there(repo: &Repo, word: &str) -> Result<(Found, usize), CliError> {
    if !find::is_file(word) {
        return find::named(repo, word);
    }
    let (mut found, broken) = find::at(repo, &[word.into()])?;
    let titles = found.iter().flat_map(|found| &found.file.entries).map(|entry| entry.sealed.title());
    let titles: Vec<String> = titles.collect();
    match (found.pop(), titles.len()) {
        (Some(found), 1) => Ok((found, 0)),
        (Some(_), _) => Err(CliError::user(format!("there are several in `{word}`: {}", titles.join(", ")))
            .help("name one: knarr seal edit NAMESPACE/NAME")),
        (None, _) => Err(CliError::user(broken.join("; ")).help("correct it, or seal it again")),
    }
}

/// Returns the key that was named, or the only one, with its sealed value.
fn chosen<'a>(sealed: &'a SealedSecret, named: Option<&DataKey>) -> Result<(&'a DataKey, &'a str), CliError> {
    let values = &sealed.spec.encrypted_data;
    let one = match named {
        Some(key) => values.get_key_value(key),
        None if values.len() == 1 => values.first_key_value(),
        None => None,
    };
    one.map(|(key, text)| (key, text.as_str())).ok_or_else(|| {
        let title = sealed.title();
        let what = named
            .map_or_else(|| format!("{title} has several keys"), |key| format!("{title} has no key `{key}`"));
        let all: Vec<&str> = values.keys().map(DataKey::as_str).collect();
        CliError::user(what).help(format!("name one of them: {}", all.join(", ")))
    })
}
