//! What is done on a machine over ssh: look at it, put knarrd there, enrol it, and ask knarrd. Nothing else ever.

use crate::probe::{self, BadProbe, Firewall, Probe};
use crate::secrets::digest;
use crate::ssh::{Input, SHORT, Ssh, SshError, Target, copy_command, plain, quoted};
use knarr_node::enrol::{Born, Enrolment};
use knarr_node::net::WgKey;
use knarr_node::report::Report;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where knarrd lies on a machine.
pub const KNARRD: &str = "/usr/local/bin/knarrd";

/// Where another version of knarrd lies on a machine until a commit pins it.
pub const INCOMING: &str = "/var/lib/knarr/incoming/knarrd";

/// How long packages, a copy, or a pass may take.
const LONG: Duration = Duration::from_mins(10);

/// A machine that people can reach.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// The connections.
    pub ssh: &'a Ssh,
    /// Where it is.
    pub target: &'a Target,
}

/// A machine that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// It was not reached, or a command failed.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The look at it came back broken.
    #[error("cannot look at the machine")]
    Probe(#[from] BadProbe),
    /// The program that is to be copied cannot be read.
    #[error("cannot read `{path}`")]
    Binary {
        /// The program here.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// knarrd did not answer as this version expects.
    #[error("`{command}` answered something else than {what}: {said}")]
    Answer {
        /// What was typed there.
        command: &'static str,
        /// What was expected.
        what: &'static str,
        /// What it said instead.
        said: String,
    },
}

impl MachineError {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::Ssh(error) => error.help(),
            Self::Probe(error) => error.help().to_owned(),
            Self::Binary { .. } => "install the knarr package again".to_owned(),
            Self::Answer { command, .. } => format!("look yourself, on the machine: {command}"),
        }
    }
}

