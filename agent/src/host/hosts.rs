//! Knarr's block of /etc/hosts; the rest of the file, its mode and its owners are others'.

use super::os::{Kind, Meta, Os};
use super::path::{swap_in, take_away};
use super::{Fault, Host};
use knarr_node::item::HostsBlock;
use knarr_node::{Item, Seen};

const HOSTS: &str = "/etc/hosts";
const CLOUD_INIT: &str = "/etc/cloud";
/// Where cloud-init is told to leave the file. Source: cloud-init 22.4, doc/examples/cloud-config.txt, manage_etc_hosts.
const CLOUD_FILE: &str = "/etc/cloud/cloud.cfg.d/99-knarr.cfg";
const CLOUD_TEXT: &str = "# Written by knarrd: it keeps names in /etc/hosts.\nmanage_etc_hosts: false\n";

impl<O: Os> Host<O> {
    pub(super) fn see_hosts(&self, like: &HostsBlock) -> Result<Seen, Fault> {
        let (text, _) = self.hosts_file()?;
        let told = !self.has_cloud_init()? || self.cloud_init_is_told()?;
        Ok(match HostsBlock::of(&text) {
            _ if told && like.put_into(&text) == text => Seen::Is(Item::Hosts(like.clone())),
            Some(there) if there != *like => Seen::Is(Item::Hosts(there)),
            Some(_) | None => Seen::Absent,
        })
    }

    pub(super) fn keep_hosts(&self) -> Result<Option<Item>, Fault> {
        Ok(HostsBlock::of(&self.hosts_file()?.0).map(Item::Hosts))
    }

    pub(super) fn put_hosts(&mut self, block: &HostsBlock) -> Result<(), Fault> {
        if self.has_cloud_init()? && !self.cloud_init_is_told()? {
            swap_in(&mut self.os, CLOUD_FILE, CLOUD_TEXT.as_bytes(), Meta::root(0o644))?;
        }
        self.write_hosts(block)
    }

    pub(super) fn take_hosts_away(&mut self) -> Result<(), Fault> {
        self.write_hosts(&HostsBlock::default())?;
        if self.has_cloud_init()? { take_away(&mut self.os, CLOUD_FILE) } else { Ok(()) }
    }

    fn write_hosts(&mut self, block: &HostsBlock) -> Result<(), Fault> {
        let (text, meta) = self.hosts_file()?;
        let new = block.put_into(&text);
        if new == text { Ok(()) } else { swap_in(&mut self.os, HOSTS, new.as_bytes(), meta) }
    }

    /// Returns the file with its mode and owners; no file is an empty one.
    fn hosts_file(&self) -> Result<(String, Meta), Fault> {
        let Some(place) = self.os.stat(HOSTS)? else { return Ok((String::new(), Meta::root(0o644))) };
        match place.kind {
            Kind::File => {
                let text = String::from_utf8(self.os.read(HOSTS)?);
                Ok((text.map_err(|_| Fault::NotText(HOSTS.to_owned()))?, place.meta))
            }
            Kind::Link(_) => Err(Fault::Linked(HOSTS.to_owned())),
            Kind::Folder => Err(Fault::Folder(HOSTS.to_owned())),
            Kind::Other => Err(Fault::Special(HOSTS.to_owned())),
        }
    }

    fn has_cloud_init(&self) -> Result<bool, Fault> {
        Ok(self.os.stat(CLOUD_INIT)?.is_some())
    }

    fn cloud_init_is_told(&self) -> Result<bool, Fault> {
        Ok(self.os.stat(CLOUD_FILE)?.is_some() && self.os.read(CLOUD_FILE)? == CLOUD_TEXT.as_bytes())
    }
}

/// Returns all places that belong to the names.
pub(super) fn places() -> Vec<String> {
    vec![HOSTS.to_owned(), CLOUD_FILE.to_owned()]
}
