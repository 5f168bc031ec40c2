//! What `knarr node add` shows before its one question.

use crate::join::{Candidate, Part, Place, closing, keep, packages};
use crate::probe::{Listens, Probe, Root, short};
use crate::spec::Role;
use crate::ui::Ui;
use knarr_node::firewall::Ssh;

/// Shows what was seen and what will happen.
///
/// `ssh` is who may dial sshd.
pub(in crate::cli) fn announce(candidates: &[Candidate], parts: &[Part], ssh: &Ssh, ui: &Ui) {
    let pairs = candidates.iter().zip(parts);
    let rows: Vec<[String; 4]> = pairs.map(|(candidate, part)| row(candidate, part, ssh)).collect();
    ui.table(["NODE", "SYSTEM", "SEEN", "BECOMES"], &rows);
    enrolment(candidates, ui);
}

fn enrolment(candidates: &[Candidate], ui: &Ui) {
    let version = env!("CARGO_PKG_VERSION");
    ui.say(format_args!(
        "On each: knarrd {version} (copied from here), knarrd.service, keys made there. Nothing else happens before a commit."
    ));
    let by_sudo = candidates.iter().filter(|candidate| candidate.probe.root == Root::Sudo);
    let by_sudo: Vec<&str> = by_sudo.map(|candidate| candidate.name.as_str()).collect();
    if !by_sudo.is_empty() {
        ui.say(format_args!("sudo is used on {}.", by_sudo.join(", ")));
    }
    for candidate in candidates {
        let packages: Vec<&str> = packages(&candidate.probe).into_iter().collect();
        if !packages.is_empty() {
            ui.say(format_args!("{}: apt-get installs {}.", candidate.name, packages.join(", ")));
        }
        for firewall in &candidate.probe.firewalls {
            ui.say(format_args!(
                "{}: {firewall} is turned off. Until the first `knarr ship`, nothing filters there.",
                candidate.name
            ));
        }
    }
}

fn row(candidate: &Candidate, part: &Part, ssh: &Ssh) -> [String; 4] {
    let Candidate { name, probe, .. } = candidate;
    let arch = probe.arch.as_ref().map_or_else(Clone::clone, ToString::to_string);
    [
        name.to_string(),
        format!("{} {arch}", probe.os),
        seen(probe),
        becomes(part) + &closes(candidate, part, ssh),
    ]
}

/// Says what others reach now and will not reach after the first commit, and what to type against it.
fn closes(candidate: &Candidate, part: &Part, ssh: &Ssh) -> String {
    let closing = closing(candidate, &part.open, ssh);
    if closing.is_empty() {
        return String::new();
    }
    let ports: Vec<String> = closing.iter().copied().map(short).collect();
    format!("   ← {} will close ({})", ports.join(", "), keep(&candidate.name, &closing))
}

fn becomes(part: &Part) -> String {
    let role = match part.role {
        Role::Server => "server",
        Role::Agent => "agent",
    };
    match (part.place, &part.relay) {
        (Place::At(ip), _) => format!("{role} at {ip}"),
        (Place::Nat, None) => format!("{role}, behind NAT"),
        (Place::Nat, Some(relay)) => format!("{role}, behind NAT, through {relay}"),
    }
}

fn seen(probe: &Probe) -> String {
    let addresses: Vec<String> = probe.addresses.iter().map(ToString::to_string).collect();
    let listens: Vec<String> = probe.listens.iter().map(Listens::to_string).collect();
    [addresses, listens]
        .map(|part| part.join(", "))
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
