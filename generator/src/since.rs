//! What may not go from the commit that machines follow to these files in one step. It reads git, and writes nothing.

use crate::finding::{Fault, Findings, Place};
use crate::git::History;
use crate::k3s::{BadStep, Version};
use crate::plan::base;
use crate::spec::Spec;
use serde::Deserialize;

const FILE: &str = "cluster.yaml";

/// As much of an earlier cluster.yaml as its version of K3s.
#[derive(Deserialize)]
struct Was {
    k3s: Option<WasK3s>,
}

#[derive(Deserialize)]
struct WasK3s {
    version: String,
}

/// Finds a step of K3s's version that Kubernetes does not survive; none while there are no machines.
pub(crate) fn check(history: &History, spec: &Spec, findings: &mut Findings) {
    let Some(cluster) = &spec.cluster else { return };
    let Some(word) = cluster.k3s.as_ref().map(|k3s| &k3s.version) else { return };
    let Some(pushed) = base(history, &cluster.git.branch) else { return };
    let (Ok(to), Some(from)) = (word.parse::<Version>(), version(history, &pushed)) else { return };
    let fault = match from.step(to) {
        Ok(()) => return,
        Err(BadStep::Back { .. }) => Fault::OlderK3s { from, to },
        Err(BadStep::Skips { first, .. }) => Fault::SkippedMinor { from, to, first: first.to_string() },
    };
    if history.files(&pushed, "nodes").map_or(true, |nodes| nodes.is_empty()) {
        return; // read only now: there may be many, and most steps are none
    }
    let path = FILE.parse().expect("it is a path in the repository");
    findings.add(Place::of(&path, word), fault);
}

/// Returns the version of K3s that a commit says; what it does not say well says nothing.
fn version(history: &History, commit: &str) -> Option<Version> {
    let was: Was = serde_saphyr::from_slice(&history.file(commit, FILE)?).ok()?;
    was.k3s?.version.parse().ok()
}
