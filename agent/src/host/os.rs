//! The single steps that a machine can do. Each may be the last one before a crash.

use super::Fault;
use super::network::Network;
use knarr_node::item::{Check, Source};
use knarr_node::name::{AccountName, Digest, Hex, HttpsUrl, UnitName};

/// Permission bits and owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// At most `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Meta {
    /// Root's own, with these permission bits.
    pub fn root(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// What lies at a place of the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link, with its target as written.
    Link(String),
    /// A folder.
    Folder,
    /// A device, socket or pipe.
    Other,
}

/// A place of the file system, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What lies there.
    pub kind: Kind,
    /// Its permission bits and owners.
    pub meta: Meta,
}

/// What systemd knows of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStatus {
    /// Whether it has a file, and that could be read.
    pub loaded: bool,
    /// Whether somebody forbade it.
    pub masked: bool,
    /// Whether it starts without being asked.
    pub enabled: Enabled,
    /// Whether it runs.
    pub active: Active,
    /// Whether its files changed since systemd read them.
    pub stale: bool,
}

/// Whether a unit starts without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// By links that `systemctl enable` makes.
    Yes,
    /// It has no `[Install]` section, or something else decides.
    Fixed,
    /// It does not.
    No,
}

/// Whether a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// It runs, or it is a oneshot that ran to a good end since the boot.
    Yes,
    /// It does not run.
    No,
    /// It is on its way.
    Moving,
}

/// What systemd can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read all unit files again.
    Reload,
    /// Make the links of the `[Install]` section anew, durably.
    Enable,
    /// Remove these links, durably.
    Disable,
    /// Start it, or restart it when it runs; done when that ended well.
    Restart,
    /// Stop it; done when that ended well. A unit that does not exist is stopped.
    Stop,
}

/// The single steps. Paths are absolute; none goes through a link that does not belong to root.
pub trait Os: Network {
    /// Returns what lies there, if anything.
    fn stat(&self, path: &str) -> Result<Option<Place>, Fault>;
    /// Returns the bytes of a regular file.
    fn read(&self, path: &str) -> Result<Vec<u8>, Fault>;
    /// Returns the names in a folder; none when there is no folder.
    fn names(&self, folder: &str) -> Result<Vec<String>, Fault>;
    /// Makes one folder; fine when it is there.
    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Fault>;
    /// Removes a folder if it is there and empty.
    fn remove_folder(&mut self, path: &str) -> Result<(), Fault>;
    /// Makes a file that is not there yet; not durable before [`Os::sync`].
    fn write(&mut self, path: &str, bytes: &[u8], meta: Meta) -> Result<(), Fault>;
    /// Makes a link that is not there yet.
    fn link(&mut self, path: &str, to: &str) -> Result<(), Fault>;
    /// Makes the bytes of a file, or the names in a folder, durable.
    fn sync(&mut self, path: &str) -> Result<(), Fault>;
    /// Puts a file or link in the place of another one of the same folder.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Fault>;
    /// Removes a file or link; fine when nothing is there.
    fn remove(&mut self, path: &str) -> Result<(), Fault>;
    /// Gives a file a second name on the same disk.
    fn link_hard(&mut self, path: &str, second: &str) -> Result<(), Fault>;
    /// Copies a file, durably, to where nothing is yet.
    fn copy(&mut self, from: &str, to: &str, meta: Meta) -> Result<(), Fault>;
    /// Returns the length of a file in bytes.
    fn size(&self, path: &str) -> Result<u64, Fault>;
    /// Returns how many bytes the disk of a folder still takes.
    fn room(&self, folder: &str) -> Result<u64, Fault>;
    /// Runs a program that a State names, which must succeed.
    fn run(&mut self, program: &str, args: &[&str]) -> Result<(), Fault>;
    /// Adds to a file what an artifact's source has and the file lacks; it is made when it is not there.
    fn fetch(&mut self, from: &Source, to: &str) -> Result<(), Fault>;
    /// Returns the SHA-256 digest of what an address gives, however it proves who it is. It is bounded in time and size.
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Fault>;
    /// Returns the SHA-256 digest of a file's bytes.
    fn digest(&self, path: &str) -> Result<Hex, Fault>;
    /// Returns a text that is another one after anybody wrote to the file.
    fn stamp(&self, path: &str) -> Result<String, Fault>;
    /// Writes a kernel parameter.
    fn set(&mut self, path: &str, value: &str) -> Result<(), Fault>;
    /// Asks a checking program: for [`Check::Sudoers`] about the file, for [`Check::Sshd`] about all that sshd reads.
    fn accepts(&mut self, check: Check, path: &str) -> Result<(), Fault>;
    /// Whether a login exists, wherever it is kept.
    fn has_account(&self, name: &AccountName) -> Result<bool, Fault>;
    /// Makes a login with a home folder and without a password.
    fn add_account(&mut self, name: &AccountName) -> Result<(), Fault>;
    /// Returns what systemd knows of a unit.
    fn unit(&self, name: &UnitName) -> Result<UnitStatus, Fault>;
    /// Asks systemd to do something, and waits for its end.
    fn order(&mut self, order: Order, unit: &UnitName) -> Result<(), Fault>;
}
