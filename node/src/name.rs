//! Names and numbers that are right by construction: parsed once, at the edge.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {rule}")]
pub struct BadName {
    /// What was wanted, with its article, e.g. `a node name`.
    pub what: &'static str,
    /// What was found.
    pub text: String,
    /// The rule, for people.
    pub rule: &'static str,
}

/// Makes a string type whose value always satisfies `$check`.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);
        impl $name {
            /// The rule that every value satisfies, for people.
            pub const RULE: &'static str = $rule;
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(BadName { what: $what, text, rule: $rule }) }
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::try_from(text.to_owned())
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        /// Maps by name are asked with a text, too: both have the same order.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn lower_or_digit(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// Whether `text` is an RFC 1123 label: 1 to 63 of `a-z 0-9 -`, no hyphen at the ends.
fn is_label(text: &str) -> bool {
    let ends =
        text.bytes().next().is_some_and(lower_or_digit) && text.bytes().last().is_some_and(lower_or_digit);
    text.len() <= 63 && ends && text.bytes().all(|b| lower_or_digit(b) || b == b'-')
}

/// Reads a number of a version in the one way that it is written, so that a version has one name.
pub fn numeral(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether every part between slashes is a plain name: not empty, no `.` or `..`, nothing that a terminal would interpret.
fn plain_parts(path: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control);
    path.len() <= 4096 && path.split('/').all(plain)
}

