//! The system's `ssh` as a child process: user's keys, agent, config and known_hosts count as they stand.
//!
//! A machine is dialled once: further commands share the connection by a socket in a private folder.
//! Nothing is asked on the way (BatchMode), and what is secret goes by standard input only.

mod error;
mod login;
mod target;

pub use error::SshError;
pub use login::{Login, login};
pub use target::{BadTarget, Target};

use error::Dial;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The most that a machine may say to one command, in bytes.
const MOST: u64 = 4 << 20;

/// How long a machine may take to answer a short question.
pub const SHORT: Duration = Duration::from_secs(30);

/// Connections to machines; they close when this goes.
#[derive(Debug)]
pub struct Ssh {
    sockets: TempDir,
    options: Vec<OsString>,
    way: Way,
    stopped: AtomicBool,
}

/// How commands get to where they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By ssh.
    Dialled,
    /// They run on this very machine, whatever the target says.
    Here,
}

/// What goes to the standard input of a command.
#[derive(Debug)]
pub enum Input<'a> {
    /// Nothing.
    Nothing,
    /// These bytes, which may be secret.
    Bytes(&'a [u8]),
    /// All of this file.
    File(File),
}

/// What a command on a machine said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its standard output, at most 4 MiB.
    pub out: Vec<u8>,
    /// Its standard error, made fit for a terminal.
    pub err: String,
}

impl Ssh {
    /// Makes the private folder for the sockets. Nothing is dialled yet.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> Result<Self, SshError> {
        Self::with(Vec::new())
    }

    /// As [`Ssh::new`], but each command dials anew and logs in: what counts as a proof that people still get in.
    pub fn dialling_anew() -> Result<Self, SshError> {
        let anew = ["-o", "ControlMaster=no", "-o", "ControlPath=none"];
        Self::with(anew.map(OsString::from).into())
    }

    /// Runs all commands on this very machine: what is done to others over ssh is done here without a login.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn here() -> Result<Self, SshError> {
        let mut here = Self::new()?;
        here.way = Way::Here;
        Ok(here)
    }

    /// Gives up all commands that run, and all that would.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// As [`Ssh::new`], with further options before all others.
    fn with(options: Vec<OsString>) -> Result<Self, SshError> {
        // A socket's path holds 107 bytes at most (unix(7)), so a long TMPDIR does not serve.
        let sockets =
            tempfile::Builder::new().prefix("knarr-").tempdir_in("/tmp").map_err(SshError::Folder)?;
        Ok(Self { sockets, options, way: Way::Dialled, stopped: AtomicBool::new(false) })
    }

    /// Runs `command` on the machine and returns what it said, whatever its exit code.
    ///
    /// # Errors
    /// When the machine cannot be reached, or does not end within `patience`, or says more than 4 MiB.
    pub fn run(
        &self,
        target: &Target,
        command: &str,
        input: &Input<'_>,
        patience: Duration,
    ) -> Result<Said, SshError> {
        let mut child = self.child(target, command, input).spawn().map_err(SshError::Start)?;
        let said = self.wait(target, &mut child, input, Instant::now() + patience);
        if said.is_err() {
            // Both fail only when the child has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        match said? {
            Said { code: 255, err, .. } => Err(SshError::Dial(Dial::of(target, &err))),
            said => Ok(said),
        }
    }

    /// Runs `command` as root, through `sudo -n` where the login is another.
    ///
    /// # Errors
    /// As [`Ssh::run`], and when sudo wants a password.
    pub fn said_by_root(
        &self,
        target: &Target,
        command: &str,
        input: &Input<'_>,
        patience: Duration,
    ) -> Result<Said, SshError> {
        let said = self.run(target, &as_root(command), input, patience)?;
        let refused = said.code != 0 && said.out.is_empty() && said.err.contains("sudo:");
        if refused { Err(remote(target, command, said)) } else { Ok(said) }
    }

    /// Runs `command` as root and returns its output.
    ///
    /// # Errors
    /// As [`Ssh::said_by_root`], and when the command ends with another code than 0.
    pub fn root(
        &self,
        target: &Target,
        command: &str,
        input: &Input<'_>,
        patience: Duration,
    ) -> Result<Vec<u8>, SshError> {
        let said = self.said_by_root(target, command, input, patience)?;
        if said.code == 0 { Ok(said.out) } else { Err(remote(target, command, said)) }
    }

    fn child(&self, target: &Target, command: &str, input: &Input<'_>) -> Command {
        let mut ssh = match self.way {
            Way::Here => shell(command),
            Way::Dialled => self.dial(target, command),
        };
        ssh.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(match input {
            Input::Nothing => Stdio::null(),
            Input::Bytes(_) => Stdio::piped(),
            Input::File(file) => file.try_clone().map_or_else(|_| Stdio::null(), Stdio::from),
        });
        ssh
    }

    fn dial(&self, target: &Target, command: &str) -> Command {
        let mut ssh = self.base();
        ssh.arg("-T");
        if let Some(port) = target.port {
            ssh.arg("-p").arg(port.to_string());
        }
        ssh.arg("--").arg(target.login()).arg(command);
        ssh
    }

    /// Feeds the child, reads both its outputs, and waits for its end.
    fn wait(
        &self,
        target: &Target,
        child: &mut Child,
        input: &Input<'_>,
        end: Instant,
    ) -> Result<Said, SshError> {
        let [out, err] = [child.stdout.take().map(drain), child.stderr.take().map(drain)];
        if let (Input::Bytes(bytes), Some(mut pipe)) = (input, child.stdin.take()) {
            // A machine that does not want the rest says why by its exit code.
            let _ = pipe.write_all(bytes);
        }
        let collect = |from: Option<Receiver<Vec<u8>>>| -> Result<Vec<u8>, SshError> {
            let bytes = from.and_then(|from| self.receive(&from, end));
            let bytes = bytes.ok_or_else(|| SshError::Patience(target.clone()))?;
            if bytes.len() as u64 > MOST { Err(SshError::TooMuch(target.clone())) } else { Ok(bytes) }
        };
        let (out, err) = (collect(out)?, collect(err)?);
        let status = child.wait().map_err(SshError::Start)?;
        Ok(Said { code: status.code().unwrap_or(255), out, err: plain(&err) })
    }

    /// Returns what comes before `end`; nothing when it was stopped.
    fn receive(&self, from: &Receiver<Vec<u8>>, end: Instant) -> Option<Vec<u8>> {
        while !self.stopped.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            match from.recv_timeout(left.min(Duration::from_millis(100))) {
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                received => return received.ok(),
            }
        }
        None
    }

    fn base(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.env("LC_ALL", "C").args(&self.options);
        let socket = format!("ControlPath={}/%C", self.sockets.path().display());
        let fixed = [
            "BatchMode=yes",
            "ControlMaster=auto",
            "ControlPersist=60",
            "ConnectTimeout=10",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "LogLevel=ERROR",
            &socket,
        ];
        for option in fixed {
            ssh.args(["-o", option]);
        }
        ssh
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let Ok(sockets) = std::fs::read_dir(self.sockets.path()) else { return };
        for socket in sockets.flatten() {
            let mut ssh = Command::new("ssh");
            ssh.arg("-o")
                .arg(format!("ControlPath={}", socket.path().display()))
                .args(["-O", "exit", "-", "x"]);
            ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // A connection that is gone already needs no word; the others end by themselves after a minute.
            let _ = ssh.status();
        }
    }
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).env("LC_ALL", "C");
    shell
}

