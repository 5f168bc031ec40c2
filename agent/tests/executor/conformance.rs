//! One suite that every host passes: the simulated machine here, a real systemd machine in the lab.
//!
//! `KNARR_ON_A_HOST=1 KNARRD=/usr/bin/knarrd executor --ignored on_this_machine` runs the second half as root, on
//! a machine to throw away. The units of the test call that knarrd at each start.

mod artifact;
mod dir;
mod here;
mod meddler;
mod network;
mod snapshot;

use crate::fake::Machine;
use here::Here;
use knarr_node::item::{Account, Check, File, Link, Sysctl, Unit};
use knarr_node::name::{KeptName, Mode};
use knarr_node::{Act, Body, Change, Id, Item, Seen};
use knarrd::host::Secrets;
use network::Meddler;
use zeroize::Zeroizing;

/// A machine seen by other eyes than ours.
pub(crate) trait Outside: Meddler {
    fn text(&self, path: &str) -> Option<String>;
    fn mode(&self, path: &str) -> Option<u32>;
    fn target(&self, path: &str) -> Option<String>;
    fn plant(&self, path: &str, text: &str, mode: u32);
    fn plant_link(&self, path: &str, to: &str);
    fn plant_folder(&self, path: &str);
    fn plant_unit(&self, name: &str, text: &str);
    fn is_active(&self, unit: &str) -> bool;
    fn is_enabled(&self, unit: &str) -> bool;
    /// Somebody restarts a unit, not we.
    fn restart(&self, unit: &str);
    /// Somebody starts a unit, and that does not end.
    fn start_for_ever(&self, unit: &str);
}

impl Outside for Machine {
    fn text(&self, path: &str) -> Option<String> {
        Machine::text(self, path)
    }
    fn mode(&self, path: &str) -> Option<u32> {
        Machine::mode(self, path)
    }
    fn target(&self, path: &str) -> Option<String> {
        Machine::target(self, path)
    }
    fn plant(&self, path: &str, text: &str, mode: u32) {
        Machine::plant(self, path, text, mode);
    }
    fn plant_link(&self, path: &str, to: &str) {
        Machine::plant_link(self, path, to);
    }
    fn plant_folder(&self, path: &str) {
        Machine::plant_folder(self, path);
    }
    fn plant_unit(&self, name: &str, text: &str) {
        Machine::plant(self, &format!("/usr/lib/systemd/system/{name}"), text, 0o644);
    }
    fn is_active(&self, unit: &str) -> bool {
        Machine::is_active(self, &unit.parse().unwrap())
    }
    fn is_enabled(&self, unit: &str) -> bool {
        Machine::is_enabled(self, &unit.parse().unwrap())
    }
    fn restart(&self, unit: &str) {
        self.start(&unit.parse().unwrap()).unwrap();
    }
    fn start_for_ever(&self, unit: &str) {
        Machine::start_for_ever(self, &unit.parse().unwrap());
    }
}

type Case = fn(&mut dyn Act, &dyn Outside);

const CASES: [(&str, Case); 27] = [
    ("a file is made, changed, kept, put back and removed", file_life),
    ("a file keeps its mode to the bit", file_mode),
    ("a secret is written and compared, and never seen", secret_file),
    ("a missing secret is unknown", missing_secret),
    ("a link is made, changed, kept, put back and removed", link_life),
    ("a file becomes a link and comes back", file_to_link),
    ("a foreign link with a relative target comes back as it was", relative_link),
    ("a folder is unknown and stays", folder_stays),
    ("a folder is made, and stays with what lies in it", dir::life),
    ("a file where a folder is wanted is unknown and stays", dir::file_stays),
    ("the names in a folder are those that mean something", dir::names),
    ("a refused sshd configuration leaves what was there", refused_sshd),
    ("a refused sudoers file leaves what was there", refused_sudoers),
    ("a sysctl is set, compared without white space and put back", sysctl_life),
    ("a sysctl that the kernel lacks is absent and cannot be set", sysctl_missing),
    ("a unit is made, changed, kept, put back and removed", unit_life),
    ("a unit restarts for what it reads, and is seen as stale before", unit_reads),
    ("a restart by somebody else counts", unit_restarted_by_others),
    ("a unit that starts for ever is unknown, until something else is wanted", unit_starts_for_ever),
    ("a unit of the distribution is fed, kept, and left running when no longer wanted", distribution_unit),
    ("a unit without an install section is only installed", installed_only),
    ("an account gets keys, loses them, and stays", account_life),
    ("an artifact is fetched, kept, put back and removed", artifact::life),
    ("an artifact with other bytes is refused, and nothing is left", artifact::refused),
    ("an artifact that somebody wrote to is fetched anew", artifact::damaged),
    ("data are copied while their unit is stopped, once a pass, and three copies stay", snapshot::copied),
    ("data are saved by a program while their unit runs; without data nothing is", snapshot::by_program),
];

