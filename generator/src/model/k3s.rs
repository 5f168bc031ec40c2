//! K3s: its version, what it starts with, and its own settings, judged before any machine reads them.

use super::check::{self, Check};
use crate::finding::{Fault, Place, near};
use crate::k3s::keys::{self, Key, Kind};
use crate::k3s::{Authority, Material, Version, fingerprint};
use crate::spec::{self, At, Setting, old_yaml};
use knarr_node::name::{Digest, RepoPath};
use std::collections::BTreeMap;
use x509_parser::pem::Pem;

/// What runs Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct K3s {
    /// Its version, which the lock pins.
    pub version: Version,
    /// What people set of its keys.
    pub config: BTreeMap<Key, Setting>,
    /// Its authorities' certificates, in PEM.
    pub authorities: BTreeMap<Authority, String>,
}

impl K3s {
    /// Returns what pins its API: the digest of what `/cacerts` gives.
    pub fn ca(&self) -> Digest {
        fingerprint(self.authorities[&Authority::Server].as_bytes())
    }
}

impl Check<'_> {
    /// Proves `k3s`; none while the lock has no digest of it.
    pub(super) fn k3s(&mut self, path: &RepoPath, k3s: &spec::K3s) -> Option<K3s> {
        let config = k3s.config.iter().filter_map(|(key, value)| self.setting(path, key, value)).collect();
        let version: Version = self.word(path, &k3s.version)?;
        if self.spec.is_broken("knarr.lock") {
            return None;
        }
        if !self.spec.lock.of("k3s").any(|(pinned, _)| pinned == version.to_string()) {
            self.findings.add(Place::of(path, &k3s.version), Fault::NotPinned { version });
            return None;
        }
        self.every_arch(version);
        Some(K3s { version, config, authorities: self.authorities(path)? })
    }

    /// Warns of machines for whose architecture the lock has no file.
    fn every_arch(&mut self, version: Version) {
        let text = version.to_string();
        let pinned = self.spec.lock.of("k3s").find(|(pinned, _)| *pinned == text).map(|(_, pinned)| pinned);
        let Some(pinned) = pinned.filter(|pinned| pinned.sha256.is_none()) else { return };
        for (name, node) in self.spec.there() {
            let arch = node.arch.unwrap_or_default();
            if pinned.file(arch).is_none() {
                let place = Place::file(&check::path(&format!("nodes/{name}.yaml")));
                self.findings.add(place, Fault::NotForArch { version, arch });
            }
        }
    }

    /// Returns the certificates, when nothing that K3s starts with is missing.
    fn authorities(&mut self, path: &RepoPath) -> Option<BTreeMap<Authority, String>> {
        let certificates = Authority::ALL.into_iter().map(|ca| ca.certificate().to_string());
        let secrets = Material::names().map(|name| format!("secrets/{name}.age"));
        let all: Vec<String> = certificates.chain(secrets).collect();
        let missing: Vec<&String> = all.iter().filter(|file| self.inputs.get(file).is_none()).collect();
        if missing.len() == all.len() {
            self.findings.add(Place::file(path), Fault::NoMaterial {});
            return None;
        }
        for file in &missing {
            self.findings.add(Place::file(path), Fault::LostMaterial { path: (*file).clone() });
        }
        Authority::ALL.into_iter().map(|authority| Some((authority, self.authority(authority)?))).collect()
    }

    fn authority(&mut self, authority: Authority) -> Option<String> {
        let path = authority.certificate();
        let text = self.inputs.text(path.as_str())?;
        if let Err(why) = judge(text) {
            self.findings.add(Place::file(&path), Fault::BadAuthority { why });
        }
        Some(text.to_owned())
    }

    /// Proves one setting: a key that K3s knows and Knarr leaves to people, with a value of its kind.
    fn setting(&mut self, path: &RepoPath, key: &At<String>, value: &At<Setting>) -> Option<(Key, Setting)> {
        let place = Place::of(path, key);
        let name = key.value.clone();
        if let Some(instead) = keys::owned(&name) {
            self.findings.add(place, Fault::OwnSetting { key: name, instead });
            return None;
        }
        let Some(known) = keys::find(&name) else {
            let hint = near(&name, keys::all().map(|key| key.name), "see https://docs.k3s.io/cli/server");
            self.findings.add(place, Fault::UnknownSetting { key: name, hint });
            return None;
        };
        let fits = self.fits(path, known, value);
        fits.then(|| (known, value.value.clone()))
    }

    fn fits(&mut self, path: &RepoPath, key: Key, value: &At<Setting>) -> bool {
        if let Some(reads) = self.raw(path, value).and_then(old_yaml) {
            let word = self.raw(path, value).unwrap_or_default().to_owned();
            self.findings.add(Place::of(path, value), Fault::OldYaml { word, reads });
            return false;
        }
        let takes = match (key.kind, &value.value) {
            (Kind::List, Setting::List(all)) => {
                let one = Key { kind: Kind::Text, ..key };
                return all.iter().filter(|value| !self.fits(path, one, value)).count() == 0;
            }
            (Kind::Flag, Setting::Flag(_)) => return true,
            (Kind::Text | Kind::List, Setting::Text(_) | Setting::Number(_) | Setting::Flag(_)) => {
                return true;
            }
            (Kind::Flag, _) => "true or false",
            (Kind::Text, Setting::List(_)) => "one value",
        };
        let fault = Fault::WrongSetting { key: key.name.to_owned(), takes };
        self.findings.add(Place::of(path, value), fault);
        false
    }

    /// Returns a value as it stands in the file.
    fn raw(&self, path: &RepoPath, value: &At<Setting>) -> Option<&str> {
        self.inputs.text(path.as_str())?.get(value.span.clone()?)
    }
}

/// Judges a certificate by what tokens pin: the file of one authority that signed itself.
fn judge(text: &str) -> Result<(), &'static str> {
    let all: Vec<Pem> =
        Pem::iter_from_buffer(text.as_bytes()).collect::<Result<_, _>>().map_err(|_| "it is no PEM")?;
    let [pem] = &all[..] else { return Err("it holds not exactly one certificate") };
    let certificate = pem.parse_x509().map_err(|_| "it is no certificate")?;
    if !certificate.is_ca() || certificate.subject() != certificate.issuer() {
        return Err("it is no authority that signed itself");
    }
    Ok(())
}
