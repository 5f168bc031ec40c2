//! Labels and taints of machines: what Kubernetes would refuse, and what belongs to K3s.

use super::check::Check;
use crate::finding::{Fault, Place};
use crate::spec::At;
use knarr_node::name::{LabelKey, LabelValue, RepoPath, Taint};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that a Node gets from its kubelet and from K3s. Source: K3s v1.36, pkg/nodeconfig, pkg/cluster, pkg/etcd;
/// Kubernetes, "Well-Known Labels", v1.36.
const OWN: [&str; 7] = [
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/etcd",
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/instance-type",
];

impl Check<'_> {
    pub(super) fn labels(
        &mut self,
        path: &RepoPath,
        labels: &BTreeMap<At<String>, At<String>>,
    ) -> BTreeMap<LabelKey, LabelValue> {
        let label = |(key, value): (&At<String>, &At<String>)| {
            let (name, value) = (self.word::<LabelKey>(path, key), self.word(path, value));
            if OWN.contains(&key.as_str()) {
                self.findings.add(Place::of(path, key), Fault::OwnLabel { key: key.value.clone() });
                return None;
            }
            Some((name?, value?))
        };
        labels.iter().filter_map(label).collect()
    }

    pub(super) fn taints(&mut self, path: &RepoPath, taints: &[At<String>]) -> BTreeSet<Taint> {
        let mut all: BTreeSet<Taint> = BTreeSet::new();
        for word in taints {
            let Some(taint) = self.word::<Taint>(path, word) else { continue };
            let same = |other: &Taint| (&other.key, other.effect) == (&taint.key, taint.effect);
            if all.iter().any(same) {
                self.findings.add(Place::of(path, word), Fault::TaintTwice {});
            }
            all.insert(taint);
        }
        all
    }
}
