//! Everybody else, as far as a simulated machine can tell: one person who dials in, and a git remote.
//!
//! People get in while sshd runs and has read no `locked`. Asking takes no time, waiting lets the clock go on.

use crate::fake::Machine;
use knarr_node::Change;
use knarr_node::name::{NodeName, Oid};
use knarrd::guard::{BootTime, Contacts, Outside, Situation, Terms};
use std::time::Duration;

/// What is different from a good day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Day {
    /// The person and git are there.
    #[default]
    Good,
    /// Nobody dials in, and git answers always.
    Alone,
    /// The person goes away once the stage began, for another reason.
    PersonLeaves,
    /// Another machine was cut off by the commit.
    Warned,
    /// No other machine has settled yet.
    Busy,
    /// systemd does not start the guard's unit.
    NoUnit,
}

/// All others, seen from one machine.
pub(crate) struct Others {
    machine: Machine,
    day: Day,
    clock: BootTime,
    /// How often the guard's unit was started.
    pub(crate) armed: usize,
    pub(crate) warned: Vec<Oid>,
}

impl Others {
    pub(crate) fn on(machine: &Machine, day: Day) -> Self {
        Self { machine: machine.clone(), day, clock: BootTime::default(), armed: 0, warned: Vec::new() }
    }

    fn gets_in(&self) -> bool {
        let read = self.machine.text("/run/ssh.service.out");
        self.machine.is_active(&"ssh.service".parse().unwrap())
            && !read.unwrap_or_default().contains("locked")
    }
}

impl Outside for Others {
    fn situation(&self) -> Situation {
        let held = (self.day == Day::Warned).then(|| "edge".parse::<NodeName>().unwrap());
        Situation { held, patience: Duration::from_secs(10), ..Situation::default() }
    }
    fn clock(&self) -> BootTime {
        self.clock
    }
    fn arm(&mut self, _: BootTime) -> Result<(), String> {
        self.armed += 1;
        if self.day == Day::NoUnit { Err("no D-Bus".to_owned()) } else { Ok(()) }
    }
    fn disarm(&mut self) {}
    fn before(&mut self, _: &Terms) -> Contacts {
        Contacts { git: true, operator: self.day != Day::Alone && self.gets_in(), ..Contacts::default() }
    }
    fn renew(&mut self, _: &[Change]) {}
    fn after(&mut self, _: &Terms, _: &Contacts, _: BootTime) -> Contacts {
        let there = !matches!(self.day, Day::Alone | Day::PersonLeaves);
        Contacts { git: true, operator: there && self.gets_in(), ..Contacts::default() }
    }
    fn pause(&mut self) {
        self.clock = self.clock + Duration::from_secs(1);
    }
    fn settled(&mut self, node: &NodeName, commit: &Oid) -> Result<(), String> {
        if self.day == Day::Busy {
            Err(format!("`{node}` has not applied {} yet", commit.short()))
        } else {
            Ok(())
        }
    }
    fn warn(&mut self, commit: &Oid) {
        self.warned.push(commit.clone());
    }
}
