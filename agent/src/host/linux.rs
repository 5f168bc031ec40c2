//! The real steps: system calls, systemd over D-Bus, and four programs.

mod download;
mod files;
mod programs;
mod systemd;

use super::Fault;
use super::os::{Meta, Order, Os, Place, UnitStatus};
use knarr_node::item::{Check, Source};
use knarr_node::name::{AccountName, Hex, UnitName};
use systemd::Systemd;
use tokio::runtime::{Builder, Runtime};

/// The machine itself. It blocks on a runtime of its own: call it outside of asynchronous code.
pub struct Linux {
    runtime: Runtime,
    systemd: Systemd,
}

impl Linux {
    /// Makes it; systemd is asked for the first time when a unit is looked at.
    pub fn new() -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Fault::io("/proc/self"))?;
        Ok(Self { runtime, systemd: Systemd::default() })
    }
}

impl Os for Linux {
    fn stat(&self, path: &str) -> Result<Option<Place>, Fault> {
        files::stat(path)
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault> {
        files::read(path)
    }
    fn names(&self, folder: &str) -> Result<Vec<String>, Fault> {
        files::names(folder)
    }
    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Fault> {
        files::make_folder(path, mode)
    }
    fn remove_folder(&mut self, path: &str) -> Result<(), Fault> {
        files::remove_folder(path)
    }
    fn write(&mut self, path: &str, bytes: &[u8], meta: Meta) -> Result<(), Fault> {
        files::write(path, bytes, meta)
    }
    fn link(&mut self, path: &str, to: &str) -> Result<(), Fault> {
        files::link(path, to)
    }
    fn sync(&mut self, path: &str) -> Result<(), Fault> {
        files::sync(path)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Fault> {
        files::rename(from, to)
    }
    fn remove(&mut self, path: &str) -> Result<(), Fault> {
        files::remove(path)
    }
    fn link_hard(&mut self, path: &str, second: &str) -> Result<(), Fault> {
        files::link_hard(path, second)
    }
    fn fetch(&mut self, from: &Source, to: &str) -> Result<(), Fault> {
        self.runtime.block_on(download::fetch(from, to))
    }
    fn digest(&self, path: &str) -> Result<Hex, Fault> {
        files::digest(path)
    }
    fn stamp(&self, path: &str) -> Result<String, Fault> {
        files::stamp(path)
    }
    fn set(&mut self, path: &str, value: &str) -> Result<(), Fault> {
        files::set(path, value)
    }
    fn accepts(&mut self, check: Check, path: &str) -> Result<(), Fault> {
        self.runtime.block_on(programs::accepts(check, path))
    }
    fn has_account(&self, name: &AccountName) -> Result<bool, Fault> {
        self.runtime.block_on(programs::has_account(name))
    }
    fn add_account(&mut self, name: &AccountName) -> Result<(), Fault> {
        self.runtime.block_on(programs::add_account(name))
    }
    fn unit(&self, name: &UnitName) -> Result<UnitStatus, Fault> {
        self.runtime.block_on(self.systemd.status(name))
    }
    fn order(&mut self, order: Order, unit: &UnitName) -> Result<(), Fault> {
        self.runtime.block_on(self.systemd.order(order, unit))
    }
}
