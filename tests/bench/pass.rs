//! A pass that changes nothing: thirteen files that are as wanted, seen and compared.

use crate::figure::{Figure, Target, Values};
use crate::peers::Peers;
use knarr_node::item::File;
use knarr_node::name::{AbsPath, NodeName, Oid};
use knarr_node::{Change, Item};
use knarrd::converge::{Means, converge};
use knarrd::guard::{BootTime, Contacts, Outside, Situation, Terms};
use knarrd::host::{LinuxHost, Secrets, Settings};
use knarrd::journal::{Cause, FileStorage, Journal};
use std::path::Path;
use std::process::{Command, Stdio};

const FILES: usize = 13;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let ours = Values::times(31, || pass(top));
    let peer = peers.python("ansible-pull").map(|program| {
        playbook(top);
        ("ansible-pull, ansible-core 2.19.14".to_owned(), Values::times(3, || pull(&program, top)))
    });
    let target = Target::AtMost(0.030);
    vec![Figure { what: "a pass that changes nothing: 13 files, without fetch", ours, target, peer }]
}

fn pass(top: &Path) {
    let path = |name: &str| top.join(name).to_str().unwrap().parse::<AbsPath>().unwrap();
    let item = |n| Item::File(File::text(path(&format!("ours/{n}")), text(n)));
    let items: Vec<Item> = (0..FILES).map(item).collect();
    std::fs::create_dir_all(top.join("state")).unwrap();
    let settings = Settings { state: path("state"), run: path("run"), program: path("knarrd") };
    let mut host = LinuxHost::open(settings, Secrets::new()).unwrap();
    let mut journal = Journal::open(Box::new(FileStorage::new(top.join("state/journal")))).unwrap();
    let cause = Cause { commit: "0".repeat(40).parse().unwrap(), at: 0 };
    let means = Means { host: &mut host, outside: &mut Alone, journal: &mut journal };
    let done = converge(&items, means, &cause).unwrap();
    assert!(done.troubles.is_empty());
}

/// A machine without others. Files ask nobody.
struct Alone;

impl Outside for Alone {
    fn situation(&self) -> Situation {
        Situation::default()
    }
    fn clock(&self) -> BootTime {
        BootTime::default()
    }
    fn arm(&mut self, _: BootTime) -> Result<(), String> {
        Ok(())
    }
    fn disarm(&mut self) {}
    fn before(&mut self, _: &Terms) -> Contacts {
        Contacts::default()
    }
    fn renew(&mut self, _: &[Change]) {}
    fn after(&mut self, _: &Terms, _: &Contacts, _: BootTime) -> Contacts {
        Contacts::default()
    }
    fn pause(&mut self) {}
    fn settled(&mut self, _: &NodeName, _: &Oid) -> Result<(), String> {
        Ok(())
    }
    fn warn(&mut self, _: &Oid) {}
}

fn text(n: usize) -> String {
    format!("file {n}\n").repeat(40)
}

/// Makes a repository with a playbook that wants the same files.
fn playbook(top: &Path) {
    let origin = top.join("origin");
    std::fs::create_dir_all(&origin).unwrap();
    let task = |n| {
        let to = top.join(format!("theirs-{n}"));
        std::fs::write(origin.join(format!("{n}")), text(n)).unwrap();
        format!("  - copy: {{src: '{n}', dest: '{}', mode: '0644'}}\n", to.display())
    };
    let tasks: String = (0..FILES).map(task).collect();
    let play = format!("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n{tasks}");
    std::fs::write(origin.join("local.yml"), play).unwrap();
    let commit =
        "git init -q -b main . && git add -A && git -c user.name=b -c user.email=b@b commit -qm play";
    assert!(Command::new("sh").args(["-ec", commit]).current_dir(&origin).status().unwrap().success());
}

fn pull(program: &Path, top: &Path) {
    let origin = format!("file://{}", top.join("origin").display());
    let mut command = Command::new(program);
    command
        .args(["-U", &origin, "-C", "main", "-i", "localhost,", "-d"])
        .arg(top.join("checkout"))
        .arg("local.yml");
    let bin = program.parent().unwrap().display();
    command.env("PATH", format!("{bin}:/usr/bin:/bin")).env("HOME", top).env("LC_ALL", "C.UTF-8");
    assert!(
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(),
        "ansible-pull fails"
    );
}