impl Machine<'_> {
    /// Looks at it and changes nothing.
    pub fn probe(&self) -> Result<Probe, MachineError> {
        let said = self.ssh.run(self.target, "exec sh", &Input::Bytes(probe::SCRIPT.as_bytes()), SHORT)?;
        Ok(probe::parse(&said.out)?)
    }

    /// Installs Debian packages.
    pub fn install(&self, packages: &BTreeSet<&str>) -> Result<(), MachineError> {
        let names = packages.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" ");
        let line = apt_line(&names);
        self.ssh.root(self.target, &line, &Input::Nothing, LONG)?;
        Ok(())
    }

    /// Puts a program to /usr/local/bin/knarrd; the one that runs goes on until it is started anew.
    pub fn put_knarrd(&self, program: &Path) -> Result<(), MachineError> {
        let hex = digest(&std::fs::read(program).map_err(|source| unread(program, source))?).hex();
        self.put(program, &copy_command(KNARRD, hex.as_str()))
    }

    /// Has a program lie ready to take knarrd's place; none is copied where it runs or lies ready already.
    pub fn offer_knarrd(&self, program: &Path) -> Result<(), MachineError> {
        let hex = digest(&std::fs::read(program).map_err(|source| unread(program, source))?).hex();
        let look = format!("sha256sum {KNARRD} {INCOMING} 2>/dev/null");
        let said = self.ssh.said_by_root(self.target, &look, &Input::Nothing, SHORT)?;
        if plain(&said.out).lines().any(|line| line.starts_with(hex.as_str())) {
            return Ok(());
        }
        let folder = Path::new(INCOMING).parent().expect("it is in a folder").display();
        self.put(program, &format!("mkdir -p -m 0700 {folder}; {}", copy_command(INCOMING, hex.as_str())))
    }

    fn put(&self, program: &Path, command: &str) -> Result<(), MachineError> {
        let file = File::open(program).map_err(|source| unread(program, source))?;
        self.ssh.root(self.target, command, &Input::File(file), LONG)?;
        Ok(())
    }

    /// Turns a firewall of others off, now and after the next boot.
    pub fn turn_off(&self, firewall: Firewall) -> Result<(), MachineError> {
        self.ssh.root(self.target, &format!("{} >&2", firewall.off()), &Input::Nothing, SHORT)?;
        Ok(())
    }

    /// Tells it once whom to believe; doing it again gives the same answer.
    pub fn enroll(&self, enrolment: &Enrolment) -> Result<Born, MachineError> {
        let told = Zeroizing::new(serde_json::to_vec(enrolment).expect("an enrolment is JSON"));
        let command = format!("{KNARRD} enroll");
        let said = self.ssh.root(self.target, &command, &Input::Bytes(&told), SHORT)?;
        answer("knarrd enroll", "the public halves of its keys", &said)
    }

    /// Returns the public half of its WireGuard key, from the private one that it holds.
    pub fn wireguard_key(&self, patience: Duration) -> Result<WgKey, MachineError> {
        let said = self.ssh.root(
            self.target,
            "wg pubkey < /var/lib/knarr/wireguard.key",
            &Input::Nothing,
            patience,
        )?;
        plain(&said).parse().map_err(|_| MachineError::Answer {
            command: "wg pubkey",
            what: "a key",
            said: plain(&said),
        })
    }

    /// Tells it that people get in; only a connection that was dialled anew proves that.
    pub fn contact(&self) -> Result<(), MachineError> {
        let line = format!("{KNARRD} contact \"$1\"");
        self.ssh.said_by_root(self.target, &line, &Input::Nothing, SHORT)?;
        Ok(())
    }

    /// Tells it that a person sits there; returns for how many seconds a new login of theirs is waited for.
    pub fn at_hand(&self) -> Result<Option<u64>, MachineError> {
        let line = format!("{KNARRD} contact --at-hand");
        let said = self.ssh.root(self.target, &line, &Input::Nothing, SHORT)?;
        Ok(plain(&said).parse().ok().filter(|seconds| *seconds > 0))
    }

    /// Runs a pass now and returns what the machine says of itself after it.
    pub fn once(&self) -> Result<Report, MachineError> {
        self.report("knarrd once", &format!("{KNARRD} once --output json"), LONG)
    }

    /// Returns what the machine said after its last pass.
    pub fn status(&self, patience: Duration) -> Result<Report, MachineError> {
        self.report("knarrd status", &format!("{KNARRD} status --output json"), patience)
    }

    /// Returns what the machine has heard of all, itself among them.
    pub fn reports(&self, patience: Duration) -> Result<Vec<Report>, MachineError> {
        let line = format!("{KNARRD} status --all --output json");
        let said = self.ssh.said_by_root(self.target, &line, &Input::Nothing, patience)?;
        answer("knarrd status --all", "reports", &said.out)
    }

    /// Reads a report, whatever the exit code, which only says whether the machine has converged.
    fn report(&self, name: &'static str, line: &str, patience: Duration) -> Result<Report, MachineError> {
        let said = self.ssh.said_by_root(self.target, line, &Input::Nothing, patience)?;
        if said.out.is_empty() {
            let said = said.err.lines().next().unwrap_or("nothing").to_owned();
            return Err(MachineError::Answer { command: name, what: "a report", said });
        }
        answer(name, "a report", &said.out)
    }
}

fn unread(program: &Path, source: std::io::Error) -> MachineError {
    MachineError::Binary { path: program.display().to_string(), source }
}

fn apt_line(names: &str) -> String {
    format!(
        "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends {names} >&2"
    )
}

fn answer<T: DeserializeOwned>(
    command: &'static str,
    what: &'static str,
    said: &[u8],
) -> Result<T, MachineError> {
    let first = || plain(said).chars().take(200).collect();
    serde_json::from_slice(said).map_err(|_| MachineError::Answer { command, what, said: first() })
}

/// Does the same on all machines at once, and returns what came of it in their order.
pub fn at_once<T: Sync, R: Send>(all: &[T], one: impl Fn(&T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = all.iter().map(|item| scope.spawn(move || one(item))).collect();
        running.into_iter().map(|thread| thread.join().expect("what runs here does not panic")).collect()
    })
}
