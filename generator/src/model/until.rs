//! Last days: of devices, which machines drop, and of people, whom sshd refuses. Each machine goes by its own clock.

use super::Model;
use super::check::{self, Check};
use crate::finding::{Fault, Findings, Place};
use crate::spec::{At, Spec};
use jiff::civil::Date;
use knarr_node::name::RepoPath;

impl Check<'_> {
    /// Reads a last day; none when it never comes.
    pub(super) fn until(&mut self, path: &RepoPath, word: &At<String>) -> Option<Date> {
        let parsed = day(word);
        if parsed.is_err() {
            self.bad(path, word, "a day", "a date such as 2027-11-21, or never");
        }
        parsed.ok().flatten()
    }
}

/// Reads a day; no day is never.
fn day(word: &str) -> Result<Option<Date>, jiff::Error> {
    if word == "never" { Ok(None) } else { word.parse().map(Some) }
}

/// Returns the word of a last day that is over.
fn over(word: Option<&At<String>>, today: Date) -> Option<&At<String>> {
    word.filter(|word| day(word).ok().flatten().is_some_and(|last| last < today))
}

/// Warns of devices and people whose time is over; only this asks for the day, and no output depends on it.
pub fn expired(spec: &Spec, model: Option<&Model>, today: Date, findings: &mut Findings) {
    for (file, peer) in &spec.peers {
        if let Some(word) = over(peer.until.as_ref(), today) {
            let path = check::path(&format!("peers/{file}.yaml"));
            findings.add(Place::of(&path, word), Fault::Expired { until: word.value.clone() });
        }
    }
    for (file, person) in &spec.people {
        if let Some(word) = over(person.until.as_ref(), today) {
            let path = check::path(&format!("people/{file}.yaml"));
            let left = left(spec, file);
            findings.add(Place::of(&path, word), Fault::PersonExpired { until: word.value.clone(), left });
        }
    }
    if let Some(model) = model {
        locked(model, today, findings);
    }
}

/// Says what a person whose time is over still may do: no clock takes that away, only a commit.
fn left(spec: &Spec, file: &str) -> String {
    let signs = spec.cluster.iter().flat_map(|cluster| &cluster.trust.signers).any(|name| name.value == file);
    let opens = spec.people.get(file).is_some_and(|person| !person.decrypt.is_empty());
    match (signs, opens) {
        (true, true) => "; this person still signs, and opens secrets/",
        (true, false) => "; this person still signs",
        (false, true) => "; this person still opens secrets/",
        (false, false) => "",
    }
    .to_owned()
}

/// Warns of machines that only people may log in to whose time is over.
fn locked(model: &Model, today: Date, findings: &mut Findings) {
    for (name, _) in model.there() {
        let may = model.people.iter().filter(|(_, person)| person.opens(name).is_some());
        let (over, left): (Vec<_>, Vec<_>) =
            may.partition(|(_, person)| person.until.is_some_and(|last| last < today));
        if left.is_empty() && !over.is_empty() {
            let names: Vec<&str> = over.into_iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            let path = check::path(&format!("nodes/{name}.yaml"));
            findings.add(Place::file(&path), Fault::NoLoginLeft { names });
        }
    }
}
