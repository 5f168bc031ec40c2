//! What can go wrong at the machine, in words for people. No message holds a byte of a file.

use knarr_node::name::{ArtifactName, DeviceName, HttpsUrl, SecretName, TableName, UnitName};
use std::io;

/// Why something could not be seen or done.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system refused.
    #[error("`{path}`")]
    Io {
        /// Where.
        path: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A folder lies where a file or link is wanted.
    #[error("`{0}` is a folder, which Knarr never replaces; move it away")]
    Folder(String),
    /// Something else lies where a folder is wanted.
    #[error("`{0}` is no folder; move it away")]
    NoFolder(String),
    /// A device, socket or pipe lies there.
    #[error("`{0}` is neither a file nor a link; move it away")]
    Special(String),
    /// A way through a link that somebody else may turn.
    #[error("`{path}` goes through the link `{link}`, which does not belong to root")]
    ForeignLink {
        /// The place that was wanted.
        path: String,
        /// The link.
        link: String,
    },
    /// Links that lead in a circle.
    #[error("`{0}` goes through too many links")]
    Circle(String),
    /// A place did not give what it has.
    #[error("`{place}` does not give it: {why}")]
    Place {
        /// The address or path.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// An address gives nothing now.
    #[error("{url} does not answer: {why}")]
    Silent {
        /// The address.
        url: HttpsUrl,
        /// What went wrong.
        why: String,
    },
    /// A place gave other bytes than were asked for; they were thrown away.
    #[error("`{place}` gives other bytes: SHA-256 {found}, not {wanted}")]
    OtherBytes {
        /// The address or path.
        place: String,
        /// The digest of what it gave.
        found: String,
        /// The digest that was wanted.
        wanted: String,
    },
    /// Nobody said where an artifact is had from.
    #[error("nothing says where artifact `{0}` is had from")]
    Nowhere(ArtifactName),
    /// The disk is too full for a snapshot.
    #[error("`{folder}` has {free} bytes free, and a snapshot of {needed} bytes asks for a third more")]
    NoRoom {
        /// Where the snapshot was to lie.
        folder: String,
        /// What it would take, in bytes.
        needed: u64,
        /// What is there, in bytes.
        free: u64,
    },
    /// A program that saves data failed.
    #[error("`{program}` failed: {said}")]
    Save {
        /// Its path.
        program: String,
        /// What it said.
        said: String,
    },
    /// Somebody made the file a link to elsewhere.
    #[error("`{0}` is a link; Knarr only writes to the file itself")]
    Linked(String),
    /// A device of another kind has the name.
    #[error("the network device `{0}` is not WireGuard's; remove or rename it")]
    ForeignDevice(DeviceName),
    /// A tunnel, address or route needs a device that is not there.
    #[error("there is no network device `{0}`")]
    NoDevice(DeviceName),
    /// A file holds no private key.
    #[error("`{0}` holds no private WireGuard key")]
    NoKey(String),
    /// A table that was loaded just now is gone.
    #[error("the table `{0}` vanished as soon as it was loaded")]
    NoTable(TableName),
    /// A State names a secret that the machine's secrets lack.
    #[error("the secret `{0}` is not among this machine's secrets; type `knarr render`")]
    NoSecret(SecretName),
    /// A checking program says no; what was there stays.
    #[error("`{program}` refuses it: {said}")]
    Refused {
        /// The program.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// A program is not installed.
    #[error("`{program}` is missing; type `apt install {package}`")]
    Missing {
        /// The program.
        program: &'static str,
        /// Debian's package that has it.
        package: &'static str,
    },
    /// A program failed or took too long.
    #[error("`{program}` failed: {said}")]
    Program {
        /// The program.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// systemd cannot be asked, or refused.
    #[error("systemd says of `{unit}`: {said}")]
    Systemd {
        /// About which unit.
        unit: UnitName,
        /// Its words.
        said: String,
    },
    /// A start, stop or restart did not end well.
    #[error("`{unit}` did not {verb}: {result}; see `journalctl -u {unit}`")]
    Job {
        /// The unit.
        unit: UnitName,
        /// What was asked.
        verb: &'static str,
        /// systemd's result.
        result: String,
    },
    /// Somebody masked the unit.
    #[error("`{0}` is masked; type `systemctl unmask {0}`")]
    Masked(UnitName),
    /// The unit is on its way, and nobody knows yet where to.
    #[error("`{0}` is starting or stopping just now")]
    Moving(UnitName),
    /// The kernel lacks the parameter.
    #[error("the kernel has no parameter `{0}`")]
    NoParameter(String),
    /// A key that would be more than one line.
    #[error("a key of `{0}` is not one line")]
    KeyLines(String),
    /// A unit file or drop-in that is not text.
    #[error("`{0}` is not UTF-8 text")]
    NotText(String),
}

impl Fault {
    pub(super) fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}
