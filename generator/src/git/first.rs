//! In which commit each of some texts came first, under whatever name: how old a sealed value is.

use super::history::cannot;
use super::{GitError, History};
use git2::{ObjectType, Oid, Sort};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The shortest text that is looked for.
const LEAST: usize = 256;

/// The commit that had a text first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Its full id.
    pub commit: String,
    /// When it was made.
    pub at: Timestamp,
}

impl History {
    /// Returns the first commit with each of some texts of base64, in files below some folders. A folder that was looked through
    /// is not read again, so that a long history costs what changed in it.
    pub fn firsts(
        &self,
        folders: &[&str],
        texts: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, First>, GitError> {
        self.search(folders, texts).map_err(cannot("the commits of this branch"))
    }

    fn search(
        &self,
        folders: &[&str],
        texts: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, First>, git2::Error> {
        let mut search = Search { repo: &self.0, texts, seen: BTreeSet::new(), found: BTreeMap::new() };
        let mut walk = self.0.revwalk()?;
        if walk.push_head().is_err() {
            return Ok(search.found); // nothing was committed yet
        }
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        for id in walk {
            let commit = self.0.find_commit(id?)?;
            let tree = commit.tree()?;
            let at = Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
            let first = First { commit: commit.id().to_string(), at };
            for entry in folders.iter().filter_map(|folder| tree.get_name(folder)) {
                search.entry(&entry, &first)?;
            }
        }
        Ok(search.found)
    }
}

struct Search<'a> {
    repo: &'a git2::Repository,
    texts: &'a BTreeSet<&'a str>,
    /// Folders and files that were looked at.
    seen: BTreeSet<Oid>,
    found: BTreeMap<String, First>,
}

impl Search<'_> {
    fn entry(&mut self, entry: &git2::TreeEntry<'_>, first: &First) -> Result<(), git2::Error> {
        if !self.seen.insert(entry.id()) {
            return Ok(());
        }
        match entry.kind() {
            Some(ObjectType::Tree) => {
                for below in &self.repo.find_tree(entry.id())? {
                    self.entry(&below, first)?;
                }
            }
            Some(ObjectType::Blob) => self.file(self.repo.find_blob(entry.id())?.content(), first),
            _ => {}
        }
        Ok(())
    }

    fn file(&mut self, bytes: &[u8], first: &First) {
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let words = bytes.split(|byte| !is_base64(byte)).filter(|word| word.len() >= LEAST);
        for word in words.filter_map(|word| std::str::from_utf8(word).ok()) {
            if self.texts.contains(word) {
                self.found.entry(word.to_owned()).or_insert_with(|| first.clone());
            }
        }
    }
}
