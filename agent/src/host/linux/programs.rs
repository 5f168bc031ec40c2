//! The programs that know logins, networks and tables, and judge files: confined children without environment,
//! bounded in time.

use crate::host::Fault;
use knarr_node::item::Check;
use knarr_node::name::AccountName;
use std::io::{self, ErrorKind};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(30);
/// What a refusal may add to a message, in characters.
const WORDS: usize = 400;

/// A program of the system.
pub(super) struct Program {
    name: &'static str,
    package: &'static str,
}

const GETENT: Program = Program { name: "getent", package: "libc-bin" };
const USERADD: Program = Program { name: "useradd", package: "passwd" };
const VISUDO: Program = Program { name: "visudo", package: "sudo" };
const SSHD: Program = Program { name: "sshd", package: "openssh-server" };
pub(super) const IP: Program = Program { name: "ip", package: "iproute2" };
pub(super) const WG: Program = Program { name: "wg", package: "wireguard-tools" };
pub(super) const NFT: Program = Program { name: "nft", package: "nftables" };
pub(super) const SYSTEMCTL: Program = Program { name: "systemctl", package: "systemd" };
pub(super) const SYSTEMD_RUN: Program = Program { name: "systemd-run", package: "systemd" };

pub(super) async fn accepts(check: Check, path: &str) -> Result<(), Fault> {
    match check {
        Check::Sudoers => VISUDO.accepted(&VISUDO.run(&["-c", "-f", path]).await?),
        Check::Sshd => {
            // Debian's sshd needs this folder even for -t, and only its unit makes it.
            crate::host::linux::files::make_folder("/run/sshd", 0o755)?;
            SSHD.accepted(&SSHD.run(&["-t"]).await?)
        }
    }
}

/// Source: getent(1), glibc 2.36: 2 means that a key was not found.
pub(super) async fn has_account(name: &AccountName) -> Result<bool, Fault> {
    let output = GETENT.run(&["passwd", name.as_str()]).await?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(2) => Ok(false),
        Some(_) | None => Err(GETENT.failed(&output)),
    }
}

/// The password `*` fits nothing, and unlike `!` does not lock the login for keys.
pub(super) async fn add_account(name: &AccountName) -> Result<(), Fault> {
    USERADD.must(&["-m", "-s", "/bin/bash", "-p", "*", name.as_str()]).await
}

/// How long a program may take to save data.
const SAVING: Duration = Duration::from_mins(10);

/// Runs a program that a State names; it needs a home for nothing, but K3s asks for one.
pub(super) async fn saved(program: &str, args: &[&str]) -> Result<(), Fault> {
    let odd = |said: String| Fault::Save { program: program.to_owned(), said };
    let mut command = bare(program, args);
    command.env("HOME", "/root").stdin(Stdio::null());
    match tokio::time::timeout(SAVING, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(odd(said(&output))),
        Ok(Err(error)) => Err(odd(error.to_string())),
        Err(_) => Err(odd(format!("no end after {} min", SAVING.as_secs() / 60))),
    }
}

/// Returns a command that gets nothing from this process, and ends with who waits for it.
fn bare(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command.current_dir("/").kill_on_drop(true);
    command
}

/// Refuses early what another program would only fail at.
pub(super) fn need(path: &str, package: &'static str) -> Result<(), Fault> {
    let there = crate::host::linux::files::stat(path)?.is_some();
    if there { Ok(()) } else { Err(Fault::Missing { program: package, package }) }
}

impl Program {
    /// Runs it to its end, whatever that is.
    pub(super) async fn run(&self, args: &[&str]) -> Result<Output, Fault> {
        self.feed(args, &[]).await
    }

    /// Runs it, which must succeed.
    pub(super) async fn must(&self, args: &[&str]) -> Result<(), Fault> {
        self.good(&self.run(args).await?).map(drop)
    }

    /// Runs it to its end with `input` on its standard input.
    pub(super) async fn feed(&self, args: &[&str], input: &[u8]) -> Result<Output, Fault> {
        match tokio::time::timeout(PATIENCE, self.end(args, input)).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
                Err(Fault::Missing { program: self.name, package: self.package })
            }
            Ok(Err(error)) => Err(self.odd(&error.to_string())),
            Err(_) => Err(self.odd(&format!("no end after {} s", PATIENCE.as_secs()))),
        }
    }

    async fn end(&self, args: &[&str], input: &[u8]) -> io::Result<Output> {
        let mut command = bare(self.name, args);
        // wg would ask again for minutes when a name is not known yet; the next pass asks again anyway.
        command.env("WG_ENDPOINT_RESOLUTION_RETRIES", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let write = async {
            // A program that does not want its input says so by its exit code.
            if let Some(mut pipe) = stdin {
                let _ = pipe.write_all(input).await;
            }
        };
        tokio::join!(child.wait_with_output(), write).0
    }

    /// Returns what it said when it succeeded.
    pub(super) fn good<'a>(&self, output: &'a Output) -> Result<&'a Output, Fault> {
        if output.status.success() { Ok(output) } else { Err(self.failed(output)) }
    }

    /// Takes its end as a verdict.
    pub(super) fn accepted(&self, output: &Output) -> Result<(), Fault> {
        let refused = || Fault::Refused { program: self.name, said: said(output) };
        if output.status.success() { Ok(()) } else { Err(refused()) }
    }

    /// Returns the fault of a program that behaves as it should not.
    pub(super) fn odd(&self, said: &str) -> Fault {
        Fault::Program { program: self.name, said: said.to_owned() }
    }

    fn failed(&self, output: &Output) -> Fault {
        Fault::Program { program: self.name, said: said(output) }
    }
}

/// Returns what a program said, as one short line without anything that a terminal would interpret.
fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(WORDS).collect()
}
