//! `knarr.lock`: versions, each pinned to digests by `knarr new` and `knarr upgrade`.

use super::{Arch, At};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Programs, each as name and version, e.g. `k3s v1.36.2+k3s1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(example = serde_json::json!({"k3s v1.36.2+k3s1": {}}))]
pub struct Lock(pub BTreeMap<At<String>, Pinned>);

impl Lock {
    /// Returns all versions of a program, with where each stands.
    pub fn of<'a>(&'a self, program: &'a str) -> impl Iterator<Item = (&'a str, &'a Pinned)> {
        let version = |(name, pinned): (&'a At<String>, &'a Pinned)| Some((split(name, program)?, pinned));
        self.0.iter().filter_map(version)
    }

    /// Pins a version of a program, in the place of every other version of it.
    pub fn pin(&mut self, program: &str, version: &str, pinned: Pinned) {
        self.0.retain(|name, _| split(name, program).is_none());
        self.0.insert(format!("{program} {version}").into(), pinned);
    }
}

fn split<'a>(name: &'a str, program: &str) -> Option<&'a str> {
    name.strip_prefix(program)?.strip_prefix(' ')
}

/// What is downloaded of one version: a file for each architecture, or one for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({"amd64": {"sha256": "6f0c…", "from": ["https://mirror.example/k3s"]}}))]
pub struct Pinned {
    /// For x86-64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amd64: Option<Download>,
    /// For 64-bit ARM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm64: Option<Download>,
    /// The SHA-256 digest of the one file for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"c9d2…")]
    pub sha256: Option<At<String>>,
    /// Where the one file for all is found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://mirror.example/core-install.yaml"])]
    pub from: Vec<At<String>>,
}

impl Pinned {
    /// Makes the pin of one file for all architectures.
    pub fn everywhere(sha256: &str, from: &str) -> Self {
        Self { sha256: Some(sha256.into()), from: vec![from.into()], ..Self::default() }
    }

    /// Returns the file that only this architecture downloads.
    pub fn file(&self, arch: Arch) -> Option<&Download> {
        match arch {
            Arch::Amd64 => self.amd64.as_ref(),
            Arch::Arm64 => self.arm64.as_ref(),
        }
    }

    /// Returns the place of the file that only this architecture downloads.
    pub fn file_mut(&mut self, arch: Arch) -> &mut Option<Download> {
        match arch {
            Arch::Amd64 => &mut self.amd64,
            Arch::Arm64 => &mut self.arm64,
        }
    }

    /// Returns the architectures that have a file, as people read it, e.g. `amd64 and arm64`.
    pub fn archs(&self) -> String {
        let there = [Arch::Amd64, Arch::Arm64].into_iter().filter(|arch| self.file(*arch).is_some());
        there.map(|arch| arch.to_string()).collect::<Vec<_>>().join(" and ")
    }
}

/// One file to download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Its SHA-256 digest.
    #[schemars(example = &"6f0c…")]
    pub sha256: At<String>,
    /// Where it is found.
    #[serde(default)]
    #[schemars(example = ["https://mirror.example/k3s"])]
    pub from: Vec<At<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::spec_text;
    use crate::spec::parse;

    const FILE: &str = "\
# yaml-language-server: $schema=.knarr/schema/lock.json
argocd v3.2.11: {sha256: c9d2, from: [https://a.example/core-install.yaml]}
k3s v1.36.2+k3s1:
  amd64: {sha256: 6f0c, from: [https://k.example/v1.36.2%2Bk3s1/k3s]}
  arm64: {sha256: 11ab, from: [https://k.example/v1.36.2%2Bk3s1/k3s-arm64]}
knarrd 1.0.0: {amd64: {sha256: 9b1e, from: []}}
";

    fn read(text: &str) -> Lock {
        parse(&"knarr.lock".parse().unwrap(), text.as_bytes()).unwrap()
    }

    fn written(lock: &Lock) -> String {
        spec_text(&"knarr.lock".parse().unwrap(), "lock", lock).unwrap()
    }

    #[test]
    fn every_kind_of_entry_is_written_as_it_was_read() {
        assert_eq!(written(&read(FILE)), FILE);
    }

    #[test]
    fn a_version_takes_the_place_of_the_one_before_and_leaves_other_programs() {
        let mut lock = read(FILE);
        let download = Download { sha256: "22cd".into(), from: vec!["https://k.example/k3s".into()] };
        let pinned = Pinned { amd64: Some(download), ..Pinned::default() };
        lock.pin("k3s", "v1.36.3+k3s1", pinned.clone());
        assert_eq!(lock.of("k3s").collect::<Vec<_>>(), [("v1.36.3+k3s1", &pinned)]);
        assert_eq!(lock.of("k").count(), 0);
        let kept = |text: &str, program: &str| {
            let lines: Vec<String> =
                text.lines().filter(|line| line.starts_with(program)).map(str::to_owned).collect();
            lines
        };
        let text = written(&lock);
        for program in ["argocd", "knarrd"] {
            assert_eq!(kept(&text, program), kept(FILE, program));
        }
    }
}
