//! A small world for laws and crashes: three paths, three units, a parameter, a login, and a mesh of three tunnels.

use crate::fake::{Machine, Net};
use crate::outside::{Day, Others};
use knarr_node::host::look;
use knarr_node::item::{
    Account, Address, Dir, File, HostsBlock, Link, NftTable, Route, Sysctl, Unit, WgDevice, WgPeer,
};
use knarr_node::name::Mode;
use knarr_node::name::Oid;
use knarr_node::{Id, Item, plan, scope};
use knarrd::converge::{Done, Means, UndoError, converge, undo_last};
use knarrd::journal::{Cause, Journal, JournalError};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

pub(crate) const PATHS: [&str; 3] = ["/etc/k/a.conf", "/etc/k/b.conf", "/opt/new/c"];
/// The last one is the distribution's, and off.
pub(crate) const UNITS: [&str; 3] = ["x.service", "y.service", "dist.service"];

pub(crate) const DEVICE: &str = "knarr0";

pub(crate) fn file(path: usize, text: &str, mode: u32) -> Item {
    Item::File(File { mode: Mode::of_bits(mode), ..File::text(PATHS[path].parse().unwrap(), text) })
}
pub(crate) fn link(path: usize, to: &str) -> Item {
    Item::Link(Link { path: PATHS[path].parse().unwrap(), to: to.parse().unwrap() })
}
/// The folder of the last path.
pub(crate) fn dir(only: &[&str]) -> Item {
    Item::Dir(Dir { path: "/opt/new".parse().unwrap(), only: only.iter().map(|&name| name.into()).collect() })
}
pub(crate) fn unit(unit: usize, word: &str, reads: &[usize]) -> Item {
    let name = UNITS[unit].parse().unwrap();
    let text = (unit < 2).then(|| unit_text(UNITS[unit], word, reads));
    Item::Unit(Unit::new(name, text, reads.iter().map(|path| PATHS[*path].parse().unwrap()).collect()))
}
pub(crate) fn ttl(value: u32) -> Item {
    let value = value.to_string();
    Item::Sysctl(Sysctl { key: "net.ipv4.ip_default_ttl".parse().unwrap(), value })
}
pub(crate) fn account(sudo: bool, keys: &[&str]) -> Item {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Item::Account(Account { name: "me".parse().unwrap(), sudo, keys })
}

pub(crate) fn device(port: u16, mtu: u16) -> Item {
    let (port, mtu) = (port.try_into().unwrap(), mtu.try_into().unwrap());
    let key = "/var/lib/knarr/wireguard.key".parse().unwrap();
    Item::Device(WgDevice { name: DEVICE.parse().unwrap(), port, mtu, key })
}
pub(crate) fn peer(number: u8, endpoint: Option<&str>, last_bytes: &[u8]) -> Item {
    Item::Peer(WgPeer {
        device: DEVICE.parse().unwrap(),
        name: format!("peer-{number}").parse().unwrap(),
        key: [number; 32].into(),
        endpoint: endpoint.map(|endpoint| endpoint.parse().unwrap()),
        allowed: last_bytes.iter().map(|byte| format!("10.210.0.{byte}/32").parse().unwrap()).collect(),
        keepalive: endpoint.map(|_| 25),
    })
}
pub(crate) fn address(ip: &str) -> Item {
    Item::Address(Address { device: DEVICE.parse().unwrap(), ip: ip.parse().unwrap() })
}
pub(crate) fn route() -> Item {
    Item::Route(Route { device: DEVICE.parse().unwrap(), to: "10.210.0.0/16".parse().unwrap() })
}
pub(crate) fn table(word: &str) -> Item {
    let text = format!("chain {word} {{\n}}\n");
    Item::Table(NftTable { name: "knarr".parse().unwrap(), text })
}
pub(crate) fn hosts(names: &[u8]) -> Item {
    let entry = |byte: &u8| {
        (Ipv4Addr::new(10, 210, 0, *byte).into(), format!("n{byte}.mesh.harbor.example").parse().unwrap())
    };
    Item::Hosts(HostsBlock(names.iter().map(entry).collect()))
}

fn unit_text(name: &str, word: &str, reads: &[usize]) -> String {
    let reads: Vec<&str> = reads.iter().map(|path| PATHS[*path]).collect();
    let reads = reads.join(" ");
    format!(
        "# {word}\n[Service]\nExecStart=cat {reads} > /run/{name}.out;\n[Install]\nWantedBy=multi-user.target\n"
    )
}

/// A machine with foreign files and a unit of the distribution that is off.
pub(crate) fn machine() -> Machine {
    let machine = Machine::new();
    machine.plant("/etc/k/a.conf", "foreign\n", 0o640);
    machine.plant("/etc/k/untouched", "foreign\n", 0o600);
    machine.plant(
        "/usr/lib/systemd/system/dist.service",
        &unit_text("dist.service", "theirs", &[0, 1, 2]),
        0o644,
    );
    machine
}

pub(crate) fn cause(digit: &str) -> Cause {
    Cause { commit: digit.repeat(40).parse().unwrap(), at: 1 }
}

/// One whole pass by a knarrd that was started for it.
pub(crate) fn pass(machine: &Machine, want: &[Item], digit: &str) -> Done {
    let done = on_journal(machine, want, &mut machine.journal(), digit).unwrap();
    assert_eq!(done.troubles, BTreeMap::new());
    assert_reached(machine, want);
    done
}

