//! Several sealed files for one Secret, as far as the files say it themselves: which namespace an app gives, only a model knows.

use super::held::sealed;
use super::said::said;
use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place};
use crate::spec::Manifests;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A sealed Secret: its namespace, or the app's folder where it names none, its name, and where it stands.
pub(crate) struct Named {
    key: (String, String),
    place: Place,
}

impl Named {
    /// Returns the sealed Secrets that a cluster gets from some files.
    pub(crate) fn all(manifests: &Manifests) -> Vec<Self> {
        let mut named = Vec::new();
        for (path, document) in manifests.documents() {
            let mut folders = path.as_str().split('/');
            let Some(folder) = folders.next().filter(|top| *top != "host").and_then(|_| folders.next())
            else {
                continue;
            };
            named.extend(sealed(document).map(|object| {
                let [kind, namespace, name] =
                    [&["kind"][..], &["metadata", "namespace"], &["metadata", "name"]]
                        .map(|keys| said(object, keys));
                let whose = if namespace.is_empty() { format!("{folder}/") } else { namespace.value };
                Self { key: (whose, name.value), place: Place::of(path, &kind) }
            }));
        }
        named
    }
}

fn title((namespace, name): &(String, String)) -> String {
    if namespace.ends_with('/') { name.clone() } else { format!("{namespace}/{name}") }
}

/// Reports those of some sealed Secrets that are sealed elsewhere too: among `others`, or among themselves.
pub(crate) fn check(named: Vec<Named>, others: Vec<Named>, inputs: &Inputs, findings: &mut Findings) {
    let mut seen: BTreeMap<_, _> = others.into_iter().map(|other| (other.key, other.place)).collect();
    for named in named {
        match seen.entry(named.key) {
            Entry::Occupied(there) => {
                let (secret, other) = (title(there.key()), there.get().shown(inputs));
                findings.add(named.place, Fault::TwoSealed { secret, other });
            }
            Entry::Vacant(free) => drop(free.insert(named.place)),
        }
    }
}
