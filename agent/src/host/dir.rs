//! Folders: made when missing, and left for good, as those above files are. What lies in them is not touched.

use super::os::{Kind, Os};
use super::path::make_folders;
use super::{Fault, Host};
use knarr_node::item::Dir;
use knarr_node::name::AbsPath;
use knarr_node::{Item, Seen};

impl<O: Os> Host<O> {
    pub(super) fn see_dir(&self, path: &AbsPath, like: Option<&Item>) -> Result<Seen, Fault> {
        let there = self.keep_dir(path)?;
        Ok(there.and(like).map_or(Seen::Absent, |like| Seen::Is(like.clone())))
    }

    /// No byte is kept: a folder is never replaced.
    pub(super) fn keep_dir(&self, path: &AbsPath) -> Result<Option<Item>, Fault> {
        match self.os.stat(path.as_str())?.map(|place| place.kind) {
            None => Ok(None),
            Some(Kind::Folder) => Ok(Some(Item::Dir(Dir { path: path.clone(), only: [].into() }))),
            Some(Kind::File | Kind::Link(_) | Kind::Other) => Err(Fault::NoFolder(path.to_string())),
        }
    }

    pub(super) fn put_dir(&mut self, dir: &Dir) -> Result<(), Fault> {
        match self.keep_dir(&dir.path)? {
            Some(_) => Ok(()),
            None => make_folders(&mut self.os, dir.path.as_str()),
        }
    }
}