/// One whole pass on a good day, with a journal that is open already.
pub(crate) fn on_journal(
    machine: &Machine,
    want: &[Item],
    journal: &mut Journal,
    digit: &str,
) -> Result<Done, JournalError> {
    let (mut host, mut outside) = (machine.host([].into()), Others::on(machine, Day::Good));
    converge(want, Means { host: &mut host, outside: &mut outside, journal }, &cause(digit))
}

/// Takes back the last pass on a good day.
pub(crate) fn undo_on(machine: &Machine, journal: &mut Journal) -> Result<(Oid, Done), UndoError> {
    let (mut host, mut outside) = (machine.host([].into()), Others::on(machine, Day::Good));
    undo_last(Means { host: &mut host, outside: &mut outside, journal }, 2)
}

/// All is as wanted, by our eyes and by what the units themselves show.
pub(crate) fn assert_reached(machine: &Machine, want: &[Item]) {
    let journal = machine.journal();
    let left = plan(want, &look(scope(want, journal.owned()), &machine.host([].into())));
    assert!(left.is_empty() && left.skipped.is_empty(), "{left:?}");
    for item in want {
        assert!(holds(machine, item), "{}", item.id());
    }
}

/// Whether the machine holds an item, without asking the host.
pub(crate) fn holds(machine: &Machine, item: &Item) -> bool {
    match item {
        Item::File(file) => {
            let path = file.path.as_str();
            let text = machine.text(path).map(knarr_node::Body::Text);
            text.as_ref() == Some(&file.body) && machine.mode(path) == Some(file.mode.bits())
        }
        Item::Dir(dir) => machine.mode(dir.path.as_str()).is_some(),
        Item::Link(link) => machine.target(link.path.as_str()).as_deref() == Some(link.to.as_str()),
        Item::Unit(unit) => runs_freshly(machine, unit),
        Item::Sysctl(sysctl) => {
            let value = machine.text("/proc/sys/net/ipv4/ip_default_ttl");
            value.as_deref().map(str::trim) == Some(&sysctl.value)
        }
        Item::Account(account) => {
            let keys = machine.text("/etc/ssh/authorized_keys.d/me").unwrap_or_default();
            keys.lines().map(str::to_owned).collect::<BTreeSet<_>>() == account.keys
        }
        Item::Artifact(_) => unreachable!("the world has no artifacts"),
        Item::Hosts(block) => {
            let file = machine.text("/etc/hosts").unwrap_or_default();
            block.0.iter().all(|(ip, name)| file.contains(&format!("{ip} {name}\n")))
        }
        Item::Device(device) => machine.net().device(DEVICE).is_some_and(|there| {
            let port = there.wireguard.as_ref().map(|wireguard| wireguard.port);
            there.up && there.mtu == u32::from(u16::from(device.mtu)) && port == Some(device.port.number())
        }),
        Item::Peer(peer) => machine.net().tunnel(DEVICE, peer.key).is_some_and(|there| {
            let wanted = peer.endpoint.as_ref().map(ToString::to_string);
            there.allowed == peer.allowed.iter().copied().map(Into::into).collect()
                && there.endpoint.map(|there| there.to_string()) == wanted
        }),
        Item::Address(address) => {
            machine.net().device(DEVICE).is_some_and(|there| there.addresses.contains(&address.ip))
        }
        Item::Route(route) => {
            machine.net().words(&route.to.to_string()) == [format!("{} dev {DEVICE}", route.to)]
        }
        Item::Table(table) => machine.net().table("knarr") == Some(&table.text),
    }
}

/// Whether a unit runs with what it reads now: no restart was lost.
pub(crate) fn runs_freshly(machine: &Machine, unit: &Unit) -> bool {
    let reads = |path: &str| unit.text.is_none() || unit.reads.iter().any(|read| read.as_str() == path);
    let now: String = PATHS.iter().filter(|path| reads(path)).filter_map(|path| machine.text(path)).collect();
    let all = unit.text.is_some() || unit.reads.len() == PATHS.len();
    let shown = machine.text(&format!("/run/{}.out", unit.name));
    machine.is_active(&unit.name) && (!all || shown == Some(now))
}

/// All that somebody outside could tell: files, and which units run and start at boot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) files: BTreeMap<String, String>,
    units: Vec<(bool, bool)>,
    pub(crate) ttl: Option<String>,
    pub(crate) net: Net,
    pub(crate) owned: BTreeSet<Id>,
}

pub(crate) fn shape(machine: &Machine) -> Shape {
    let names = UNITS.map(|unit| unit.parse().unwrap());
    Shape {
        files: machine.everything(),
        units: names.iter().map(|name| (machine.is_active(name), machine.is_enabled(name))).collect(),
        ttl: machine.text("/proc/sys/net/ipv4/ip_default_ttl"),
        net: machine.net(),
        owned: owned(&machine.journal()),
    }
}

/// A folder stays whoever made it, so that is not told apart.
pub(crate) fn owned(journal: &Journal) -> BTreeSet<Id> {
    journal.owned().ids().iter().filter(|id| !matches!(id, Id::Dir(_))).cloned().collect()
}
