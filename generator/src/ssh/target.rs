//! How people reach a machine: `user@host[:port]`, or a name from ssh_config. Pure.

use std::fmt;
use std::str::FromStr;

/// Where `ssh` goes, e.g. `root@203.0.113.7`, `pi@[2001:db8::7]:2222` or the alias `edge`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The login; none: as ssh_config says.
    pub user: Option<String>,
    /// A name, an address, or an alias of ssh_config.
    pub host: String,
    /// The port; none: as ssh_config says.
    pub port: Option<u16>,
}

/// A text that says no place to go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place for ssh")]
pub struct BadTarget(pub String);

impl BadTarget {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> &'static str {
        "write user@host, user@host:port, user@[IPv6]:port, or a name from ~/.ssh/config"
    }
}

impl Target {
    /// Returns what `ssh` takes as its first word; the port is an option of its own.
    pub fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

impl FromStr for Target {
    type Err = BadTarget;
    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget(text.to_owned());
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, text),
        };
        let (host, port) = host_and_port(place).ok_or_else(bad)?;
        let port = port.map(|digits| digits.parse().map_err(|_| bad())).transpose()?;
        let words = [Some(host), user.as_deref()];
        if !words.into_iter().flatten().all(is_word) || port == Some(0) {
            return Err(bad());
        }
        Ok(Self { user, host: host.to_owned(), port })
    }
}

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn host_and_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => port.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((place, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

/// Whether `ssh` takes this as a word and neither it nor a shell sees more in it.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:%+".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.len() <= 255 && text.chars().all(plain)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.port, self.host.contains(':')) {
            (None, _) => f.write_str(&self.host),
            (Some(port), true) => write!(f, "[{}]:{port}", self.host),
            (Some(port), false) => write!(f, "{}:{port}", self.host),
        }
    }
}
