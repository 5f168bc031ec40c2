//! Machines that wait for their enrolment: what their files say is judged like that of any other, before it counts.

use super::Host;
use super::check::{self, Check};
use crate::finding::{Fault, Place};
use crate::spec;
use knarr_node::name::{NodeName, RepoPath};

impl Check<'_> {
    /// Names them, and reports what would be wrong once they are enrolled.
    pub(super) fn described(&mut self, base: &Host) {
        for (file, node) in &self.spec.described {
            let path = check::path(&format!("nodes/{file}.yaml"));
            self.not_reserved(&path, file);
            if self.file_name::<NodeName>(&path, file).is_some() {
                self.findings.add(Place::file(&path), Fault::NotEnrolled { name: file.clone() });
            }
            self.words_of(&path, node, base);
        }
    }

    /// Judges what is written; what is missing the enrolment decides.
    fn words_of(&mut self, path: &RepoPath, node: &spec::Node, base: &Host) {
        if let Some(word) = &node.address {
            self.address(path, word);
        }
        if !node.roles.is_empty() {
            self.role(path, node);
        }
        for word in &node.open {
            self.open(path, word, node);
        }
        if let Some(word) = &node.relay {
            self.relay(path, node, word);
        }
        if let Some(word) = &node.ssh {
            self.ssh(path, word);
        }
        self.labels(path, &node.labels);
        self.taints(path, &node.taints);
        self.host(path, &node.host, base.clone());
    }
}
