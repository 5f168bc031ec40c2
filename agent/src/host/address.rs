//! Addresses of devices and the ways into them. What somebody else's way was lies under the run folder, word for
//! word, so that it can come back.

use super::network::Way;
use super::os::{Meta, Os};
use super::path::swap_in;
use super::{Fault, Host};
use ipnet::Ipv4Net;
use knarr_node::item::{Address, Route};
use knarr_node::name::DeviceName;
use knarr_node::{Item, Seen};

impl<O: Os> Host<O> {
    pub(super) fn see_address(&self, device: &DeviceName, ip: Ipv4Net) -> Result<Seen, Fault> {
        Ok(self.keep_address(device, ip)?.map_or(Seen::Absent, Seen::Is))
    }

    pub(super) fn keep_address(&self, device: &DeviceName, ip: Ipv4Net) -> Result<Option<Item>, Fault> {
        let there = self.os.device(device)?.is_some_and(|there| there.addresses.contains(&ip));
        Ok(there.then(|| Item::Address(Address { device: device.clone(), ip })))
    }

    pub(super) fn take_address_away(&mut self, device: &DeviceName, ip: Ipv4Net) -> Result<(), Fault> {
        match self.keep_address(device, ip)? {
            Some(_) => self.os.remove_address(&Address { device: device.clone(), ip }),
            None => Ok(()),
        }
    }

    pub(super) fn see_route(&self, to: Ipv4Net) -> Result<Seen, Fault> {
        let first = self.os.ways(to)?.into_iter().next();
        Ok(first.map_or(Seen::Absent, |way| Seen::Is(Item::Route(Route { device: way.device, to }))))
    }

    /// A way that leads elsewhere than ours did is somebody else's.
    pub(super) fn see_own_route(&self, to: Ipv4Net) -> Result<Seen, Fault> {
        let path = self.route_path(to, "ours");
        let ours = if self.os.stat(&path)?.is_some() { self.os.read(&path)? } else { Vec::new() };
        let first = self.os.ways(to)?.into_iter().next().filter(|way| way.device.as_str().as_bytes() == ours);
        Ok(first.map_or(Seen::Absent, |way| Seen::Is(Item::Route(Route { device: way.device, to }))))
    }

    pub(super) fn keep_route(&mut self, to: Ipv4Net) -> Result<Option<Item>, Fault> {
        let Some(Way { device, words }) = self.os.ways(to)?.into_iter().next() else { return Ok(None) };
        let path = self.route_path(to, &format!("by-{device}"));
        swap_in(&mut self.os, &path, words.as_bytes(), Meta::root(0o600))?;
        Ok(Some(Item::Route(Route { device, to })))
    }

    /// Another way to the same network may stay behind the new one, never before it.
    pub(super) fn put_route(&mut self, route: &Route) -> Result<(), Fault> {
        let Route { device, to } = route;
        let words = self.words(route)?;
        let ours = self.route_path(*to, "ours");
        swap_in(&mut self.os, &ours, device.as_str().as_bytes(), Meta::root(0o600))?;
        self.os.put_way(&words)?;
        for way in self.os.ways(*to)?.into_iter().take_while(|way| way.device != *device) {
            self.os.remove_way(&way.words)?;
        }
        Ok(())
    }

    pub(super) fn take_route_away(&mut self, route: &Route) -> Result<(), Fault> {
        for way in self.os.ways(route.to)?.into_iter().filter(|way| way.device == route.device) {
            self.os.remove_way(&way.words)?;
        }
        Ok(())
    }

    /// Returns what makes a way: what was there by that device before, if anything was kept.
    fn words(&self, route: &Route) -> Result<String, Fault> {
        let path = self.route_path(route.to, &format!("by-{}", route.device));
        Ok(if self.os.stat(&path)?.is_some() {
            String::from_utf8_lossy(&self.os.read(&path)?).into_owned()
        } else {
            format!("{} dev {}", route.to, route.device)
        })
    }

    fn route_path(&self, to: Ipv4Net, name: &str) -> String {
        format!("{}/routes/{}-{}/{name}", self.settings.run, to.addr(), to.prefix_len())
    }
}
