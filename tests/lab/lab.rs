//! A lab from boot to removal, and what concerns more than one host.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::furnish::{Keys, furnish};
use crate::host::Host;
use crate::janitor::{self, Janitor};
use crate::net::{Namespace, Net};
use crate::power::Power;
use crate::rootfs::rootfs;
use crate::shell;
use crate::spec::{HOSTS, HostSpec};

/// Why this machine cannot hold a lab.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// Namespaces and mounts are root's
    #[error("the test lab boots machines and needs root: run it as root")]
    Root,
    /// A program that the lab calls
    #[error("the test lab needs `{0}`, which is not installed: run `make setup`")]
    Program(&'static str),
    /// The TUN device of userspace WireGuard
    #[error("the test lab needs /dev/net/tun, which this kernel does not offer")]
    Tun,
}

const PROGRAMS: &[&str] =
    &["systemd-nspawn", "debootstrap", "nft", "ip", "nsenter", "ssh-keygen", "mountpoint"];

/// Test hosts that run until this value is dropped.
#[derive(Debug)]
pub struct Lab {
    folder: PathBuf,
    net: Arc<Net>,
    hosts: BTreeMap<&'static str, Host>,
    janitor: Option<Janitor>,
}

impl Lab {
    /// Boots all hosts and waits until they take logins.
    ///
    /// # Errors
    /// [`Missing`] when this machine cannot hold a lab.
    pub fn boot() -> Result<Self, Missing> {
        preflight()?;
        let cache = cache();
        let base = rootfs(&cache);
        janitor::sweep(&labs(), false);
        let lab = Self::lay(&base);
        lab.each(Host::power_on);
        Ok(lab)
    }

    /// Lays the networks and furnishes the hosts; none is on yet.
    fn lay(base: &Path) -> Self {
        let folder = labs().join(id());
        fs::create_dir_all(&folder).expect("the cache can be written");
        let janitor = Some(Janitor::hire(&folder));
        let net = Arc::new(Net::lay(&folder.join("net")));
        let hosts = HOSTS.iter().map(|spec| (spec.name, host(spec, &folder, &net))).collect();
        let keys = Keys::make(&folder.join("keys"));
        let lab = Self { folder, net, hosts, janitor };
        lab.each(|host| {
            let folder = &host.power.folder;
            mount(base, folder);
            furnish(host.power.spec, &folder.join("root"), &keys);
        });
        lab
    }

    /// Does something with all hosts at once.
    fn each(&self, act: impl Fn(&Host) + Sync) {
        std::thread::scope(|scope| {
            for host in self.hosts.values() {
                scope.spawn(|| act(host));
            }
        });
    }

    /// Removes all labs whose program is gone, also those kept by `KEEP=1`.
    pub fn sweep() {
        janitor::sweep(&labs(), true);
    }

    /// The host of that name.
    pub fn host(&self, name: &str) -> &Host {
        self.hosts.get(name).unwrap_or_else(|| panic!("the lab has no host `{name}`"))
    }

    /// All hosts by name.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// The namespace that stands for the internet: what is run here comes from outside all hosts.
    pub fn internet(&self) -> &Namespace {
        self.net.internet()
    }

    /// The NAT router of a network.
    pub fn router(&self, network: &str) -> &Namespace {
        let router = self.net.around(network);
        assert!(!std::ptr::eq(router, self.net.internet()), "network `{network}` has no NAT router");
        router
    }

    /// Makes an empty bare repository on the git server and gives its URL.
    pub fn repository(&self, name: &str) -> String {
        self.host("git")
            .expect_as("git", &format!("git init --quiet --bare --initial-branch main {name}.git"));
        format!("{}:{name}.git", self.host("git").ssh())
    }

    /// Copies a program of this workspace to /usr/local/bin of a host.
    pub fn install(&self, host: &str, program: &str) {
        let file = built(program);
        let content = fs::read(&file).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
        self.host(host).put(&format!("/usr/local/bin/{program}"), &content, 0o755);
    }

    /// Copies a test program of this workspace, the one that was built last, to /usr/local/bin of a host.
    pub fn install_test(&self, host: &str, name: &str) {
        let content = fs::read(built_test(name)).expect("a test program that was found can be read");
        self.host(host).put(&format!("/usr/local/bin/{name}"), &content, 0o755);
    }

