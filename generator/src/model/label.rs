//! Labels and taints of machines: what Kubernetes would refuse, and what belongs to K3s.

use super::check::Check;
use crate::finding::{Fault, Place, did_you_mean};
use crate::spec::At;
use knarr_node::name::{LabelKey, LabelValue, RepoPath, Taint};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that a Node gets from its kubelet and from K3s. Source: K3s v1.36, pkg/nodeconfig, pkg/cluster, pkg/etcd;
/// Kubernetes, "Well-Known Labels", v1.36.
const OWN: [&str; 10] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/etcd",
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/instance-type",
];

/// Labels that people set, of those that only Kubernetes defines; the ends with a slash are for any name.
/// Source: Kubernetes, "Well-Known Labels, Annotations and Taints", v1.36.
const RESERVED: [&str; 10] = [
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "cluster-autoscaler.kubernetes.io/",
    "feature.node.kubernetes.io/",
    "kubelet.kubernetes.io/",
    "node-restriction.kubernetes.io/",
    "node-role.kubernetes.io/",
    "node.kubernetes.io/",
];

/// Taints that come and go by what a Node says of itself. Source: the same.
const OWN_TAINTS: [&str; 9] = [
    "node.cloudprovider.kubernetes.io/shutdown",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
];

/// Whether only Kubernetes defines labels with the prefix of this one. Source: the same, and "Labels and Selectors".
fn is_reserved(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    ["kubernetes.io", "k8s.io"]
        .iter()
        .any(|end| domain.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether a key is this label, or one of those that begin so.
fn fits(key: &str, label: &str) -> bool {
    key == label || label.ends_with('/') && key.starts_with(label)
}

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
            if is_reserved(key) && !RESERVED.iter().any(|label| fits(key, label)) {
                let own = || "choose a key of your own, e.g. example.org/rack".to_owned();
                let hint = did_you_mean(key, RESERVED).unwrap_or_else(own);
                self.findings
                    .add(Place::of(path, key), Fault::ReservedLabel { key: key.value.clone(), hint });
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
            if OWN_TAINTS.contains(&taint.key.as_str()) {
                self.findings.add(Place::of(path, word), Fault::OwnTaint { key: taint.key.to_string() });
            } else if all.iter().any(same) {
                self.findings.add(Place::of(path, word), Fault::TaintTwice {});
            }
            all.insert(taint);
        }
        all
    }
}
