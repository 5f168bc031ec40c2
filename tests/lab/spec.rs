//! What the lab consists of: networks and hosts as data. Nothing here acts; a new host is a new row.

use std::fmt::Write as _;

/// A network: one bridge in a namespace. Those of the internet route to each other, the others hide behind NAT.
#[derive(Debug)]
pub(crate) struct NetworkSpec {
    /// Name of its bridge, at most 11 bytes
    pub(crate) name: &'static str,
    /// First three bytes of its addresses; each network is a /24
    pub(crate) prefix: &'static str,
    /// Where the NAT router of this network stands in the internet; `None` for a network of the internet itself
    pub(crate) nat: Option<Leg>,
}

impl NetworkSpec {
    /// The address of its router, `.1` in each network.
    pub(crate) fn gateway(&self) -> String {
        format!("{}.1", self.prefix)
    }
}

/// One network card: a network and the last byte of the address there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) network: &'static str,
    pub(crate) last_byte: u8,
}

impl Leg {
    pub(crate) fn network(self) -> &'static NetworkSpec {
        NETWORKS.iter().find(|it| it.name == self.network).expect("each leg is in a network of the table")
    }
    pub(crate) fn address(self) -> String {
        format!("{}.{}", self.network().prefix, self.last_byte)
    }
}

/// Who logs in to a host by SSH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// root itself
    Root,
    /// A user with passwordless sudo; root may not log in
    Sudo(&'static str),
    /// A user without any rights, who has the lab's one SSH key
    Operator(&'static str),
    /// A git server: user `git` with git-shell, bare repositories in /srv/git
    Git,
}

impl Login {
    /// Name of the user that SSH connects as.
    pub fn user(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Git => "git",
            Self::Sudo(user) | Self::Operator(user) => user,
        }
    }
}

/// A test host. Its first leg carries the default route.
#[derive(Debug)]
pub(crate) struct HostSpec {
    /// At most 11 bytes: the name of its cable is this, a dash and the number of the leg
    pub(crate) name: &'static str,
    pub(crate) legs: &'static [Leg],
    pub(crate) login: Login,
    /// Packages of the shared root file system that this machine of a user does not have yet; its apt can bring them
    pub(crate) lacks: &'static [&'static str],
}

impl HostSpec {
    /// The address under which the others know the host.
    pub(crate) fn address(&self) -> String {
        self.legs[0].address()
    }
    /// Who connects where, as SSH and `knarr node add` take it.
    pub(crate) fn ssh(&self) -> String {
        format!("{}@{}", self.login.user(), self.address())
    }
    /// The number of the leg in `network`.
    pub(crate) fn leg_in(&self, network: &str) -> usize {
        let found = self.legs.iter().position(|leg| leg.network == network);
        found.unwrap_or_else(|| panic!("`{}` has no leg in network `{network}`", self.name))
    }
    /// A MAC address of its own for each leg, the same after each power cut.
    pub(crate) fn mac(&self, leg: usize) -> String {
        let index = HOSTS.iter().position(|it| it.name == self.name).expect("the host is a row of the table");
        format!("02:6b:6e:00:{index:02x}:{leg:02x}")
    }
}

const fn at(network: &'static str, last_byte: u8) -> Leg {
    Leg { network, last_byte }
}

/// The networks. `north` and `south` are two providers; `home` and `yard` are two flats behind NAT routers of their own.
pub(crate) const NETWORKS: &[NetworkSpec] = &[
    NetworkSpec { name: "north", prefix: "203.0.113", nat: None },
    NetworkSpec { name: "south", prefix: "198.51.100", nat: None },
    NetworkSpec { name: "home", prefix: "192.168.1", nat: Some(at("north", 99)) },
    NetworkSpec { name: "yard", prefix: "192.168.2", nat: Some(at("south", 98)) },
];

/// The hosts. The laptop's user is in both flats: its second and third leg reach `attic` and `shed` for the enrolment.
pub(crate) const HOSTS: &[HostSpec] = &[
    HostSpec { name: "git", legs: &[at("north", 2)], login: Login::Git, lacks: &[] },
    HostSpec {
        name: "laptop",
        legs: &[at("north", 50), at("home", 50), at("yard", 50)],
        login: Login::Operator("me"),
        lacks: &[],
    },
    HostSpec { name: "edge", legs: &[at("north", 7)], login: Login::Root, lacks: &[] },
    HostSpec {
        name: "worker",
        legs: &[at("south", 4)],
        login: Login::Sudo("debian"),
        lacks: &["wireguard-tools"],
    },
    HostSpec { name: "attic", legs: &[at("home", 20)], login: Login::Sudo("pi"), lacks: &[] },
    HostSpec { name: "shed", legs: &[at("yard", 20)], login: Login::Sudo("pi"), lacks: &[] },
];

/// Lines of a hosts file: all hosts for the operator; for the others the git server only, since the names of nodes are
/// what Knarr itself writes there.
pub(crate) fn hosts_file(reader: &HostSpec) -> String {
    let mut text = format!("127.0.0.1 localhost\n127.0.1.1 {}\n", reader.name);
    let all = matches!(reader.login, Login::Operator(_));
    for host in HOSTS.iter().filter(|host| host.name != reader.name && (all || host.login == Login::Git)) {
        writeln!(text, "{} {}", host.address(), host.name).expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_fit_into_interface_names() {
        let names = HOSTS.iter().map(|it| it.name).chain(NETWORKS.iter().map(|it| it.name));
        for name in names {
            assert!(name.len() <= 11, "`{name}` is too long");
        }
    }

    #[test]
    fn no_address_is_given_twice() {
        let hosts = HOSTS.iter().flat_map(|host| host.legs).copied();
        let all: Vec<String> =
            hosts.chain(NETWORKS.iter().filter_map(|it| it.nat)).map(Leg::address).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_node_knows_the_git_server_by_name_and_no_other_node() {
        let worker = &HOSTS[3];
        assert_eq!(hosts_file(worker), "127.0.0.1 localhost\n127.0.1.1 worker\n203.0.113.2 git\n");
    }
}