fn secrets() -> Secrets {
    [("token".parse().unwrap(), Zeroizing::new(b"hush-hush".to_vec()))].into()
}

#[test]
fn the_simulated_machine_passes() {
    for (name, case) in CASES.into_iter().chain(network::CASES) {
        println!("{name}");
        let machine = Machine::new();
        case(&mut machine.host(secrets()), &machine);
    }
}

#[test]
#[ignore = "changes the machine; runs as root in a host of the lab, with KNARR_ON_A_HOST=1"]
fn on_this_machine() {
    assert!(
        std::env::var_os("KNARR_ON_A_HOST").is_some(),
        "set KNARR_ON_A_HOST=1 on a machine to throw away"
    );
    for (name, case) in CASES.into_iter().chain(network::CASES) {
        println!("{name}");
        let here = Here::clean();
        case(&mut Here::host(secrets()), &here);
    }
    Here::clean();
}

const DIR: &str = "/etc/knarr-test";

fn at(name: &str) -> String {
    format!("{DIR}/{name}")
}
fn file(name: &str, text: &str) -> Item {
    Item::File(File::text(at(name).parse().unwrap(), text))
}
fn link(name: &str, to: &str) -> Item {
    Item::Link(Link { path: at(name).parse().unwrap(), to: to.parse().unwrap() })
}
fn unit(name: &str, text: Option<&str>, reads: &[&str]) -> Item {
    let reads = reads.iter().map(|path| path.parse().unwrap()).collect();
    Item::Unit(Unit::new(name.parse().unwrap(), text.map(str::to_owned), reads))
}
fn kept(n: u32) -> KeptName {
    format!("7-{n}").parse().unwrap()
}

/// Sees, changes as a plan would, does it twice, and sees the wanted item then.
fn bring(host: &mut dyn Act, n: u32, want: &Item) -> Change {
    let id = want.id();
    assert!(eventually(|| host.see(&id, Some(want)) != Seen::Is(want.clone())), "{id} is not yet as wanted");
    let from = host.keep(&id, &kept(n)).unwrap();
    let change = Change::to(from, want.clone());
    for _ in 0..2 {
        host.act(&change).unwrap();
        assert_eq!(host.see(&id, Some(want)), Seen::Is(want.clone()));
    }
    change
}

/// A host may look at a device once for all its tunnels, and sees what others did a moment later.
fn eventually(holds: impl Fn() -> bool) -> bool {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while !holds() && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    holds()
}

/// Does the way back of a change twice, and sees what was there before.
fn back(host: &mut dyn Act, change: &Change) {
    for _ in 0..2 {
        host.act(&change.swapped()).unwrap();
        let seen = host.see(change.id(), change.from());
        assert_eq!(seen, change.from().cloned().map_or(Seen::Absent, Seen::Is));
    }
}

fn file_life(host: &mut dyn Act, outside: &dyn Outside) {
    let (one, two) = (file("deep/er/a", "one\n"), file("deep/er/a", "two\n"));
    assert_eq!(host.see(&one.id(), Some(&one)), Seen::Absent);
    let made = bring(host, 1, &one);
    assert_eq!(outside.text(&at("deep/er/a")).as_deref(), Some("one\n"));
    assert_eq!(outside.mode(&at("deep/er")), Some(0o755));
    let changed = bring(host, 2, &two);
    assert_eq!(outside.text(&at("deep/er/a")).as_deref(), Some("two\n"));
    back(host, &changed);
    assert_eq!(outside.text(&at("deep/er/a")).as_deref(), Some("one\n"));
    back(host, &made);
    assert_eq!(outside.text(&at("deep/er/a")), None);
}

