//! Host keys of the remotes, pinned for the machines.

use crate::git::program;
use crate::signing::home;
use std::path::PathBuf;
use std::process::Command;

/// Where ssh connects for a remote: host, and the port when it is not 22.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHost {
    /// The name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl SshHost {
    /// Reads a git address; none when git does not use ssh for it.
    ///
    /// Source: git-fetch(1), GIT URLS: `ssh://[user@]host[:port]/path` and `[user@]host:path`.
    pub fn of(remote: &str) -> Option<Self> {
        if let Some(rest) = remote.strip_prefix("ssh://") {
            let place = rest.split('/').next()?;
            let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
            return match place.rsplit_once(':') {
                Some((host, port)) if !port.contains(']') => {
                    Some(Self { host: bare(host), port: port.parse().ok()? })
                }
                Some(_) | None => Some(Self { host: bare(place), port: 22 }),
            };
        }
        let (place, _) = remote.split_once(':').filter(|(place, _)| !place.contains('/'))?;
        let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
        (!remote.contains("://") && !host.is_empty()).then(|| Self { host: bare(host), port: 22 })
    }

    /// Returns the name that known_hosts has. Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
    pub fn name(&self) -> String {
        if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }

    /// Returns this user's lines for it, all key types, with the name in clear.
    pub fn known(&self) -> String {
        let own = home().map(|home| home.join(".ssh/known_hosts")).ok();
        let files = own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]);
        let mut lines: Vec<String> =
            files.filter(|file| file.exists()).flat_map(|file| self.find(&file)).collect();
        lines.sort();
        lines.dedup();
        lines.concat()
    }

    /// Returns the lines of one file.
    pub fn find(&self, file: &std::path::Path) -> Vec<String> {
        let name = self.name();
        let Ok(output) = program(Command::new("ssh-keygen").args(["-F", &name, "-f"]).arg(file)) else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let plain = text.lines().filter(|line| !line.starts_with(['#', '@']));
        plain.filter_map(|line| line.split_once(' ')).map(|(_, key)| format!("{name} {key}\n")).collect()
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_host_of_each_form_of_address() {
        let cases = [
            ("git@github.com:me/harbor.git", "github.com"),
            ("host:x.git", "host"),
            ("ssh://git@git.example/x", "git.example"),
            ("ssh://git@git.example:2222/x", "[git.example]:2222"),
            ("ssh://[2001:db8::1]:22/x", "2001:db8::1"),
            ("ssh://[2001:db8::1]/x", "2001:db8::1"),
        ];
        for (remote, name) in cases {
            assert_eq!(SshHost::of(remote).unwrap().name(), name, "{remote}");
        }
        for remote in ["/srv/x.git", "https://host/x.git", "./a:b", "file:///srv/x.git"] {
            assert_eq!(SshHost::of(remote), None, "{remote}");
        }
    }
}