    /// Pulls all cables of a host until the cut is joined or dropped: a step that fails leaves nobody cut off.
    pub fn cut(&self, host: &'static str) -> Cut<'_> {
        self.plug_all(host, false);
        Cut { lab: self, host }
    }

    /// Pulls the cable of a host to one network.
    pub fn unplug(&self, host: &str, network: &str) {
        let spec = self.host(host).power.spec;
        self.net.plug(spec, spec.leg_in(network), false);
    }

    /// Plugs the cable of a host to one network in again.
    pub fn plug(&self, host: &str, network: &str) {
        let spec = self.host(host).power.spec;
        self.net.plug(spec, spec.leg_in(network), true);
    }

    fn plug_all(&self, host: &str, plugged: bool) {
        let spec = self.host(host).power.spec;
        (0..spec.legs.len()).for_each(|number| self.net.plug(spec, number, plugged));
    }

    /// Tells how to enter the hosts of a lab that is kept.
    fn tell_how_to_enter(&self) {
        println!("\nKEEP=1: the lab stays in {}. To enter a host:", self.folder.display());
        for host in self.hosts.values() {
            if let Some(running) = host.power.running() {
                println!("  {:8} nsenter -t {} -m -u -i -n -p bash -l", host.name(), running.first);
            }
        }
        println!("To remove it: make sweep");
    }
}

/// A host whose cables are pulled.
#[derive(Debug)]
#[must_use = "dropped, it is joined at once"]
pub struct Cut<'lab> {
    lab: &'lab Lab,
    host: &'static str,
}

impl Cut<'_> {
    /// Plugs all cables of the host in again.
    pub fn join(self) {}
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        self.lab.plug_all(self.host, true);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.hosts.values().for_each(|host| host.power.close());
        if std::env::var_os("KEEP").is_some_and(|keep| keep != "0" && !keep.is_empty()) {
            fs::write(self.folder.join("kept"), "").expect("the lab's folder can be written");
            self.janitor.take().into_iter().for_each(Janitor::dismiss);
            self.tell_how_to_enter();
        }
    }
}

/// A host that is off.
fn host(spec: &'static HostSpec, folder: &Path, net: &Arc<Net>) -> Host {
    let lab = folder.file_name().expect("a lab's folder has a name").to_string_lossy();
    let machine = format!("{lab}-{}", spec.name);
    let folder = folder.join("hosts").join(spec.name);
    Host { power: Arc::new(Power::new(spec, machine, folder, Arc::clone(net))) }
}

/// Mounts an overlay of its own for a host.
fn mount(base: &Path, folder: &Path) {
    let (base, folder) = (base.display(), folder.display());
    shell::must(&format!(
        "mkdir -p {folder}/upper {folder}/work {folder}/root
         mount -t overlay overlay -o lowerdir={base},upperdir={folder}/upper,workdir={folder}/work {folder}/root || {{
           echo 'set KNARR_LAB_DIR to a folder on ext4, xfs or tmpfs, which can be the upper half of an overlay' >&2
           exit 1
         }}"
    ));
}

/// Where a program of this workspace was built: beside the running one, else in the target folder.
#[must_use]
pub fn built(program: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the kernel knows our own file");
    let near = own.ancestors().skip(1).take(2).map(|folder| folder.join(program));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map(|folder| PathBuf::from(folder).join("debug").join(program));
    let found = near.chain(target).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is not built: run `cargo build --workspace --locked` first"))
}

/// Finds a test program beside our own: cargo adds a hash to its name.
fn built_test(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the kernel knows our own file");
    let folder = own.parent().expect("a program lies in a folder");
    let deps = if folder.ends_with("deps") { folder.to_owned() } else { folder.join("deps") };
    let entries = fs::read_dir(&deps).expect("cargo's folder of test programs can be read").flatten();
    let is_it = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && !rest.contains('.'))
    };
    let built = |path: &PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    let found = entries.map(|entry| entry.path()).filter(is_it).max_by_key(built);
    found.unwrap_or_else(|| panic!("`{name}` is not built: run `cargo test --workspace --no-run` first"))
}

/// Where labs live: `KNARR_LAB_DIR`, else the cache. It must be able to hold the upper half of an overlay.
fn labs() -> PathBuf {
    std::env::var_os("KNARR_LAB_DIR").map_or_else(|| cache().join("labs"), PathBuf::from)
}

fn cache() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    home.join(".cache/knarr")
}

/// A name that no other lab has.
fn id() -> String {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel gives random ids");
    format!("knarr-{}", &random[..6])
}

fn preflight() -> Result<(), Missing> {
    if !rustix::process::geteuid().is_root() {
        return Err(Missing::Root);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let has = |program: &&&str| path.split(':').any(|folder| Path::new(folder).join(program).is_file());
    if let Some(program) = PROGRAMS.iter().find(|program| !has(program)) {
        return Err(Missing::Program(program));
    }
    if fs::exists("/dev/net/tun").unwrap_or(false) { Ok(()) } else { Err(Missing::Tun) }
}
