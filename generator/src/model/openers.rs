//! Who may open single secrets: people and groups that cluster.yaml names.

use super::check::{self, Check};
use crate::finding::{Fault, Place, near};
use crate::recipients::recipients;
use crate::spec::At;
use knarr_node::name::{PersonName, RepoPath};
use std::collections::BTreeSet;

impl Check<'_> {
    pub(super) fn openers(&mut self) {
        let spec = self.spec;
        for (file, person) in &spec.people {
            let path = check::path(&format!("people/{file}.yaml"));
            for word in &person.groups {
                self.group(&path, word);
            }
        }
        let path = check::path("cluster.yaml");
        for (name, list) in spec.cluster.iter().flat_map(|cluster| &cluster.secrets) {
            self.secret(&path, name);
            if self.folder_broken("people/") {
                continue; // who is named may stand in a file that cannot be read
            }
            let known = list.iter().filter(|word| self.opener(&path, word)).count();
            if known == list.len() && recipients(spec, name).is_empty() {
                self.findings.add(Place::of(&path, name), Fault::NobodyOpens { name: name.value.clone() });
            }
        }
    }

    fn group(&mut self, path: &RepoPath, word: &At<String>) {
        if word.parse::<PersonName>().is_err() {
            self.bad(
                path,
                word,
                "a group",
                "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit",
            );
        }
        if self.spec.people.contains_key(&word.value) {
            self.findings.add(Place::of(path, word), Fault::GroupIsPerson { name: word.value.clone() });
        }
    }

    /// Whether a word is a person or a group that somebody is in.
    fn opener(&mut self, path: &RepoPath, word: &At<String>) -> bool {
        let groups = self.spec.people.values().flat_map(|person| &person.groups).map(|word| word.as_str());
        let known: BTreeSet<&str> = self.spec.people.keys().map(String::as_str).chain(groups).collect();
        if known.contains(word.as_str()) {
            return true;
        }
        let (place, name) = (Place::of(path, word), word.value.clone());
        if self.spec.left.contains_key(&name) {
            self.findings.add(place, Fault::PersonLeft { name });
        } else {
            let hint =
                near(word, known, "name a person of people/, or a group that somebody has under `groups`");
            self.findings.add(place, Fault::UnknownOpener { name, hint });
        }
        false
    }
}
