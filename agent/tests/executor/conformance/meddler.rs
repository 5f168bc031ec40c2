//! Other hands at the network: those of the simulated machine, and ip(8), wg(8) and nft(8) on a real one.

use super::here::Here;
use super::network::Meddler;
use crate::fake::Machine;
use knarrd::wireguard::public_half;
use std::io::Write as _;
use std::process::{Command, Stdio};

impl Meddler for Machine {
    fn device(&self, name: &str) -> Option<(u16, u32, String)> {
        let net = self.net();
        let device = net.device(name)?.clone();
        let wireguard = device.wireguard.filter(|_| device.up)?;
        Some((wireguard.port, device.mtu, wireguard.key?.to_string()))
    }
    fn tunnel(&self, device: &str, key: &str) -> Option<(String, String, String)> {
        let tunnel = self.net().tunnel(device, key.parse().unwrap())?;
        let allowed: Vec<String> = tunnel.allowed.iter().map(ToString::to_string).collect();
        let endpoint = tunnel.endpoint.map_or("(none)".into(), |there| there.to_string());
        Some((endpoint, allowed.join(","), tunnel.keepalive.map_or("off".into(), |secs| secs.to_string())))
    }
    fn set_tunnel(&self, device: &str, key: &str, endpoint: Option<&str>, allowed: &str) {
        self.meddle(|net| {
            net.change_tunnel(device, key.parse().unwrap(), |tunnel| {
                tunnel.endpoint = endpoint.map_or(tunnel.endpoint, |there| Some(there.parse().unwrap()));
                tunnel.allowed = allowed.split(',').map(|net| net.parse().unwrap()).collect();
            });
        });
    }
    fn set_key(&self, device: &str, path: &str) {
        let key = Machine::text(self, path).unwrap();
        assert!(public_half(&key).is_some());
        self.meddle(|net| net.set_key(&device.parse().unwrap(), key));
    }
    fn plant_foreign_device(&self, name: &str) {
        self.meddle(|net| net.plant_foreign_device(name));
    }
    fn ways(&self, to: &str) -> Vec<String> {
        self.net().words(to)
    }
    fn put_way(&self, words: &str) {
        self.meddle(|net| net.replace_way(words));
    }
    fn addresses(&self, device: &str) -> Vec<String> {
        self.net().device(device).unwrap().addresses.iter().map(ToString::to_string).collect()
    }
    fn table(&self, name: &str) -> Option<String> {
        self.net().table(name).cloned()
    }
    fn plant_table(&self, name: &str, inside: &str) {
        self.meddle(|net| net.plant_table(name, inside));
    }
}

impl Meddler for Here {
    fn device(&self, name: &str) -> Option<(u16, u32, String)> {
        let up = run(&["ip", "-o", "link", "show", "dev", name, "up"])?;
        let mtu = up.split_once(" mtu ")?.1.split(' ').next()?.parse().ok()?;
        let line = run(&["wg", "show", name, "dump"])?.lines().next()?.to_owned();
        let words: Vec<&str> = line.split('\t').collect();
        Some((words[2].parse().ok()?, mtu, words[1].to_owned()))
    }
    fn tunnel(&self, device: &str, key: &str) -> Option<(String, String, String)> {
        let dump = run(&["wg", "show", device, "dump"])?;
        let line = dump.lines().find(|line| line.starts_with(key))?;
        let words: Vec<&str> = line.split('\t').collect();
        let mut allowed: Vec<&str> = words[3].split(',').collect();
        allowed.sort_unstable();
        Some((words[2].to_owned(), allowed.join(","), words[7].to_owned()))
    }
    fn set_tunnel(&self, device: &str, key: &str, endpoint: Option<&str>, allowed: &str) {
        let words = ["wg", "set", device, "peer", key, "allowed-ips", allowed];
        let endpoint: Vec<&str> = endpoint.into_iter().flat_map(|there| ["endpoint", there]).collect();
        run(&[&words[..], &endpoint].concat()).unwrap();
    }
    fn set_key(&self, device: &str, path: &str) {
        run(&["wg", "set", device, "private-key", path]).unwrap();
    }
    fn plant_foreign_device(&self, name: &str) {
        run(&["ip", "link", "add", name, "type", "bridge"]).unwrap();
    }
    fn ways(&self, to: &str) -> Vec<String> {
        let ways = run(&["ip", "-4", "route", "show", "exact", to]).unwrap();
        ways.lines().map(|way| way.trim().to_owned()).collect()
    }
    fn put_way(&self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        run(&[&["ip", "route", "replace"][..], &words].concat()).unwrap();
    }
    fn addresses(&self, device: &str) -> Vec<String> {
        let lines = run(&["ip", "-4", "-o", "addr", "show", "dev", device]).unwrap();
        lines.lines().filter_map(|line| line.split_whitespace().nth(3)).map(str::to_owned).collect()
    }
    fn table(&self, name: &str) -> Option<String> {
        run(&["nft", "list", "table", "inet", name])
    }
    fn plant_table(&self, name: &str, inside: &str) {
        let script =
            format!("table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n{inside}}}\n");
        let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        nft.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success());
    }
}

/// Returns what a program printed, if it succeeded.
pub(super) fn run(words: &[&str]) -> Option<String> {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}