name!(
    /// Name of a cluster: an RFC 1123 label, e.g. `harbor`.
    ClusterName, "a cluster name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of a machine, which is its Kubernetes Node name too: an RFC 1123 label, e.g. `edge`.
    NodeName, "a node name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of a person in `people/`: an RFC 1123 label, e.g. `me`.
    PersonName, "a person's name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of the other end of a tunnel, a node or a device in `peers/`: an RFC 1123 label, e.g. `x1`.
    PeerName, "a peer's name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of a domain: RFC 1123 labels joined by dots, without the last dot, e.g. `harbor.example`.
    DomainName, "a domain name", "labels of a-z, 0-9 and -, joined by dots, at most 253 characters",
    |text| text.len() <= 253 && text.split('.').all(is_label)
);
name!(
    /// Name of a network device, e.g. `knarr0`. Source: wg-quick(8), v1.0.20210914: 1 to 15 of `a-zA-Z0-9_=+.-`.
    DeviceName, "a network device's name", "1 to 15 letters, digits and _=+.-",
    |text| (1..=15).contains(&text.len())
        && text != "." && text != ".."
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_=+.-".contains(&b))
);
name!(
    /// Name of a table of nftables, e.g. `knarr`. Source: nft(8), v1.0.6, identifiers.
    TableName, "a table's name", "1 to 31 of a-z, 0-9 and _, beginning with a letter",
    |text| text.len() <= 31
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| lower_or_digit(b) || b == b'_')
);
name!(
    /// Name of an artifact, e.g. `k3s`: an RFC 1123 label.
    ArtifactName, "an artifact's name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of a secret in `secrets/`: an RFC 1123 label, e.g. `k3s-agent-token`.
    SecretName, "a secret's name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Login name on a machine. Source: shadow-utils `useradd(8)`: at most 32, no capital, no leading digit.
    AccountName, "a login name", "1 to 32 of a-z, 0-9, _ and -, beginning with a letter or _",
    |text| text.len() <= 32
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && text.bytes().all(|b| lower_or_digit(b) || b == b'_' || b == b'-')
);
name!(
    /// Name of a systemd unit with its type, e.g. `hello.service`. Source: systemd.unit(5): at most 255 of `A-Za-z0-9:-_.\@`.
    UnitName, "a unit name", "letters, digits and :-_.@ with a type such as .service or .timer at the end",
    |text| text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b))
        && text.rsplit_once('.').is_some_and(|(name, kind)| !name.is_empty()
            && ["service", "socket", "timer", "path", "mount", "target", "slice"].contains(&kind))
);
name!(
    /// Key of a kernel parameter with dots, e.g. `net.ipv4.ip_forward`; a slash stands for a dot within a part, as in sysctl.d(5).
    SysctlKey, "a sysctl key", "parts of letters, digits and _-/ joined by dots",
    |text| text.split('.').count() >= 2
        && text.split('.').all(|part| !part.is_empty() && part.split('/').all(|piece| !piece.is_empty())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/".contains(&b)))
);
name!(
    /// Absolute path on a machine, without `.`, `..`, doubled or trailing slashes, e.g. `/etc/motd`.
    AbsPath, "an absolute path", "it begins with / and has no empty, . or .. part and no control characters",
    |text| text.strip_prefix('/').is_some_and(plain_parts)
);
name!(
    /// Address of something that is asked for by HTTPS, e.g. `https://10.210.0.1:6443/cacerts`.
    HttpsUrl, "an https address", "https:// and at most 2048 printable characters without spaces",
    |text| text.len() <= 2048
        && text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()))
);
name!(
    /// Path inside the repository, relative to its top, e.g. `host/motd`.
    RepoPath, "a path in the repository", "relative, without empty, . or .. parts and control characters", plain_parts
);
name!(
    /// Name under which the journal kept what was there before a change, e.g. `12-3`: pass and change. Never a hash of the content.
    KeptName, "a kept name", "two numbers joined by -",
    |text| text.split_once('-').is_some_and(|(a, b)| [a, b].iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
);
name!(
    /// A moment in UTC as it stands in a file's name, e.g. `20261121T142448Z`; ordered by time.
    Stamp, "a moment", "eight digits, T, six digits, Z",
    |text| text.len() == 16 && text.bytes().enumerate().all(|(at, b)| match at { 8 => b == b'T', 15 => b == b'Z', _ => b.is_ascii_digit() })
);
name!(
    /// Full id of a git commit: 40 hexadecimal digits.
    Oid, "a commit id", "40 of 0-9 and a-f", |text| is_hex(text, 40)
);
name!(
    /// A SHA-256 digest of public bytes, as `sha256:` and 64 hexadecimal digits.
    Digest, "a digest", "sha256: and 64 of 0-9 and a-f", |text| text.strip_prefix("sha256:").is_some_and(|hex| is_hex(hex, 64))
);

name!(
    /// A SHA-256 digest of public bytes without prefix, as sha256sum(1) prints it.
    Hex, "a SHA-256 digest", "64 of 0-9 and a-f", |text| is_hex(text, 64)
);

mod kubernetes;
pub use kubernetes::{
    AppName, DataKey, Effect, KeyId, LabelKey, LabelValue, Namespace, ObjectName, ObjectsName, Taint,
};

impl Hex {
    /// Returns the digest with its prefix.
    pub fn digest(&self) -> Digest {
        Digest(format!("sha256:{}", self.0))
    }
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

impl Digest {
    /// Returns the digest of what a SHA-256 function said.
    ///
    /// # Panics
    /// When `sha256` has not 32 bytes.
    pub fn of_sha256(sha256: &[u8]) -> Self {
        assert_eq!(sha256.len(), 32, "SHA-256 gives 32 bytes");
        Self(format!("sha256:{}", hex(sha256)))
    }
    /// Returns the digits without the prefix.
    pub fn hex(&self) -> Hex {
        Hex(self.0.trim_start_matches("sha256:").to_owned())
    }
}

impl Oid {
    /// Returns the first seven digits, as git shows them.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl From<&NodeName> for PeerName {
    fn from(node: &NodeName) -> Self {
        Self(node.0.clone())
    }
}

impl AbsPath {
    /// Returns the folder that holds this path, `/` for a path right below it.
    pub fn parent(&self) -> &str {
        match self.0.rsplit_once('/') {
            Some(("", _)) | None => "/",
            Some((parent, _)) => parent,
        }
    }
}

/// Permission bits of a file, written as four octal digits in quotes, e.g. `"0644"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(u32);

impl Mode {
    /// What a file has that nobody said anything about.
    pub const PLAIN: Self = Self(0o644);
    /// What a file with a secret has.
    pub const SECRET: Self = Self(0o600);
    /// Returns the bits, at most `0o7777`.
    pub fn bits(self) -> u32 {
        self.0
    }
    /// Makes a mode of what stat(2) says, without the file type.
    pub fn of_bits(bits: u32) -> Self {
        Self(bits & 0o7777)
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::PLAIN
    }
}

impl Default for Mode {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl TryFrom<String> for Mode {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        let octal = text.len() == 4 && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if octal => Ok(Self(bits)),
            _ => {
                Err(BadName { what: "a file mode", text, rule: "four octal digits in quotes, e.g. \"0644\"" })
            }
        }
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> String {
        mode.to_string()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests;
