//! What a machine has: files, links, units, kernel parameters, each proven to be possible.

use super::check::{self, Check};
use crate::finding::{Fault, Place, near};
use crate::lower::own;
use crate::spec::{self, At};
use knarr_node::Body;
use knarr_node::item::{File, Link, Unit};
use knarr_node::name::{AbsPath, BadName, Mode, RepoPath, SysctlKey, UnitName};
use std::collections::BTreeMap;

/// What a machine has besides its roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Kernel parameters.
    pub sysctl: BTreeMap<SysctlKey, String>,
    /// Files.
    pub files: BTreeMap<AbsPath, File>,
    /// Links.
    pub links: BTreeMap<AbsPath, Link>,
    /// Units.
    pub units: BTreeMap<UnitName, Unit>,
}

impl Host {
    /// Adds what `own` says; for one and the same thing `own` wins.
    fn with(mut self, own: Self) -> Self {
        self.sysctl.extend(own.sysctl);
        self.files.extend(own.files);
        self.links.extend(own.links);
        self.units.extend(own.units);
        self
    }
}

impl Check<'_> {
    /// Proves the host of the whole cluster, which every machine's extends.
    pub(super) fn cluster_host(&mut self) -> Host {
        let Some(cluster) = &self.spec.cluster else { return Host::default() };
        self.host(&check::path("cluster.yaml"), &cluster.host, Host::default())
    }

    /// Proves one host block on top of `base`.
    pub(super) fn host(&mut self, path: &RepoPath, spec: &spec::Host, base: Host) -> Host {
        let own = Host {
            sysctl: spec.sysctl.iter().filter_map(|(key, value)| self.sysctl(path, key, value)).collect(),
            files: spec.files.iter().filter_map(|(at, source)| self.host_file(path, at, source)).collect(),
            links: spec.links.iter().filter_map(|(at, to)| self.link(path, at, to)).collect(),
            units: spec.units.iter().filter_map(|(name, source)| self.unit(path, name, source)).collect(),
        };
        let host = base.with(own);
        for at in spec.files.keys() {
            self.clash(path, at, &host, true);
        }
        for at in spec.links.keys().filter(|at| !spec.files.contains_key(*at)) {
            self.clash(path, at, &host, false);
        }
        self.reads(path, spec, &host);
        host
    }

    fn sysctl(
        &mut self,
        path: &RepoPath,
        key: &At<String>,
        value: &At<String>,
    ) -> Option<(SysctlKey, String)> {
        if value.trim().is_empty() || value.chars().any(char::is_control) {
            self.bad(path, value, "a sysctl value", "one line of words");
        }
        if key.value == "net.ipv4.ip_forward" && value.trim() != "1" {
            self.findings.add(Place::of(path, value), Fault::NoForwarding {});
        }
        Some((self.word(path, key)?, value.trim().to_owned()))
    }

    fn host_file(
        &mut self,
        path: &RepoPath,
        at: &At<String>,
        source: &spec::FileSource,
    ) -> Option<(AbsPath, File)> {
        let place = self.free(path, at);
        let body = match (&source.from, &source.text, &source.secret) {
            (Some(from), None, None) => self.from(path, from).map(Body::Text),
            (None, Some(text), None) => Some(Body::Text(text.value.clone())),
            (None, None, Some(secret)) => self.secret(path, secret).map(Body::Secret),
            _ => {
                self.findings.add(Place::of(path, at), Fault::OneSource {});
                None
            }
        };
        let usual = if source.secret.is_some() { Mode::SECRET } else { Mode::PLAIN };
        let mode = source.mode.as_ref().map_or(Some(usual), |word| self.mode(path, word));
        let (place, body, mode) = (place?, body?, mode?);
        Some((place.clone(), File { check: own::check(&place), path: place, mode, body }))
    }

    fn link(&mut self, path: &RepoPath, at: &At<String>, to: &At<String>) -> Option<(AbsPath, Link)> {
        let (place, to) = (self.free(path, at), self.word(path, to));
        let place = place?;
        Some((place.clone(), Link { path: place, to: to? }))
    }

    fn unit(
        &mut self,
        path: &RepoPath,
        at: &At<String>,
        source: &spec::UnitSource,
    ) -> Option<(UnitName, Unit)> {
        let name: Option<UnitName> = self.word(path, at);
        if let Some(name) = name.as_ref().filter(|name| own::unit(name)) {
            let own = format!("/etc/systemd/system/{name}").parse().expect("a unit's name has no slash");
            self.findings.add(Place::of(path, at), Fault::OwnPath { path: own });
        }
        let text = match (&source.from, &source.text) {
            (Some(from), None) => Some(self.from(path, from)?),
            (None, text) => text.as_ref().map(|text| text.value.clone()),
            (Some(_), Some(_)) => {
                self.findings.add(Place::of(path, at), Fault::UnitTwice {});
                return None;
            }
        };
        let reads = source.reads.iter().filter_map(|word| self.word(path, word)).collect();
        let name = name?;
        Some((name.clone(), Unit::new(name, text, reads)))
    }

    /// Returns a place on the machine that is not Knarr's own.
    fn free(&mut self, path: &RepoPath, at: &At<String>) -> Option<AbsPath> {
        let place: AbsPath = self.word(path, at)?;
        if own::path(&place) {
            self.findings.add(Place::of(path, at), Fault::OwnPath { path: place });
            return None;
        }
        Some(place)
    }

    fn mode(&mut self, path: &RepoPath, word: &At<String>) -> Option<Mode> {
        let mode = Mode::try_from(word.value.clone());
        mode.map_err(|bad| self.findings.add(Place::of(path, word), Fault::BadWord { bad })).ok()
    }

    /// Returns the text of a file below host/.
    fn from(&mut self, path: &RepoPath, word: &At<String>) -> Option<String> {
        let place = Place::of(path, word);
        let name = word.value.clone();
        let parsed: Result<RepoPath, BadName> = name.parse();
        if parsed.is_err() || !name.starts_with("host/") {
            self.findings.add(place, Fault::OutsideHost { path: name });
            return None;
        }
        if self.inputs.large.iter().any(|(large, _)| large.as_str() == name) {
            return None; // it has a finding of its own
        }
        let Some(bytes) = self.inputs.get(&name) else {
            let known =
                self.inputs.files.keys().map(RepoPath::as_str).filter(|path| path.starts_with("host/"));
            let hint = near(&name, known, "write that file");
            self.findings.add(place, Fault::NoSuchFile { path: name, hint });
            return None;
        };
        let text = String::from_utf8(bytes.to_owned());
        let source: RepoPath = parsed.expect("it was parsed above");
        if let Some(place) = text.as_ref().ok().and_then(|text| spec::conflict(&source, text)) {
            self.findings.add(place, Fault::Conflicted {});
            return None;
        }
        text.map_err(|_| self.findings.add(place, Fault::NotText { path: name })).ok()
    }

    /// Reports a path that is two things at once on one machine.
    fn clash(&mut self, path: &RepoPath, at: &At<String>, host: &Host, file: bool) {
        let Ok(place) = at.parse::<AbsPath>() else { return };
        let unit = place
            .as_str()
            .strip_prefix("/etc/systemd/system/")
            .and_then(|name| name.parse::<UnitName>().ok());
        let other = match unit.filter(|name| host.units.get(name).is_some_and(|unit| unit.text.is_some())) {
            Some(name) => Some(format!("the unit {name}")),
            None if file => host.links.get(&place).map(|link| format!("a link to {}", link.to)),
            None => host.files.get(&place).map(|_| "a file".to_owned()),
        };
        if let Some(other) = other {
            self.findings.add(Place::of(path, at), Fault::TwoThings { path: place.clone(), other });
        }
        if let Some(above) = above(&place, host) {
            self.findings.add(Place::of(path, at), Fault::BelowFile { path: place, above });
        }
    }

    /// Warns of a unit that waits for a change of something that nobody here makes.
    fn reads(&mut self, path: &RepoPath, spec: &spec::Host, host: &Host) {
        for word in spec.units.values().flat_map(|unit| &unit.reads) {
            let Ok(place) = word.parse::<AbsPath>() else { continue };
            let said = spec.files.contains_key(word) || spec.links.contains_key(word);
            let made = said || host.files.contains_key(&place) || host.links.contains_key(&place);
            if !made && !own::path(&place) {
                self.findings.add(Place::of(path, word), Fault::NobodyMakes { path: place });
            }
        }
    }
}

/// Returns the file or link that a path would have to be a folder for.
fn above(place: &AbsPath, host: &Host) -> Option<AbsPath> {
    let parent = place.parent().parse::<AbsPath>().ok();
    let mut parents = std::iter::successors(parent, |path| path.parent().parse().ok());
    parents.find(|path| host.files.contains_key(path) || host.links.contains_key(path))
}