fn file_mode(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant(&at("a"), "one\n", 0o640);
    let wanted = file("a", "one\n");
    let change = bring(host, 1, &wanted);
    assert_eq!(outside.mode(&at("a")), Some(0o644));
    back(host, &change);
    assert_eq!(outside.mode(&at("a")), Some(0o640));
}

fn secret_file(host: &mut dyn Act, outside: &dyn Outside) {
    let body = Body::Secret("token".parse().unwrap());
    let secret = Item::File(File { path: at("t").parse().unwrap(), mode: Mode::SECRET, check: None, body });
    let change = bring(host, 1, &secret);
    assert_eq!(outside.text(&at("t")).as_deref(), Some("hush-hush"));
    assert_eq!(outside.mode(&at("t")), Some(0o600));
    for seen in [host.see(&secret.id(), Some(&secret)), host.see(&secret.id(), None)] {
        assert!(!format!("{seen:?}").contains("hush"));
    }
    let plain = bring(host, 2, &file("t", "no secret"));
    assert!(!format!("{plain:?}").contains("hush"));
    back(host, &plain);
    assert_eq!(outside.text(&at("t")).as_deref(), Some("hush-hush"));
    back(host, &change);
}

fn missing_secret(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant(&at("t"), "x", 0o600);
    let body = Body::Secret("other".parse().unwrap());
    let item = Item::File(File { path: at("t").parse().unwrap(), mode: Mode::SECRET, check: None, body });
    assert!(matches!(host.see(&item.id(), Some(&item)), Seen::Unknown(_)));
    assert!(host.act(&Change::to(None, item)).is_err());
    assert_eq!(outside.text(&at("t")).as_deref(), Some("x"));
}

fn link_life(host: &mut dyn Act, outside: &dyn Outside) {
    let (one, two) = (link("l", "/etc/one"), link("l", "/etc/two"));
    let made = bring(host, 1, &one);
    let changed = bring(host, 2, &two);
    assert_eq!(outside.target(&at("l")).as_deref(), Some("/etc/two"));
    back(host, &changed);
    assert_eq!(outside.target(&at("l")).as_deref(), Some("/etc/one"));
    back(host, &made);
}

fn file_to_link(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant(&at("x"), "foreign\n", 0o600);
    let change = bring(host, 1, &link("x", "/etc/one"));
    assert_eq!(outside.target(&at("x")).as_deref(), Some("/etc/one"));
    back(host, &change);
    assert_eq!(outside.text(&at("x")).as_deref(), Some("foreign\n"));
    assert_eq!(outside.mode(&at("x")), Some(0o600));
}

fn relative_link(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant_link(&at("x"), "../hostname");
    let change = bring(host, 1, &file("x", "ours\n"));
    assert_eq!(outside.text(&at("x")).as_deref(), Some("ours\n"));
    back(host, &change);
    assert_eq!(outside.target(&at("x")).as_deref(), Some("../hostname"));
}

fn folder_stays(host: &mut dyn Act, outside: &dyn Outside) {
    outside.plant_folder(&at("d"));
    let wanted = file("d", "x");
    assert!(matches!(host.see(&wanted.id(), Some(&wanted)), Seen::Unknown(_)));
    assert!(matches!(host.see(&wanted.id(), None), Seen::Unknown(_)));
    assert!(host.keep(&wanted.id(), &kept(1)).is_err());
    assert_eq!(outside.mode(&at("d")), Some(0o755));
}

fn refused_sshd(host: &mut dyn Act, outside: &dyn Outside) {
    let path = "/etc/ssh/sshd_config.d/10-knarr-test.conf";
    let checked =
        |text: &str| Item::File(File { check: Some(Check::Sshd), ..File::text(path.parse().unwrap(), text) });
    let good = bring(host, 1, &checked("X11Forwarding no\n"));
    let refused = host.act(&Change::to(None, checked("nonsense yes\n"))).unwrap_err();
    assert!(refused.why.contains("sshd"), "{refused}");
    assert_eq!(outside.text(path).as_deref(), Some("X11Forwarding no\n"));
    back(host, &good);
}

