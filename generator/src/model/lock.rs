//! What the lock pins, proven: programs and manifests that machines download, each known by its digest.

use super::Model;
use super::check::{self, Check};
use crate::binary;
use crate::finding::{Fault, Place};
use crate::format::{self, FORMAT_LINE};
use crate::mirror;
use crate::spec::{self, Arch, At};
use knarr_node::item::{Artifact, Source};
use knarr_node::name::{ArtifactName, Hex, RepoPath};
use std::collections::BTreeMap;

/// Downloads by program and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock(BTreeMap<(ArtifactName, String), Pin>);

/// What is downloaded of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// One file for all architectures, e.g. a manifest.
    Everywhere(Artifact),
    /// A file for each architecture, where there is one.
    ByArch {
        /// For x86-64.
        amd64: Option<Artifact>,
        /// For 64-bit ARM.
        arm64: Option<Artifact>,
    },
}

impl Lock {
    /// Returns the pin of a version.
    pub fn pin(&self, program: &str, version: &str) -> Option<&Pin> {
        let found = |(name, there): &&(ArtifactName, String)| name.as_str() == program && there == version;
        self.0.get(self.0.keys().find(found)?)
    }

    /// Returns the one version of a program that is pinned; of several the last.
    pub fn version(&self, program: &str) -> Option<&str> {
        self.0.keys().rev().find(|(name, _)| name.as_str() == program).map(|(_, version)| version.as_str())
    }
}

impl Pin {
    /// Returns the file for an architecture.
    pub fn file(&self, arch: Arch) -> Option<&Artifact> {
        match (self, arch) {
            (Self::Everywhere(artifact), _) => Some(artifact),
            (Self::ByArch { amd64, .. }, Arch::Amd64) => amd64.as_ref(),
            (Self::ByArch { arm64, .. }, Arch::Arm64) => arm64.as_ref(),
        }
    }
}

impl Model {
    /// Returns what machines of an architecture download for a version: from the mirrors, then from the lock's places.
    pub fn artifact(&self, program: &str, version: &str, arch: Arch) -> Option<Artifact> {
        let pinned = self.lock.pin(program, version)?.file(arch)?;
        Some(Artifact { from: mirror::places(&self.cluster.mirrors, &pinned.from), ..pinned.clone() })
    }
}

impl Check<'_> {
    pub(super) fn lock(&mut self) -> Lock {
        let path = check::path("knarr.lock");
        let lines = &self.spec.lock.0;
        Lock(lines.iter().filter_map(|(name, pinned)| self.line(&path, name, pinned)).collect())
    }

    fn line(
        &mut self,
        path: &RepoPath,
        word: &At<String>,
        pinned: &spec::Pinned,
    ) -> Option<((ArtifactName, String), Pin)> {
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        let Some((name, version)) = word.split_once(' ').filter(|(_, version)| plain(version)) else {
            self.bad(path, word, "a program with its version", "a name, a space and a version");
            return None;
        };
        let name: ArtifactName = self.word(path, &At { value: name.to_owned(), span: word.span.clone() })?;
        match name.as_str() {
            "knarrd" => self.old_knarr(path, word, version),
            FORMAT_LINE if format::written(Some(version)).is_none() => self.bad(
                path,
                word,
                "a format that this knarr writes",
                "take the line out and type `knarr upgrade knarr`, or install a newer knarr",
            ),
            _ => {}
        }
        let pin = self.pin(path, word, &name, pinned)?;
        Some(((name, version.to_owned()), pin))
    }

    /// Refuses a repository whose machines run a newer knarrd than this program knows.
    fn old_knarr(&mut self, path: &RepoPath, word: &At<String>, version: &str) {
        let own = binary::Version::own();
        if let Some(needs) = version.parse().ok().filter(|needs| *needs > own) {
            self.findings.add(Place::of(path, word), Fault::OldKnarr { needs, own });
        }
    }

    fn pin(
        &mut self,
        path: &RepoPath,
        word: &At<String>,
        name: &ArtifactName,
        pinned: &spec::Pinned,
    ) -> Option<Pin> {
        let by_arch = pinned.amd64.is_some() || pinned.arm64.is_some();
        if by_arch && (pinned.sha256.is_some() || !pinned.from.is_empty()) {
            self.findings.add(Place::of(path, word), Fault::TwoPins {});
            return None;
        }
        if let Some(sha256) = &pinned.sha256 {
            return self.file(path, name, sha256, &pinned.from).map(Pin::Everywhere);
        }
        let mut file = |download: &Option<spec::Download>| {
            download.as_ref().and_then(|it| self.file(path, name, &it.sha256, &it.from))
        };
        Some(Pin::ByArch { amd64: file(&pinned.amd64), arm64: file(&pinned.arm64) })
    }

    fn file(
        &mut self,
        path: &RepoPath,
        name: &ArtifactName,
        sha256: &At<String>,
        from: &[At<String>],
    ) -> Option<Artifact> {
        let digest = self.word::<Hex>(path, sha256);
        let from: Vec<Source> = from.iter().filter_map(|word| self.word(path, word)).collect();
        Some(Artifact { name: name.clone(), sha256: digest?, from })
    }

    /// Returns the mirrors, in the order to try.
    pub(super) fn mirrors(&mut self, path: &RepoPath, words: &[At<String>]) -> Vec<Source> {
        let is_mirror = |source: &Source| matches!(source, Source::Url(_) | Source::Path(_));
        let mut mirrors = Vec::new();
        for word in words {
            match word.trim_end_matches('/').parse::<Source>().ok().filter(is_mirror) {
                Some(mirror) => mirrors.push(mirror),
                None => self.bad(path, word, "a mirror", "an http or https address, or an absolute folder"),
            }
        }
        mirrors
    }
}
