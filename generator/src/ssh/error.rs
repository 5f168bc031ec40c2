//! Why a machine could not be spoken to, and what people type then.

use super::Target;

/// Why a machine could not be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// No private folder for the sockets.
    #[error("cannot make a folder in /tmp")]
    Folder(#[source] std::io::Error),
    /// No `ssh` here.
    #[error("cannot run `ssh`")]
    Start(#[source] std::io::Error),
    /// The machine was not reached, or let nobody in.
    #[error(transparent)]
    Dial(Dial),
    /// It did not answer in time.
    #[error("`{0}` did not finish in time")]
    Patience(Target),
    /// It said more than anybody reads.
    #[error("`{0}` said more than 4 MiB")]
    TooMuch(Target),
    /// A command on it failed.
    #[error("`{command}` on {target} ended with code {code}: {said}")]
    Remote {
        /// Which machine.
        target: Target,
        /// The command's first line.
        command: String,
        /// Its exit code.
        code: i32,
        /// Its standard error.
        said: String,
    },
}

impl SshError {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::Folder(_) => "make room in /tmp".to_owned(),
            Self::Start(_) => "type: sudo apt-get install openssh-client".to_owned(),
            Self::Dial(dial) => dial.help(),
            Self::Remote { target, said, .. } if said.contains("sudo:") => {
                format!("let this login of {target} use sudo without a password, or log in as root")
            }
            Self::Patience(target) | Self::TooMuch(target) | Self::Remote { target, .. } => {
                format!("look yourself: ssh {}", line(target))
            }
        }
    }
}

/// A machine that was not reached, or let nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} `{target}`: {said}", why = kind.text())]
pub struct Dial {
    target: Target,
    kind: Kind,
    said: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stranger,
    Changed,
    Login,
    Name,
    Other,
}

impl Dial {
    /// Reads what OpenSSH said as it gave up. Source: OpenSSH 9.2, sshconnect.c and sshconnect2.c.
    pub(super) fn of(target: &Target, said: &str) -> Self {
        let kinds = [
            ("REMOTE HOST IDENTIFICATION HAS CHANGED", Kind::Changed),
            ("Host key verification failed", Kind::Stranger),
            ("Permission denied", Kind::Login),
            ("Too many authentication failures", Kind::Login),
            ("Could not resolve hostname", Kind::Name),
        ];
        let kind = kinds.iter().find(|(text, _)| said.contains(text)).map_or(Kind::Other, |(_, kind)| *kind);
        let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("ssh gave up");
        Self { target: target.clone(), kind, said: said.to_owned() }
    }

    fn help(&self) -> String {
        let line = line(&self.target);
        match self.kind {
            Kind::Stranger => {
                format!("type `ssh {line}` once, compare the host key that it shows, and say yes")
            }
            Kind::Changed => format!(
                "the machine was reinstalled, or is another: if you know why, type `ssh-keygen -R {}` and then `ssh {line}`",
                host_key_name(&self.target)
            ),
            Kind::Login => {
                format!("let `ssh {line}` work without a password: `ssh-copy-id`, or `ssh-add` your key")
            }
            Kind::Name => "check the name, or give an address".to_owned(),
            Kind::Other => format!("is it on, and does `ssh {line}` work from here?"),
        }
    }
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::Stranger => "the host key is not known of",
            Self::Changed => "the host key has changed of",
            Self::Login => "not let in by",
            Self::Name => "no such host",
            Self::Other => "cannot reach",
        }
    }
}

/// Returns the words after `ssh` that reach the machine by hand.
fn line(target: &Target) -> String {
    match target.port {
        Some(port) => format!("-p {port} {}", target.login()),
        None => target.login(),
    }
}

/// Returns the name under which known_hosts has the machine. Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
fn host_key_name(target: &Target) -> String {
    match target.port {
        Some(port) => format!("\"[{}]:{port}\"", target.host),
        None => target.host.clone(),
    }
}