fn refused_sudoers(host: &mut dyn Act, outside: &dyn Outside) {
    let path = "/etc/sudoers.d/knarr-test-file";
    let checked = |text: &str| {
        let check = Some(Check::Sudoers);
        Item::File(File { check, mode: Mode::of_bits(0o440), ..File::text(path.parse().unwrap(), text) })
    };
    let good = bring(host, 1, &checked("games ALL=(ALL:ALL) ALL\n"));
    let refused = host.act(&Change::to(None, checked("nonsense\n"))).unwrap_err();
    assert!(refused.why.contains("visudo"), "{refused}");
    assert_eq!(outside.text(path).as_deref(), Some("games ALL=(ALL:ALL) ALL\n"));
    back(host, &good);
}

fn sysctl_life(host: &mut dyn Act, outside: &dyn Outside) {
    let ttl = |value: &str| {
        Item::Sysctl(Sysctl { key: "net.ipv4.ip_default_ttl".parse().unwrap(), value: value.into() })
    };
    let change = bring(host, 1, &ttl("65"));
    assert_eq!(outside.text("/proc/sys/net/ipv4/ip_default_ttl").as_deref().map(str::trim), Some("65"));
    assert_eq!(host.see(&ttl("65").id(), Some(&ttl(" 65 "))), Seen::Is(ttl(" 65 ")));
    assert_eq!(host.see(&ttl("65").id(), None), Seen::Absent);
    back(host, &change);
    assert_eq!(outside.text("/proc/sys/net/ipv4/ip_default_ttl").as_deref().map(str::trim), Some("64"));
}

fn sysctl_missing(host: &mut dyn Act, _: &dyn Outside) {
    let item = Item::Sysctl(Sysctl { key: "net.knarr_has_none".parse().unwrap(), value: "1".into() });
    assert_eq!(host.see(&item.id(), Some(&item)), Seen::Absent);
    assert!(host.act(&Change::to(None, item)).is_err());
}

const OUT: &str = "/run/knarr-test/x.out";

fn service(word: &str) -> String {
    let run = format!("/bin/sh -c \"cat {} > {OUT}; exec sleep 1000000\"", at("a"));
    let install = "[Install]\nWantedBy=multi-user.target\n";
    format!("[Unit]\nDescription={word}\n[Service]\nRuntimeDirectory=knarr-test\nExecStart={run}\n{install}")
}

fn unit_life(host: &mut dyn Act, outside: &dyn Outside) {
    let name = "knarr-test.service";
    let (one, two) = (unit(name, Some(&service("one")), &[]), unit(name, Some(&service("two")), &[]));
    assert_eq!(host.see(&one.id(), Some(&one)), Seen::Absent);
    let made = bring(host, 1, &one);
    assert!(outside.is_active(name) && outside.is_enabled(name));
    let changed = bring(host, 2, &two);
    back(host, &changed);
    assert_eq!(outside.text("/etc/systemd/system/knarr-test.service"), Some(service("one")));
    back(host, &made);
    assert!(!outside.is_active(name) && !outside.is_enabled(name));
    assert_eq!(outside.text("/etc/systemd/system/knarr-test.service"), None);
    assert_eq!(outside.mode("/etc/systemd/system/knarr-test.service.d"), None);
}

fn unit_reads(host: &mut dyn Act, outside: &dyn Outside) {
    let reader = unit("knarr-test.service", Some(&service("one")), &[&at("a")]);
    bring(host, 1, &file("a", "one\n"));
    bring(host, 2, &reader);
    shows(outside, "one\n");
    bring(host, 3, &file("a", "two\n"));
    let Seen::Is(stale) = host.see(&reader.id(), Some(&reader)) else { panic!("it is there") };
    let restart = Change::to(Some(stale), reader.clone());
    assert_eq!(restart.verb(), "restart");
    bring(host, 4, &reader);
    shows(outside, "two\n");
}

