//! Firewalls of others: what they let nobody through, no table of ours can open. Pure.

use std::fmt;

/// A firewall that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firewall {
    /// Ubuntu's uncomplicated firewall.
    Ufw,
    /// firewalld, mostly of Fedora and its like.
    Firewalld,
}

impl Firewall {
    /// Returns the one of a name as the script writes it.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Ufw, Self::Firewalld].into_iter().find(|known| known.to_string() == name)
    }

    /// Returns the line that turns it off, now and after the next boot.
    pub fn off(self) -> &'static str {
        match self {
            Self::Ufw => "ufw disable",
            Self::Firewalld => "systemctl disable --now firewalld",
        }
    }
}

impl fmt::Display for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
        })
    }
}
