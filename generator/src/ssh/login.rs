//! The line with which people log in to a machine: their own ssh settings count, but for where the machine is and which
//! host key it has. Pure.

use super::quoted;
use crate::route::Route;
use std::collections::BTreeMap;

/// A login, or a command to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login<'a> {
    /// The machine.
    pub node: &'a str,
    /// Who logs in, when it is not whom the way says.
    pub user: Option<&'a str>,
    /// Whether a command gets a terminal.
    pub tty: bool,
    /// What to run; empty: a shell.
    pub command: &'a [String],
}

/// Returns the words of the line; none when no way leads to the machine.
///
/// A jump is a ProxyCommand: what ProxyJump starts gets no options, so it would not know our host keys.
/// Source: ssh_config(5) of OpenSSH 9.2, ProxyJump.
pub fn login(
    login: &Login<'_>,
    routes: &BTreeMap<&str, Option<Route>>,
    known_hosts: &str,
) -> Option<Vec<String>> {
    let route = routes.get(login.node)?.as_ref()?;
    let user = login.user.map(str::to_owned).or_else(|| route.user.clone());
    let mut words = hop(login.node, &Route { user, ..route.clone() }, known_hosts);
    if let Some(jump) = &route.jump {
        let first = hop(jump, routes.get(jump.as_str())?.as_ref()?, known_hosts);
        let first: Vec<String> = first.iter().map(|word| quoted(word).replace('%', "%%")).collect();
        words.extend(option("ProxyCommand", &format!("{} -W '[%h]:%p' -- {jump}", first.join(" "))));
    }
    words.extend(login.tty.then(|| "-t".to_owned()));
    words.extend(["--".to_owned(), login.node.to_owned()]);
    words.extend_from_slice(login.command);
    Some(words)
}

/// Returns ssh with what it must know of one machine.
fn hop(node: &str, route: &Route, known_hosts: &str) -> Vec<String> {
    let known_hosts = known_hosts.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let options = [
        Some(("HostName", route.host.replace('%', "%%"))),
        route.user.clone().map(|user| ("User", user)),
        route.port.map(|port| ("Port", port.to_string())),
        Some(("HostKeyAlias", node.to_owned())),
        Some(("UserKnownHostsFile", format!("\"{known_hosts}\""))),
        Some(("GlobalKnownHostsFile", "/dev/null".to_owned())),
        Some(("StrictHostKeyChecking", "yes".to_owned())),
        Some(("VerifyHostKeyDNS", "no".to_owned())),
        Some(("UpdateHostKeys", "no".to_owned())), // it would write to what is rendered
    ];
    let words = options.into_iter().flatten().flat_map(|(key, value)| option(key, &value));
    ["ssh".to_owned()].into_iter().chain(words).collect()
}

fn option(key: &str, value: &str) -> [String; 2] {
    ["-o".to_owned(), format!("{key}={value}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, jump: Option<&str>) -> Route {
        let jump = jump.map(str::to_owned);
        Route { host: host.to_owned(), user: Some("pi".to_owned()), port: None, jump }
    }

    #[test]
    fn a_jump_knows_the_same_host_keys_wherever_the_clone_lies() {
        let routes = [
            ("attic", Some(route("10.210.0.3", Some("edge")))),
            ("edge", Some(route("fe80::1%eth0", None))),
            ("lost", None),
        ]
        .into();
        let line = |node| login(&Login { node, ..Login::default() }, &routes, "/it's \"100%\"");
        let words = line("attic").unwrap();
        let jump = words.iter().find_map(|word| word.strip_prefix("ProxyCommand=")).unwrap();
        assert!(
            jump.contains("'HostName=fe80::1%%%%eth0'") && jump.ends_with(" -W '[%h]:%p' -- edge"),
            "{jump}"
        );
        assert!(jump.contains(r#"'UserKnownHostsFile="/it'\''s \"100%%%%\""'"#), "{jump}");
        assert!(words.contains(&r#"UserKnownHostsFile="/it's \"100%%\"""#.to_owned()), "{words:?}");
        assert!(!line("edge").unwrap().iter().any(|word| word.contains("Proxy")));
        assert_eq!((line("lost"), line("nobody")), (None, None));
    }

    #[test]
    fn what_is_typed_is_the_machines_word_alone() {
        let routes = [("edge", Some(route("203.0.113.7", None)))].into();
        let command = ["-oProxyCommand=evil".to_owned(), "$(date)".to_owned()];
        let typed = Login { node: "edge", user: Some("me"), tty: true, command: &command };
        let words = login(&typed, &routes, "/k").unwrap();
        assert_eq!(words[words.len() - 5..], ["-t", "--", "edge", "-oProxyCommand=evil", "$(date)"]);
        assert!(words.contains(&"User=me".to_owned()) && !words.contains(&"User=pi".to_owned()), "{words:?}");
    }
}
