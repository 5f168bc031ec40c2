//! What all checks share: the Spec, the files, and where findings go.

use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place, near};
use crate::spec::{At, Spec};
use knarr_node::name::{BadName, NodeName, RepoPath, SecretName};
use std::str::FromStr;

/// A check under way.
pub(super) struct Check<'a> {
    pub(super) spec: &'a Spec,
    pub(super) inputs: &'a Inputs,
    pub(super) findings: &'a mut Findings,
}

/// Returns a path that the repository already has, or one of Knarr's own.
pub(super) fn path(text: &str) -> RepoPath {
    text.parse().expect("a file of the inputs has a name that is a path")
}

impl Check<'_> {
    /// Parses a word, or reports its place and rule.
    pub(super) fn word<T: FromStr<Err = BadName>>(
        &mut self,
        path: &RepoPath,
        word: &At<String>,
    ) -> Option<T> {
        word.parse().map_err(|bad| self.findings.add(Place::of(path, word), Fault::BadWord { bad })).ok()
    }

    /// Parses a file's name, or reports the file.
    pub(super) fn file_name<T: FromStr<Err = BadName>>(&mut self, path: &RepoPath, name: &str) -> Option<T> {
        name.parse().map_err(|bad| self.findings.add(Place::file(path), Fault::BadFileName { bad })).ok()
    }

    /// Reports a machine or device that would take a name from what every machine has in /etc/hosts.
    /// Source: Debian 13, netbase, /etc/hosts; RFC 6761, section 6.3.
    pub(super) fn not_reserved(&mut self, path: &RepoPath, name: &str) {
        const RESERVED: [&str; 5] =
            ["localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters"];
        if RESERVED.contains(&name) {
            self.findings.add(Place::file(path), Fault::ReservedName { name: name.to_owned() });
        }
    }

    /// Reports a word that breaks a rule which no type of node/ has.
    pub(super) fn bad(&mut self, path: &RepoPath, word: &At<String>, what: &'static str, rule: &'static str) {
        let bad = BadName { what, text: word.value.clone(), rule };
        self.findings.add(Place::of(path, word), Fault::BadWord { bad });
    }

    /// Finds a machine by name, whether its file can be read or not.
    pub(super) fn node(&mut self, path: &RepoPath, word: &At<String>) -> Option<NodeName> {
        let name: NodeName = self.word(path, word)?;
        let known =
            self.spec.nodes.contains_key(name.as_str()) || self.spec.is_broken(&format!("nodes/{name}.yaml"));
        if !known {
            let hint = if self.spec.described.contains_key(name.as_str()) {
                format!("it was described and not enrolled: knarr node add {name}")
            } else {
                let there = self.spec.nodes.keys().map(String::as_str);
                near(name.as_str(), there, "add it with `knarr node add`")
            };
            self.findings.add(Place::of(path, word), Fault::UnknownNode { name: name.to_string(), hint });
        }
        known.then_some(name)
    }

    /// Finds a secret by name.
    pub(super) fn secret(&mut self, path: &RepoPath, word: &At<String>) -> Option<SecretName> {
        let name: SecretName = self.word(path, word)?;
        let known = self.inputs.get(&format!("secrets/{name}.age")).is_some();
        if !known {
            let there: Vec<&str> = self.inputs.names("secrets", ".age").collect();
            let hint =
                near(name.as_str(), there, "").split("known here").next().unwrap_or_default().to_owned();
            let hint = if hint.is_empty() { format!("make it: knarr secret set {name}") } else { hint };
            self.findings.add(Place::of(path, word), Fault::NoSecret { name: name.to_string(), hint });
        }
        known.then_some(name)
    }
}
