//! Whether each object fits its kind, by the fields of Kubernetes and of the definitions that the repository has.

use super::check::{self, Check};
use super::manifest::Written;
use crate::finding::{Fault, Place, did_you_mean, near};
use crate::k3s::Version;
use crate::kubernetes::{
    Kind, Kinds, MINOR, Mistake, Removed, Shape, What, bad_name, definitions, listed, mistakes,
};
use crate::spec::{At, Tree, old_octal, old_yaml};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

impl Check<'_> {
    /// Judges all objects by their kinds.
    pub(super) fn kinds(&mut self, all: &[Written<'_>]) {
        if all.is_empty() {
            return;
        }
        let newer = self.other_minor();
        let defined = all.iter().flat_map(|written| definitions(&written.object.0));
        let kinds = Kinds::with(defined.collect::<BTreeMap<String, Shape>>());
        let whole = !self.findings.refuse();
        let mut unchecked = BTreeSet::new();
        for written in all {
            let odd = self.old_words(written);
            let fault = self.kind(&kinds, written, newer, &odd);
            match &fault {
                // Once for each kind, and only when all can be read: what cannot may define it.
                Some(Fault::Unchecked { api, kind })
                    if !whole || !unchecked.insert((api.clone(), kind.clone())) => {}
                Some(fault) => self.findings.add(written.place.clone(), fault.clone()),
                None => {}
            }
        }
    }

    /// Warns of a cluster with another minor version than the fields here; returns whether its own is newer.
    fn other_minor(&mut self) -> bool {
        let k3s = self.spec.cluster.as_ref().and_then(|cluster| cluster.k3s.as_ref());
        let Some((word, Ok(version))) = k3s.map(|k3s| (&k3s.version, k3s.version.parse::<Version>())) else {
            return false;
        };
        if version.minor.minor != MINOR {
            let place = Place::of(&check::path("cluster.yaml"), word);
            self.findings.add(place, Fault::OtherMinor { cluster: version.minor, known: MINOR });
        }
        version.minor.minor > MINOR
    }

    /// Judges one object; returns what is wrong with its kind itself.
    fn kind(
        &mut self,
        kinds: &Kinds,
        written: &Written<'_>,
        newer: bool,
        odd: &BTreeSet<usize>,
    ) -> Option<Fault> {
        let word = |key: &str| written.tree.get(key).and_then(|at| at.text()).unwrap_or_default().to_owned();
        let (api, kind) = (word("apiVersion"), word("kind"));
        match kinds.find(&api, &kind) {
            Kind::Fields(shape) => {
                let mut mistakes = mistakes(kinds, shape, written.tree);
                mistakes.extend(bad_name(&api, &kind, written.tree));
                mistakes
                    .retain(|mistake| mistake.span.as_ref().is_none_or(|span| !odd.contains(&span.start)));
                for mistake in mistakes {
                    self.mistake(written, &kind, mistake, newer);
                }
                None
            }
            Kind::There => None,
            Kind::Removed(Removed { minor, now }) => Some(Fault::RemovedApi {
                api: api.into(),
                kind: kind.into(),
                minor,
                hint: instead(now).into(),
            }),
            Kind::Wrong(hint) if !newer => {
                Some(Fault::WrongKind { api: api.into(), kind: kind.into(), hint: hint.into() })
            }
            Kind::Wrong(_) | Kind::Unknown => Some(Fault::Unchecked { api: api.into(), kind: kind.into() }),
        }
    }

    /// Reports words that kubectl reads otherwise; returns where they begin.
    fn old_words(&mut self, written: &Written<'_>) -> BTreeSet<usize> {
        let Some(text) = self.inputs.text(written.place.path.as_str()) else { return BTreeSet::new() };
        let mut found = Vec::new();
        old_words(text, written.tree, &mut found);
        let mut begins = BTreeSet::new();
        for (span, fault) in found {
            if matches!(fault, Fault::OldWord { .. }) {
                begins.insert(span.start);
            }
            let place = Place { path: written.place.path.clone(), span: Some((span.start, span.end)) };
            self.findings.add(place, fault);
        }
        begins
    }

    fn mistake(&mut self, written: &Written<'_>, kind: &str, mistake: Mistake, newer: bool) {
        let Mistake { pointer, span, what } = mistake;
        let field = pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let (kind, place) = (
            kind.to_owned(),
            Place {
                path: written.place.path.clone(),
                span: span.map(|span| (span.start, span.end)).or(written.place.span),
            },
        );
        let fault = match what {
            // A newer Kubernetes may have a field that is not known here, but hardly one that is spelled almost alike.
            What::NoField(known)
                if newer && did_you_mean(&field, known.iter().map(String::as_str)).is_none() =>
            {
                return;
            }
            What::NoField(known) => {
                let hint = near(&field, known.iter().map(String::as_str), &explain(&kind, &pointer));
                Fault::NoField { kind: kind.into(), pointer: pointer.into(), hint: hint.into() }
            }
            What::Missing(takes) => {
                Fault::MissingField { kind: kind.into(), pointer: pointer.into(), takes: takes.into() }
            }
            What::NoneOf(found, all) => {
                let meant = did_you_mean(&found, all.iter().map(String::as_str));
                if newer && meant.is_none() {
                    return; // nor has it all words of a newer one
                }
                let hint = meant.unwrap_or_else(|| explain(&kind, &format!("{pointer}/")));
                let all = listed(&all);
                Fault::NoneOf {
                    pointer: pointer.into(),
                    found: found.into(),
                    all: all.into(),
                    hint: hint.into(),
                }
            }
            What::Bad(bad) => Fault::BadWord { bad },
            What::Other { found, takes, hint } => Fault::OtherValue {
                pointer: pointer.into(),
                found: found.into(),
                takes: takes.into(),
                hint: hint.into(),
            },
        };
        self.findings.add(place, fault);
    }
}

