//! A new value is one that nobody who left could read: it goes from their lists.

use super::path;
use crate::disk::{Repo, has_all, spec_text};
use crate::error::CliError;
use crate::finding::Findings;
use crate::seal::SealedSecret;
use crate::spec::{Person, Spec};
use crate::ui::{Ui, counted};
use crate::unchanged::{still_open, value};
use knarr_node::name::DataKey;
use std::collections::BTreeSet;

/// Takes what has a new value out of the lists of those who left; who has an empty one is forgotten.
///
/// It comes after the value was written: whoever is killed between both leaves an entry too many, and none too few.
pub(in crate::cli) fn changed(repo: &Repo, is_new: &dyn Fn(&str) -> bool, ui: &Ui) -> Result<(), CliError> {
    let mut people = repo.people()?;
    people.files.retain(|_, bytes| has_all(&["removed"], bytes)); // to parse the others takes a tenth of `knarr seal`
    for (name, person) in Spec::of(&people, &mut Findings::default()).left {
        if !person.unchanged.iter().any(|entry| is_new(entry)) {
            continue;
        }
        let left = still_open(&person.unchanged, is_new);
        if left == person.unchanged {
            ui.note(format_args!(
                "{name} has the key that sealed this: knarr sealing-key rotate, and then a new value"
            ));
            continue;
        }
        let count = counted(left.len(), "secret");
        if left.is_empty() {
            repo.remove(&path(&name))?;
            ui.done(format_args!("all that {name} could read has changed: deleted {}", path(&name)));
        } else {
            let text = spec_text(&path(&name), "person", &Person { unchanged: left, ..person })?;
            repo.write(&path(&name), text.as_bytes())?;
            ui.done(format_args!("wrote {}: {name} could read {count} that did not change", path(&name)));
        }
    }
    Ok(())
}

/// Whether an entry is one of these values of a sealed Secret.
pub(in crate::cli) fn of(sealed: &SealedSecret, keys: &[&DataKey]) -> impl Fn(&str) -> bool + use<> {
    let all: BTreeSet<String> = keys.iter().map(|key| value(&sealed.title(), key)).collect();
    move |entry| all.contains(entry)
}

/// Whether an entry is any value of a sealed Secret.
pub(in crate::cli) fn whole(sealed: &SealedSecret) -> impl Fn(&str) -> bool + use<> {
    let title = sealed.title();
    move |entry| entry.split_once('#').is_some_and(|(of, _)| of == title)
}