fn unit_restarted_by_others(host: &mut dyn Act, outside: &dyn Outside) {
    let reader = unit("knarr-test.service", Some(&service("one")), &[&at("a")]);
    bring(host, 1, &file("a", "one\n"));
    bring(host, 2, &reader);
    bring(host, 3, &file("a", "two\n"));
    outside.restart("knarr-test.service");
    assert_eq!(host.see(&reader.id(), Some(&reader)), Seen::Is(reader));
}

/// Its first text does not come to an end once the file `one` is there.
fn unit_starts_for_ever(host: &mut dyn Act, outside: &dyn Outside) {
    let name = "knarr-test.service";
    let text = |word: &str| {
        let ready = format!("[ -e {} ] || systemd-notify --ready", at(word));
        format!(
            "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c \"{ready}; exec sleep 1000000\"\n[Install]\nWantedBy=multi-user.target\n"
        )
    };
    let (one, two) = (unit(name, Some(&text("one")), &[]), unit(name, Some(&text("two")), &[]));
    bring(host, 1, &one);
    outside.plant(&at("one"), "", 0o644);
    outside.start_for_ever(name);
    assert!(matches!(host.see(&one.id(), Some(&one)), Seen::Unknown(_)));
    bring(host, 2, &two);
    assert!(outside.is_active(name));
}

/// Waits for what a unit shows of what it read: it writes that a moment after systemd calls it started.
fn shows(outside: &dyn Outside, text: &str) {
    eventually(|| outside.text(OUT).is_some_and(|shown| shown == text));
    assert_eq!(outside.text(OUT).as_deref(), Some(text));
}

fn distribution_unit(host: &mut dyn Act, outside: &dyn Outside) {
    let name = "knarr-test-dist.service";
    outside.plant_unit(name, &service("theirs"));
    bring(host, 1, &file("a", "one\n"));
    let fed = unit(name, None, &[&at("a")]);
    let change = bring(host, 2, &fed);
    assert!(outside.is_active(name) && outside.is_enabled(name));
    back(host, &change);
    assert!(!outside.is_active(name) && !outside.is_enabled(name), "it was off before");
    bring(host, 3, &fed);
    host.act(&Change::away(fed.clone())).unwrap();
    assert_eq!(host.see(&fed.id(), None), Seen::Absent);
    assert!(outside.is_active(name), "nobody asked to stop it");
    assert_eq!(outside.mode(&format!("/etc/systemd/system/{name}.d")), None);
}

fn installed_only(host: &mut dyn Act, outside: &dyn Outside) {
    let name = "knarr-test.service";
    let text = service("job").split("[Install]").next().unwrap().to_owned();
    let change = bring(host, 1, &unit(name, Some(&text), &[]));
    assert!(!outside.is_active(name));
    back(host, &change);
}

fn account_life(host: &mut dyn Act, outside: &dyn Outside) {
    let account = |keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Item::Account(Account { name: "knarrtest".parse().unwrap(), sudo: true, keys })
    };
    let keys = "/etc/ssh/authorized_keys.d/knarrtest";
    let made = bring(host, 1, &account(&["ssh-ed25519 AAAA one"]));
    let changed = bring(host, 2, &account(&["ssh-ed25519 AAAA two", "ssh-ed25519 BBBB"]));
    assert_eq!(outside.text(keys).as_deref(), Some("ssh-ed25519 AAAA two\nssh-ed25519 BBBB\n"));
    assert_eq!(outside.mode("/etc/sudoers.d/knarr-knarrtest"), Some(0o440));
    back(host, &changed);
    assert_eq!(outside.text(keys).as_deref(), Some("ssh-ed25519 AAAA one\n"));
    host.act(&made.swapped()).unwrap();
    assert_eq!(host.see(made.id(), None), Seen::Absent);
    assert_eq!((outside.text(keys), outside.text("/etc/sudoers.d/knarr-knarrtest")), (None, None));
    let Seen::Is(_) = host.see(made.id(), made.wanted()) else { panic!("the login stays") };
    assert!(host.act(&Change::to(None, account(&["a\nb"]))).is_err());
    let _: &Id = made.id();
}
