//! K3s's unit: as K3s's own script writes it, after the mesh, and never to found a cluster twice.

use super::turns::data;
use super::{Machine, path};
use crate::lower::own;
use knarr_node::item::{Minor, Snapshot, Unit};
use knarr_node::name::AbsPath;
use std::collections::BTreeSet;

/// Where a server keeps what Kubernetes knows.
pub(super) const DATA: &str = "/var/lib/rancher/k3s/server/db";
/// The mark of a founded cluster on its first server.
pub(super) const FOUNDED: &str = "/var/lib/knarr/k3s-founded";

/// Returns the unit of a machine, with what comes before it changes.
pub(super) fn unit(machine: Machine<'_>, reads: BTreeSet<AbsPath>) -> Unit {
    let name = if machine.is_server() { own::K3S_SERVER } else { own::K3S_AGENT };
    let name = name.parse().expect("it is a unit's name");
    let mut waits = machine.turns.gates(machine.model, machine.k3s, machine.name);
    if machine.is_first() && machine.model.cluster.birth.founded.is_some() {
        waits.push(data());
    }
    let (floor, snapshot) =
        if machine.is_server() { (Some(floor(machine)), snapshot()) } else { Default::default() };
    Unit { waits, floor, snapshot, ..Unit::new(name, Some(text(machine)), reads) }
}

/// Returns the minor version: an older API server does not read all that a newer one writes.
/// Source: K3s documentation, upgrades/roll-back.md, v1.36.
fn floor(machine: Machine<'_>) -> Minor {
    machine.k3s.version.minor
}

/// Returns how a server's data are saved: etcd by K3s itself, SQLite by a copy, for K3s has no command for that.
/// Source: K3s documentation, cli/etcd-snapshot.md and datastore/backup-restore.md, v1.36.
fn snapshot() -> Vec<Snapshot> {
    let by = [own::K3S, "etcd-snapshot", "save", "--name=knarr", "--etcd-snapshot-dir"];
    let etcd = Snapshot { of: vec![path(&format!("{DATA}/etcd"))], by: by.map(str::to_owned).into() };
    let sqlite = Snapshot { of: vec![path(DATA), path("/var/lib/rancher/k3s/server/token")], by: Vec::new() };
    vec![etcd, sqlite]
}

/// Source: k3s:install.sh, v1.36; without its files of environment, for config.yaml has all.
fn text(machine: Machine<'_>) -> String {
    let role = if machine.is_server() { "server" } else { "agent" };
    format!(
        "\
[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target knarr-boot.service
AssertPathExists={first}

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
{before}ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart={k3s} {role}
",
        first = path(&format!("{}/{}", own::K3S_DROP_INS, own::K3S_FIRST)),
        before = before(machine),
        k3s = own::K3S,
    )
}

/// Returns what a server does before it starts: its folder is for root only, and the first one of a founded cluster does
/// not start without its data, also when knarrd is dead.
fn before(machine: Machine<'_>) -> String {
    let private = "ExecStartPre=/usr/bin/install -d -m 0700 /var/lib/rancher/k3s/server\n";
    let condition = format!(
        "ExecCondition=/bin/sh -c 'test ! -e {FOUNDED} || test -n \"$$(ls -A {DATA} 2>/dev/null)\"'\n"
    );
    match (machine.is_server(), machine.is_first()) {
        (true, true) => condition + private,
        (true, false) => private.to_owned(),
        (false, _) => String::new(),
    }
}
