//! Artifacts: fetched into the store beside their place, judged by their digest, then put there by one rename.

use super::os::{Meta, Os};
use super::path::{remove_if_there, swap_in};
use super::{Fault, Host};
use knarr_node::item::{Artifact, Source};
use knarr_node::name::{ArtifactName, Hex, KeptName};
use knarr_node::{Item, Seen};

impl<O: Os> Host<O> {
    /// An artifact whose bytes were changed by somebody is there, but is not the wanted one.
    pub(super) fn see_artifact(
        &self,
        name: &ArtifactName,
        sha256: &Hex,
        like: Option<&Artifact>,
    ) -> Result<Seen, Fault> {
        let place = self.stored(sha256);
        if self.os.stat(&place)?.is_none() {
            return Ok(Seen::Absent);
        }
        let there = Artifact { name: name.clone(), sha256: sha256.clone(), from: Vec::new() };
        let whole = self.is_whole(&place, sha256)?;
        Ok(Seen::Is(Item::Artifact(like.filter(|_| whole).cloned().unwrap_or(there))))
    }

    /// Keeps the bytes by a second name for them, which takes no room.
    pub(super) fn keep_artifact(
        &mut self,
        name: &ArtifactName,
        sha256: &Hex,
        kept: &KeptName,
    ) -> Result<Option<Item>, Fault> {
        let place = self.stored(sha256);
        if self.os.stat(&place)?.is_none() {
            return Ok(None);
        }
        self.make_private(&self.kept_folder())?;
        let second = self.kept_path(kept);
        self.os.remove(&second)?;
        self.os.link_hard(&place, &second)?;
        self.os.sync(&self.kept_folder())?;
        let from = vec![Source::Kept(kept.clone())];
        Ok(Some(Item::Artifact(Artifact { name: name.clone(), sha256: sha256.clone(), from })))
    }

    /// Fetches it from the first place that has it. What a broken download left is gone on with. Of all that went wrong,
    /// people are told of other bytes first: a place that is away is no news.
    pub(super) fn put_artifact(&mut self, artifact: &Artifact) -> Result<(), Fault> {
        self.make_store()?;
        let mut told = Fault::Nowhere(artifact.name.clone());
        for source in &artifact.from {
            match self.fetch_whole(source, &artifact.sha256) {
                Ok(part) => return self.store_part(&part, &artifact.sha256),
                Err(_) if matches!(told, Fault::OtherBytes { .. }) => {}
                Err(fault) => told = fault,
            }
        }
        Err(told)
    }

    pub(super) fn take_artifact_away(&mut self, sha256: &Hex) -> Result<(), Fault> {
        let place = self.stored(sha256);
        for path in [part(&place), stamp(&place), place] {
            remove_if_there(&mut self.os, &path)?;
        }
        Ok(())
    }

    fn make_store(&mut self) -> Result<(), Fault> {
        let folder = self.store();
        if self.os.stat(&folder)?.is_none() {
            self.os.make_folder(&folder, 0o755)?;
            self.os.sync(self.settings.state.as_str())?;
        }
        Ok(())
    }

    /// Returns the place of a whole copy beside the store's own; one with other bytes is thrown away.
    fn fetch_whole(&mut self, source: &Source, sha256: &Hex) -> Result<String, Fault> {
        let part = part(&self.stored(sha256));
        match source {
            Source::Kept(name) => {
                remove_if_there(&mut self.os, &part)?;
                let kept = self.kept_path(name);
                self.os.link_hard(&kept, &part)?;
            }
            Source::Url(_) | Source::Path(_) => self.os.fetch(source, &part)?,
        }
        let found = self.os.digest(&part)?;
        if found == *sha256 {
            return Ok(part);
        }
        self.os.remove(&part)?;
        Err(Fault::OtherBytes {
            place: source.to_string(),
            found: found.to_string(),
            wanted: sha256.to_string(),
        })
    }

    fn store_part(&mut self, part: &str, sha256: &Hex) -> Result<(), Fault> {
        let place = self.stored(sha256);
        self.os.sync(part)?;
        self.os.rename(part, &place)?;
        self.os.sync(&self.store())?;
        let seen = self.os.stamp(&place)?;
        swap_in(&mut self.os, &stamp(&place), seen.as_bytes(), Meta::root(0o644))
    }

    /// Whether the bytes are right: they were when they came, and nobody wrote to the file since; else they are read.
    fn is_whole(&self, place: &str, sha256: &Hex) -> Result<bool, Fault> {
        let stamp = stamp(place);
        if self.os.stat(&stamp)?.is_some() && self.os.read(&stamp)? == self.os.stamp(place)?.into_bytes() {
            return Ok(true);
        }
        Ok(self.os.digest(place)? == *sha256)
    }

    fn store(&self) -> String {
        format!("{}/store", self.settings.state)
    }

    fn stored(&self, sha256: &Hex) -> String {
        format!("{}/{sha256}", self.store())
    }
}

fn part(place: &str) -> String {
    format!("{place}.part")
}

fn stamp(place: &str) -> String {
    format!("{place}.seen")
}