/// Collects words of a tree that have no quotes and are something else to kubectl.
fn old_words(text: &str, tree: &At<Tree>, found: &mut Vec<(Range<usize>, Fault)>) {
    let mut word = |span: &Option<Range<usize>>, ours: &Tree| {
        let raw = span.clone().and_then(|span| Some((span.clone(), text.get(span)?)));
        found.extend(raw.and_then(|(span, raw)| Some((span, old_word(raw, ours)?))));
    };
    match &tree.value {
        Tree::Text(_) | Tree::Number(_) => word(&tree.span, &tree.value),
        Tree::Map(entries) => {
            for (key, _) in entries {
                word(&key.span, &Tree::Text(key.value.clone()));
            }
        }
        Tree::Null | Tree::Flag(_) | Tree::List(_) => {}
    }
    for value in tree.entries().iter().map(|(_, value)| value).chain(tree.elements()) {
        old_words(text, value, found);
    }
}

/// Judges one word as it stands in the file. A key that is a number becomes a text again for all readers.
fn old_word(raw: &str, ours: &Tree) -> Option<Fault> {
    let reads = old_yaml(raw)?;
    let word = raw.into();
    match ours {
        Tree::Text(text) if *text == raw => Some(Fault::OldWord { word, reads: reads.into() }),
        Tree::Number(_) if old_octal(raw) => Some(Fault::OldOctal { word, reads: reads.into() }),
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

/// Returns the line that lists the fields beside a pointer.
fn explain(kind: &str, pointer: &str) -> String {
    let above = pointer.rsplit_once('/').map_or("", |(above, _)| above);
    let names = above.split('/').filter(|name| !name.is_empty() && name.parse::<usize>().is_err());
    let kind = kind.to_lowercase();
    let path: Vec<&str> = std::iter::once(kind.as_str()).chain(names).collect();
    format!("kubectl explain {} lists what is there", path.join("."))
}

/// Says what to write for a kind that is gone.
fn instead(now: Option<&str>) -> String {
    match now {
        Some(now) => format!(
            "write `apiVersion: {now}`; what else changed: https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
        ),
        None => "take it out: labels of the namespace took its place (Pod Security Admission)".to_owned(),
    }
}
