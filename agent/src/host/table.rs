//! Tables of nftables, loaded as a whole. What nft gives back is never what was loaded: the digest of its listing
//! right after loading lies under the run folder, and another one means that somebody changed the table.

use super::os::{Meta, Os};
use super::path::swap_in;
use super::{Fault, Host};
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::item::NftTable;
use knarr_node::name::{TableName, hex};
use knarr_node::{Item, Seen};
use serde::{Deserialize, Serialize};

/// What was loaded last, and what nft made of it, as digests; and the text itself, for nft does not read all that it
/// lists: `ct original proto-dst { 80, 443 }` comes back as `{ 0x50 [invalid type], … }` (seen with nft 1.0.6).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Loaded {
    wanted: String,
    listed: String,
    #[serde(default)]
    text: Option<String>,
}

impl<O: Os> Host<O> {
    pub(super) fn see_table(&self, like: &NftTable) -> Result<Seen, Fault> {
        let Some(listing) = self.os.table(&like.name)? else { return Ok(Seen::Absent) };
        let same = |it: Loaded| it.wanted == sha256(&like.text) && it.listed == sha256(&listing);
        if self.loaded(&like.name)?.is_some_and(same) {
            return Ok(Seen::Is(Item::Table(like.clone())));
        }
        let text = Some(inside(&listing)).filter(|text| *text != like.text).unwrap_or_default();
        Ok(Seen::Is(Item::Table(NftTable { name: like.name.clone(), text })))
    }

    pub(super) fn see_own_table(&self, name: &TableName) -> Result<Seen, Fault> {
        Ok(self.keep_table(name)?.map_or(Seen::Absent, Seen::Is))
    }

    pub(super) fn keep_table(&self, name: &TableName) -> Result<Option<Item>, Fault> {
        let Some(listing) = self.os.table(name)? else { return Ok(None) };
        let loaded = self.loaded(name)?.filter(|loaded| loaded.listed == sha256(&listing));
        let text = loaded.and_then(|loaded| loaded.text).unwrap_or_else(|| inside(&listing));
        Ok(Some(Item::Table(NftTable { name: name.clone(), text })))
    }

    pub(super) fn put_table(&mut self, table: &NftTable) -> Result<(), Fault> {
        self.os.load(&table.script())?;
        let gone = || Fault::NoTable(table.name.clone());
        let listing = self.os.table(&table.name)?.ok_or_else(gone)?;
        let text = Some(table.text.clone());
        let loaded = Loaded { wanted: sha256(&table.text), listed: sha256(&listing), text };
        let note = serde_json::to_vec(&loaded).expect("a note is plain JSON");
        let path = self.loaded_path(&table.name);
        swap_in(&mut self.os, &path, &note, Meta::root(0o600))
    }

    pub(super) fn take_table_away(&mut self, name: &TableName) -> Result<(), Fault> {
        self.os.load(&NftTable::gone(name))
    }

    /// A note that cannot be read is none: the table is loaded again.
    fn loaded(&self, name: &TableName) -> Result<Option<Loaded>, Fault> {
        let path = self.loaded_path(name);
        let there = self.os.stat(&path)?.is_some();
        Ok(if there { serde_json::from_slice(&self.os.read(&path)?).ok() } else { None })
    }

    fn loaded_path(&self, name: &TableName) -> String {
        format!("{}/tables/{name}.json", self.settings.run)
    }
}

/// Returns what stands between the outer braces of a listing.
fn inside(listing: &str) -> String {
    let (begin, end) = (listing.find("{\n").map_or(0, |at| at + 2), listing.rfind('}'));
    listing.get(begin..end.unwrap_or(listing.len())).unwrap_or_default().to_owned()
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}
