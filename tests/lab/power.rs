//! The power switch of one host: starts systemd-nspawn, finds its first process, notices when it ends. A host that
//! reboots by itself comes back as a real one does, with a fresh network.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::net::Net;
use crate::peers::{PEERS, peers};
use crate::shell::{self, Output, wait_for, wait_until};
use crate::spec::HostSpec;

/// Exit code by which systemd-nspawn, as part of a larger whole, says that the host wants to be started again.
/// Source: systemd 252, src/nspawn/nspawn.c, `EXIT_FORCE_RESTART`.
const REBOOT: i32 = 133;
const BOOT: Duration = Duration::from_secs(90);

/// The processes of a host that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    nspawn: Pid,
    /// The host's process 1, as this machine numbers it
    pub(crate) first: Pid,
}

/// A host's power switch.
#[derive(Debug)]
pub(crate) struct Power {
    pub(crate) spec: &'static HostSpec,
    /// The name of the host on this machine, which holds the lab's id
    pub(crate) machine: String,
    /// Folder of the host: `root` is its mounted file system
    pub(crate) folder: PathBuf,
    pub(crate) net: Arc<Net>,
    running: Mutex<Option<Running>>,
    closing: AtomicBool,
}

impl Power {
    pub(crate) fn new(spec: &'static HostSpec, machine: String, folder: PathBuf, net: Arc<Net>) -> Self {
        Self { spec, machine, folder, net, running: Mutex::default(), closing: AtomicBool::new(false) }
    }

    pub(crate) fn running(&self) -> Option<Running> {
        *self.running.lock().expect("no holder of this lock panics")
    }

    fn set(&self, running: Option<Running>) {
        *self.running.lock().expect("no holder of this lock panics") = running;
    }

    /// Switches the host on and waits until it takes logins.
    pub(crate) fn on(self: &Arc<Self>) {
        assert!(self.running().is_none(), "`{}` is on already", self.spec.name);
        self.start();
        self.wait_ready();
    }

    /// Waits until systemd has reached its default target and sshd listens.
    pub(crate) fn wait_ready(&self) {
        let awaited = format!("`{}` boots, its console is {}", self.spec.name, self.console().display());
        wait_until(&awaited, BOOT, || self.is_ready());
    }

    pub(crate) fn is_ready(&self) -> bool {
        let Some(running) = self.running() else { return false };
        shell::run(
            enter(running.first).args(["systemctl", "is-active", "-q", "multi-user.target", "ssh.service"]),
            b"",
        )
        .ok()
    }

    /// Kills everything at once, as when the plug is pulled, and waits until it is gone.
    pub(crate) fn cut(&self) {
        let running = self.running().unwrap_or_else(|| panic!("`{}` is off already", self.spec.name));
        for process in [running.first, running.nspawn] {
            // One that has just ended by itself is as gone as it should be.
            kill_process(process, Signal::KILL).ok();
        }
        self.wait_off();
    }

    /// Waits until no process of the host is left.
    pub(crate) fn wait_off(&self) {
        let awaited = format!("`{}` is off", self.spec.name);
        wait_until(&awaited, BOOT, || self.running().is_none());
    }

    /// From now on a host that ends stays off.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    fn start(self: &Arc<Self>) {
        self.net.rewire(self.spec);
        let mut child = self.nspawn();
        let nspawn = Pid::from_child(&child);
        let first = wait_for(&format!("`{}` starts", self.spec.name), BOOT, || {
            self.assert_lives(&mut child);
            first_process(nspawn)
        });
        self.set(Some(Running { nspawn, first }));
        let power = Arc::clone(self);
        std::thread::spawn(move || power.watch(child, first));
    }

    fn assert_lives(&self, child: &mut Child) {
        let ended = child.try_wait().expect("our own child can be waited for");
        let said = || fs::read_to_string(self.console()).unwrap_or_default();
        assert!(ended.is_none(), "`{}` does not start: {}", self.spec.name, said());
    }

    /// Starts systemd-nspawn in cgroups of its own: without, all hosts would share one tree of units.
    fn nspawn(&self) -> Child {
        let console = fs::File::options()
            .create(true)
            .append(true)
            .open(self.console())
            .expect("the lab's folder can be written");
        let errors = console.try_clone().expect("an open file has a second handle");
        let enter_cgroups = "for it in $CGROUPS; do mkdir -p $it; echo $$ > $it/cgroup.procs; done; exec systemd-nspawn \"$@\"";
        let mut command = Command::new("sh");
        command.args([
            "-ec",
            enter_cgroups,
            "nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
            "--console=pipe",
        ]);
        command.args(["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--bind=/dev/net/tun"]);
        command.args(["--capability=CAP_NET_ADMIN,CAP_NET_RAW", &format!("--machine={}", self.machine)]);
        command.arg(format!("--directory={}", self.folder.join("root").display()));
        command.arg(format!("--network-namespace-path={}", self.net.of(self.spec).file().display()));
        if let Some(folder) = peers() {
            command.arg(format!("--bind-ro={}:{PEERS}", folder.display()));
        }
        command.env("CGROUPS", cgroups(&self.machine)).env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network");
        // The file of such a lock would outlive a power cut, on this machine.
        command.env("SYSTEMD_NSPAWN_LOCK", "0");
        command.process_group(0).stdin(Stdio::null()).stdout(console).stderr(errors);
        command.spawn().expect("sh can be started")
    }

    fn watch(self: &Arc<Self>, mut child: Child, first: Pid) {
        let status = child.wait().expect("our own child can be waited for");
        let gone = format!("process 1 of `{}` is gone", self.spec.name);
        wait_until(&gone, BOOT, || !fs::exists(format!("/proc/{first}")).unwrap_or(false));
        if shell::code(status) == REBOOT && !self.closing.load(Ordering::SeqCst) {
            return self.start();
        }
        self.set(None);
    }
}

/// The command that enters all namespaces of a host; a program and its arguments are to follow.
pub(crate) fn enter(first: Pid) -> Command {
    let mut command = Command::new("nsenter");
    command.args([&format!("--target={first}"), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("HOME", "/root").env("LANG", "C.UTF-8");
    command
}

/// The folder of a machine of ours in each cgroup tree that systemd uses.
fn cgroups(machine: &str) -> String {
    let trees = ["systemd", "unified", "."].map(|tree| format!("/sys/fs/cgroup/{tree}"));
    let used = trees.iter().filter(|tree| fs::exists(format!("{tree}/cgroup.procs")).unwrap_or(false));
    used.map(|tree| format!("{tree}/{machine}")).collect::<Vec<_>>().join(" ")
}

/// The child of systemd-nspawn that is process 1 in a PID namespace of its own.
fn first_process(nspawn: Pid) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    let is_first = |pid: &&str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
    };
    children.split_whitespace().find(is_first)?.parse().ok().and_then(Pid::from_raw)
}

/// What a command inside says when the host is off.
pub(crate) fn off() -> Output {
    Output { code: 255, stdout: String::new(), stderr: "the host is off".to_owned() }
}
