//! WireGuard devices: settings change while they run, and none is ever made anew for a change.

use super::network::{Device, Setting, WireGuard};
use super::os::{Meta, Os};
use super::path::swap_in;
use super::{Fault, Host};
use crate::wireguard::public_half;
use knarr_node::item::WgDevice;
use knarr_node::name::{AbsPath, DeviceName, KeptName};
use knarr_node::net::{Mtu, Port, WgKey};
use knarr_node::{Item, Seen};
use std::io::ErrorKind;
use zeroize::Zeroizing;

impl<O: Os> Host<O> {
    pub(super) fn see_device(&self, like: &WgDevice) -> Result<Seen, Fault> {
        let Some((device, wireguard)) = self.wireguard(&like.name)? else { return Ok(Seen::Absent) };
        if self.missing_settings(like, &device, &wireguard)?.is_empty() {
            return Ok(Seen::Is(Item::Device(like.clone())));
        }
        Ok(Seen::Is(Item::Device(there(&like.name, &device, &wireguard, self.no_key()))))
    }

    /// A device of that name of another kind is nobody's here.
    pub(super) fn see_own_device(&self, name: &DeviceName) -> Result<Seen, Fault> {
        Ok(match self.wireguard(name) {
            Ok(Some((device, wireguard))) => {
                Seen::Is(Item::Device(there(name, &device, &wireguard, self.no_key())))
            }
            Ok(None) | Err(Fault::ForeignDevice(_)) => Seen::Absent,
            Err(fault) => return Err(fault),
        })
    }

    /// Keeps a private key only when it is not the machine's own.
    pub(super) fn keep_device(&mut self, name: &DeviceName, kept: &KeptName) -> Result<Option<Item>, Fault> {
        let Some((device, wireguard)) = self.wireguard(name)? else { return Ok(None) };
        let own = self.place("wireguard.key");
        let key = if self.os.stat(own.as_str())?.is_some() && self.key_in(&own)? == wireguard.key {
            own
        } else {
            self.keep_key(name, kept)?
        };
        Ok(Some(Item::Device(there(name, &device, &wireguard, key))))
    }

    pub(super) fn put_device(&mut self, device: &WgDevice) -> Result<(), Fault> {
        if self.wireguard(&device.name)?.is_none() {
            self.os.add_device(&device.name)?;
        }
        let missing = || Fault::NoDevice(device.name.clone());
        let (there, wireguard) = self.wireguard(&device.name)?.ok_or_else(missing)?;
        let settings = self.missing_settings(device, &there, &wireguard)?;
        settings.iter().try_for_each(|setting| self.os.set_device(&device.name, setting))
    }

    pub(super) fn take_device_away(&mut self, name: &DeviceName) -> Result<(), Fault> {
        if self.wireguard(name)?.is_none() { Ok(()) } else { self.os.remove_device(name) }
    }

    /// Returns a device of WireGuard.
    pub(super) fn wireguard(&self, name: &DeviceName) -> Result<Option<(Device, WireGuard)>, Fault> {
        let Some(mut device) = self.os.device(name)? else { return Ok(None) };
        let wireguard = device.wireguard.take().ok_or_else(|| Fault::ForeignDevice(name.clone()))?;
        Ok(Some((device, wireguard)))
    }

    /// Lists what a device must be told; it comes up last.
    fn missing_settings(
        &self,
        like: &WgDevice,
        device: &Device,
        wireguard: &WireGuard,
    ) -> Result<Vec<Setting>, Fault> {
        let mtu = u16::from(like.mtu);
        let settings = [
            (self.key_in(&like.key)? != wireguard.key, Setting::Key(like.key.clone())),
            (like.port.number() != wireguard.port, Setting::Port(like.port)),
            (u32::from(mtu) != device.mtu, Setting::Mtu(mtu)),
            (!device.up, Setting::Up),
        ];
        Ok(settings.into_iter().filter_map(|(differs, setting)| differs.then_some(setting)).collect())
    }

    /// Returns the public half of the key in a file; none of an empty one.
    fn key_in(&self, path: &AbsPath) -> Result<Option<WgKey>, Fault> {
        let bytes = Zeroizing::new(self.os.read(path.as_str())?);
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = str::from_utf8(&bytes).ok();
        let key = text.and_then(public_half).ok_or_else(|| Fault::NoKey(path.to_string()))?;
        Ok(Some(key))
    }

    fn keep_key(&mut self, name: &DeviceName, kept: &KeptName) -> Result<AbsPath, Fault> {
        let path = self.kept_path(kept);
        let key = self.os.private_key(name)?;
        self.make_private(&self.kept_folder())?;
        swap_in(&mut self.os, &path, &key, Meta::root(0o600))?;
        path.parse().map_err(|_| Fault::io(&path)(ErrorKind::InvalidInput.into()))
    }

    /// Returns a file in the state folder.
    fn place(&self, name: &str) -> AbsPath {
        format!("{}/{name}", self.settings.state).parse().expect("a name in a good folder is a good path")
    }

    /// The place for a key that was seen, and not kept: no State names it.
    fn no_key(&self) -> AbsPath {
        self.place("kept/0-0")
    }
}

/// Returns a device as an item. What WireGuard has and no item can say comes back as the nearest that can.
fn there(name: &DeviceName, device: &Device, wireguard: &WireGuard, key: AbsPath) -> WgDevice {
    let mtu = u16::try_from(device.mtu.clamp(1280, 9000)).ok().and_then(|mtu| Mtu::try_from(mtu).ok());
    let mtu = mtu.expect("it was brought into these bounds");
    // Only a device that is not up listens nowhere.
    let port = Port::try_from(wireguard.port).ok().or(Port::try_from(51821).ok());
    let port = port.expect("51821 is a port");
    WgDevice { name: name.clone(), port, mtu, key }
}
