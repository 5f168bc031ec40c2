//! What a scenario does with a host: run, read, write, kill, reboot. As from its own console, without SSH.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::child::Child;
use crate::power::{self, Power};
use crate::shell::{self, Output, wait_until};
use crate::spec::HostSpec;
use crate::watch::Watch;

/// A host of the lab.
#[derive(Debug)]
pub struct Host {
    pub(crate) power: Arc<Power>,
}

impl Host {
    fn spec(&self) -> &'static HostSpec {
        self.power.spec
    }
    /// Name, as in the table of hosts.
    pub fn name(&self) -> &'static str {
        self.spec().name
    }
    /// The address on its first leg.
    pub fn address(&self) -> String {
        self.spec().address()
    }
    /// Who logs in and where, e.g. `debian@198.51.100.4`.
    pub fn ssh(&self) -> String {
        self.spec().ssh()
    }

    /// Runs shell text as root and tells how it went; the first failing command ends it.
    pub fn run(&self, text: &str) -> Output {
        self.run_as("root", text)
    }

    /// Runs shell text as a user, in that user's home.
    pub fn run_as(&self, user: &str, text: &str) -> Output {
        self.feed(user, text, b"")
    }

    /// Runs shell text as a user with `input` as its standard input.
    pub fn feed(&self, user: &str, text: &str, input: &[u8]) -> Output {
        let Some(mut command) = self.command(user, text) else { return power::off() };
        let output = shell::run(&mut command, input);
        self.hear(&output);
        if std::env::var_os("VERBOSE").is_some() {
            println!("      {}@{}$ {text}\n{output}", user, self.name());
        }
        output
    }

    /// Returns all that was said by what was run here, in its order; but not by what [`Host::spawn`] started.
    pub fn said(&self) -> String {
        fs::read_to_string(self.power.folder.join("said")).unwrap_or_default()
    }

    fn hear(&self, output: &Output) {
        let file = fs::OpenOptions::new().create(true).append(true).open(self.power.folder.join("said"));
        let said = format!("{}{}", output.stdout, output.stderr);
        file.and_then(|mut file| file.write_all(said.as_bytes())).expect("the lab's folder can be written");
    }

    /// Looks at the processes of the host until the value is dropped or asked what it saw.
    pub fn watch(&self) -> Watch {
        Watch::of(self.power.running().unwrap_or_else(|| panic!("`{}` is off", self.name())).first)
    }

    /// Runs shell text as root that has to succeed, and gives its standard output without white space around it.
    pub fn expect(&self, text: &str) -> String {
        self.expect_as("root", text)
    }

    /// Runs shell text as a user that has to succeed, and gives its standard output without white space around it.
    pub fn expect_as(&self, user: &str, text: &str) -> String {
        let output = self.run_as(user, text);
        assert!(output.ok(), "{user}@{}$ {text}\n{output}", self.name());
        output.text().to_owned()
    }

    /// Runs shell text as root that has to fail, and tells how it did.
    pub fn refuse(&self, text: &str) -> Output {
        self.refuse_as("root", text)
    }

    /// Runs shell text as a user that has to fail, and tells how it did.
    pub fn refuse_as(&self, user: &str, text: &str) -> Output {
        let output = self.run_as(user, text);
        assert!(!output.ok(), "this had to fail: {user}@{}$ {text}\n{output}", self.name());
        output
    }

    /// Starts shell text as a user and leaves it running, its output captured.
    pub fn spawn(&self, user: &str, text: &str) -> Child {
        let name = format!("{user}@{}$ {text}", self.name());
        let command = self.command(user, text).unwrap_or_else(|| panic!("`{}` is off: {name}", self.name()));
        Child::start(name, command)
    }

    /// As [`Host::spawn`], but on a terminal, as a person has it: output and error are one, questions are asked.
    pub fn spawn_on_terminal(&self, user: &str, text: &str) -> Child {
        let quoted = text.replace('\'', r"'\''");
        self.spawn(user, &format!("exec script --quiet --return --flush --command '{quoted}' /dev/null"))
    }

    /// Writes a file, replaced at once so that a program which runs may be replaced too. Makes its folder.
    pub fn put(&self, path: &str, content: &[u8], mode: u32) {
        if self.power.running().is_none() {
            return self.put_from_outside(path, content, mode);
        }
        let text = format!(
            "umask 077; mkdir -p -m 0755 \"$(dirname '{path}')\"; cat > '{path}.new'; chmod {mode:o} '{path}.new'; mv -f '{path}.new' '{path}'"
        );
        let output = self.feed("root", &text, content);
        assert!(output.ok(), "{path} on `{}`: {output}", self.name());
    }

    fn put_from_outside(&self, path: &str, content: &[u8], mode: u32) {
        let file = self.outside(path);
        let done = fs::write(&file, content)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(mode)));
        done.unwrap_or_else(|fault| panic!("{path} on `{}`: {fault}", self.name()));
    }

    /// Reads a file; also of a host that is off.
    pub fn read(&self, path: &str) -> Vec<u8> {
        if self.power.running().is_none() {
            return fs::read(self.outside(path))
                .unwrap_or_else(|fault| panic!("{path} on `{}`: {fault}", self.name()));
        }
        let mut command =
            self.command("root", &format!("cat '{path}'")).expect("the host is on, as asked above");
        let done = shell::run_raw(&mut command, b"");
        assert!(
            done.status.success(),
            "{path} on `{}`: {}",
            self.name(),
            String::from_utf8_lossy(&done.stderr)
        );
        done.stdout
    }

    /// Reads a text file; also of a host that is off.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path))
            .unwrap_or_else(|_| panic!("{path} on `{}` is no text", self.name()))
    }

    fn outside(&self, path: &str) -> std::path::PathBuf {
        self.power.folder.join("root").join(path.trim_start_matches('/'))
    }

    /// Adds a public key to those that may log in as `user`.
    pub fn authorize(&self, user: &str, public_key: &str) {
        let key = public_key.trim();
        let output = self.feed(user, "cat >> .ssh/authorized_keys", format!("{key}\n").as_bytes());
        assert!(output.ok(), "authorized_keys of {user} on `{}`: {output}", self.name());
    }

    /// Sends SIGKILL to all processes whose command line matches; false when there was none.
    pub fn kill9(&self, pattern: &str) -> bool {
        let running = self.power.running().unwrap_or_else(|| panic!("`{}` is off", self.name()));
        shell::run(power::enter(running.first).args(["pkill", "-KILL", "-f", "--", pattern]), b"").ok()
    }

    /// Reboots in good order and waits until the host takes logins again. Its network starts afresh, as in a real one.
    pub fn reboot(&self) {
        let before = self.power.running();
        assert!(before.is_some(), "`{}` is off", self.name());
        self.run("systemctl reboot");
        let back = || self.power.running().is_some_and(|now| Some(now) != before);
        wait_until(&format!("`{}` goes down to reboot", self.name()), Duration::from_mins(2), back);
        self.power.wait_ready();
    }

    /// Shuts the host down in good order.
    pub fn power_off(&self) {
        self.run("systemctl poweroff");
        self.power.wait_off();
    }

    /// Pulls the plug: all processes are gone at once, files stay as they were written (not only what was synced).
    pub fn power_cut(&self) {
        self.power.cut();
    }

    /// Switches on a host that is off, and waits until it takes logins.
    pub fn power_on(&self) {
        self.power.on();
    }

    /// True while the host has a process.
    pub fn is_on(&self) -> bool {
        self.power.running().is_some()
    }

    /// The command for shell text of a user; none while the host is off.
    fn command(&self, user: &str, text: &str) -> Option<Command> {
        let mut command = power::enter(self.power.running()?.first);
        if user != "root" {
            command.args(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--reset-env", "--"]);
        }
        // Without a login shell of its own, git's user works with the same text as all others.
        command.args(["sh", "-ec", &format!("cd\n{text}")]);
        Some(command)
    }
}