fn remote(target: &Target, command: &str, said: Said) -> SshError {
    let command = command.split(" && ").next().unwrap_or_default().to_owned();
    SshError::Remote { target: target.clone(), command, code: said.code, said: said.err }
}

/// Returns `text` as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns the command that puts standard input to `to`, mode 0755, when its SHA-256 is `digest`.
///
/// A connection that breaks ends the input early: so the digest is compared before the file takes its place.
pub fn copy_command(to: &str, digest: &str) -> String {
    let (new, to) = (quoted(&format!("{to}.new")), quoted(to));
    format!(
        "umask 022; cat > {new} && sum=$(sha256sum < {new}) && [ \"${{sum%% *}}\" = {digest} ] && chmod 0755 {new} && mv -f {new} {to} || {{ rm -f {new}; exit 1; }}"
    )
}

/// Wraps `command` so that any login shell runs it as root.
fn as_root(command: &str) -> String {
    let word = quoted(command);
    // sudo does not hand SSH_CONNECTION on, so commands find it as their first word.
    let words = format!("{word} sh \"$SSH_CONNECTION\"");
    let script =
        format!("if [ \"$(id -u)\" = 0 ]; then exec sh -c {words}; else exec sudo -n sh -c {words}; fi");
    format!("exec sh -c {}", quoted(&script))
}

/// Reads to the end, or to one byte above the most, in a thread of its own.
fn drain(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before a broken pipe counts too.
        let _ = from.by_ref().take(MOST + 1).read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    receive
}

/// Returns what a machine said, without what a terminal would obey.
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let tame = |c: char| if c.is_control() && c != '\n' { '·' } else { c };
    text.replace("\r\n", "\n").chars().map(tame).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
