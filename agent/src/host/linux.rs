//! The real steps: system calls, systemd over D-Bus, and programs of the system.

mod download;
mod files;
mod network;
mod programs;
mod systemd;
mod tables;

pub use files::digest_of;

use super::Fault;
use super::network::{Device, Network, Setting, Way};
use super::os::{Meta, Order, Os, Place, UnitStatus};
use ipnet::Ipv4Net;
use knarr_node::item::{Address, Check, Source, WgPeer};
use knarr_node::name::{AccountName, DeviceName, Digest, Hex, HttpsUrl, TableName, UnitName};
use knarr_node::net::{Endpoint, WgKey};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use systemd::Systemd;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

/// The machine itself. It blocks on a runtime of its own: call it outside of asynchronous code.
pub struct Linux {
    runtime: Runtime,
    systemd: Systemd,
    devices: RefCell<BTreeMap<DeviceName, (Instant, Option<Device>)>>,
}

/// How long what was seen of a device answers for all its tunnels, unless we change something: a look at a mesh of
/// 50 machines asks wg once.
const GLANCE: Duration = Duration::from_millis(500);

impl Linux {
    /// Makes it; systemd is asked for the first time when a unit is looked at.
    pub fn new() -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Fault::io("/proc/self"))?;
        Ok(Self { runtime, systemd: Systemd::default(), devices: RefCell::default() })
    }

    /// Does a step at the network; what was seen of it before counts no more.
    fn change(&mut self, step: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
        self.devices.borrow_mut().clear();
        self.runtime.block_on(step)
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
    fn copy(&mut self, from: &str, to: &str, meta: Meta) -> Result<(), Fault> {
        files::copy(from, to, meta)
    }
    fn size(&self, path: &str) -> Result<u64, Fault> {
        files::size(path)
    }
    fn room(&self, folder: &str) -> Result<u64, Fault> {
        files::room(folder)
    }
    fn run(&mut self, program: &str, args: &[&str]) -> Result<(), Fault> {
        self.runtime.block_on(programs::saved(program, args))
    }
    fn fetch(&mut self, from: &Source, to: &str) -> Result<(), Fault> {
        self.runtime.block_on(download::fetch(from, to))
    }
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Fault> {
        self.runtime.block_on(download::digest_at(url))
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

impl Network for Linux {
    fn device(&self, name: &DeviceName) -> Result<Option<Device>, Fault> {
        if let Some((when, device)) = self.devices.borrow().get(name)
            && when.elapsed() < GLANCE
        {
            return Ok(device.clone());
        }
        let device = self.runtime.block_on(network::device(name))?;
        self.devices.borrow_mut().insert(name.clone(), (Instant::now(), device.clone()));
        Ok(device)
    }
    fn private_key(&self, name: &DeviceName) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.runtime.block_on(network::private_key(name))
    }
    fn add_device(&mut self, name: &DeviceName) -> Result<(), Fault> {
        self.change(network::add_device(name))
    }
    fn set_device(&mut self, name: &DeviceName, setting: &Setting) -> Result<(), Fault> {
        self.change(network::set_device(name, setting))
    }
    fn remove_device(&mut self, name: &DeviceName) -> Result<(), Fault> {
        self.change(network::remove_device(name))
    }
    fn set_tunnel(&mut self, peer: &WgPeer) -> Result<(), Fault> {
        self.change(network::set_tunnel(peer))
    }
    fn set_endpoint(&mut self, device: &DeviceName, key: WgKey, to: &Endpoint) -> Result<(), Fault> {
        self.change(network::set_endpoint(device, key, to))
    }
    fn remove_tunnel(&mut self, device: &DeviceName, key: WgKey) -> Result<(), Fault> {
        self.change(network::remove_tunnel(device, key))
    }
    fn add_address(&mut self, address: &Address) -> Result<(), Fault> {
        self.change(network::add_address(address))
    }
    fn remove_address(&mut self, address: &Address) -> Result<(), Fault> {
        self.change(network::remove_address(address))
    }
    fn ways(&self, to: Ipv4Net) -> Result<Vec<Way>, Fault> {
        self.runtime.block_on(network::ways(to))
    }
    fn put_way(&mut self, words: &str) -> Result<(), Fault> {
        self.change(network::put_way(words))
    }
    fn remove_way(&mut self, words: &str) -> Result<(), Fault> {
        self.change(network::remove_way(words))
    }
    fn table(&self, name: &TableName) -> Result<Option<String>, Fault> {
        self.runtime.block_on(tables::table(name))
    }
    fn load(&mut self, script: &str) -> Result<(), Fault> {
        self.change(tables::load(script))
    }
}
