//! The programs that know logins and judge files: confined children without environment, bounded in time.

use crate::host::Fault;
use knarr_node::item::Check;
use knarr_node::name::AccountName;
use std::io::ErrorKind;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(30);
/// What a refusal may add to a message, in characters.
const WORDS: usize = 400;

struct Program {
    name: &'static str,
    package: &'static str,
}

const GETENT: Program = Program { name: "getent", package: "libc-bin" };
const USERADD: Program = Program { name: "useradd", package: "passwd" };
const VISUDO: Program = Program { name: "visudo", package: "sudo" };
const SSHD: Program = Program { name: "sshd", package: "openssh-server" };

pub(super) async fn accepts(check: Check, path: &str) -> Result<(), Fault> {
    let (program, output) = match check {
        Check::Sudoers => (VISUDO.name, VISUDO.run(&["-c", "-f", path]).await?),
        Check::Sshd => {
            // Debian's sshd needs this folder even for -t, and only its unit makes it.
            crate::host::linux::files::make_folder("/run/sshd", 0o755)?;
            (SSHD.name, SSHD.run(&["-t"]).await?)
        }
    };
    if output.status.success() { Ok(()) } else { Err(Fault::Refused { program, said: said(&output) }) }
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
    let output = USERADD.run(&["-m", "-s", "/bin/bash", "-p", "*", name.as_str()]).await?;
    if output.status.success() { Ok(()) } else { Err(USERADD.failed(&output)) }
}

impl Program {
    async fn run(&self, args: &[&str]) -> Result<Output, Fault> {
        let mut command = Command::new(self.name);
        command.args(args).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(PATIENCE, command.output()).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
                Err(Fault::Missing { program: self.name, package: self.package })
            }
            Ok(Err(error)) => Err(Fault::Program { program: self.name, said: error.to_string() }),
            Err(_) => {
                let said = format!("no end after {} s", PATIENCE.as_secs());
                Err(Fault::Program { program: self.name, said })
            }
        }
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
