//! How people get to a machine from anywhere: straight, or over another one and the mesh. Pure: for
//! rendered/access/ssh_config, and for `knarr ssh` where nothing was rendered yet.

use crate::model;
use crate::probe::is_public;
use crate::spec;
use crate::ssh::Target;
use knarr_node::mesh::Role;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The way to the sshd of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where sshd is dialled: an address, or a name that DNS knows.
    pub host: String,
    /// The login; none: as ssh_config says.
    pub user: Option<String>,
    /// The port; none: ssh's own.
    pub port: Option<u16>,
    /// The machine that is dialled first, and dials on.
    pub jump: Option<String>,
}

/// What a machine's file says of its place, whether the file was proven or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What people type.
    pub target: Option<Target>,
    /// Where others reach it.
    pub address: Option<IpAddr>,
    /// Its address in the mesh.
    pub mesh: Option<IpAddr>,
    /// Who forwards to it.
    pub relay: Option<String>,
    /// Whether the cluster needs it most.
    pub server: bool,
}

impl Place {
    /// Reads a proven machine.
    pub fn of(node: &model::Node) -> Self {
        Self {
            target: node.ssh.as_deref().and_then(|text| text.parse().ok()),
            address: node.address,
            mesh: Some(IpAddr::V4(node.mesh.addr())),
            relay: node.relay.as_ref().map(ToString::to_string),
            server: node.role == Role::Server,
        }
    }

    /// Reads a machine's file; what is no address counts as not written.
    pub fn written(node: &spec::Node) -> Self {
        let ip = |word: &Option<spec::At<String>>| word.as_ref().and_then(|word| word.parse().ok());
        Self {
            target: node.ssh.as_ref().and_then(|word| word.parse().ok()),
            address: ip(&node.address),
            mesh: ip(&node.mesh),
            relay: node.relay.as_ref().map(|word| word.value.clone()),
            server: node.roles.iter().any(|role| role.value == spec::Role::Server),
        }
    }

    /// Returns the host that people type, when it means the same everywhere: a word without a dot may be an alias of
    /// its author's ssh_config, and behind NAT only an address of the internet leads to the machine.
    fn typed(&self) -> Option<&str> {
        let host = &self.target.as_ref()?.host;
        let ip = host.parse::<IpAddr>().ok();
        let everywhere = match (self.address, ip) {
            (None, ip) => ip.is_some_and(is_public),
            (Some(_), Some(_)) => true,
            (Some(_), None) => host.contains('.'),
        };
        everywhere.then_some(host)
    }

    fn to(&self, host: String, jump: Option<&str>) -> Route {
        let target = self.target.as_ref();
        Route {
            host,
            user: target.and_then(|target| target.user.clone()),
            port: target.and_then(|target| target.port),
            jump: jump.map(str::to_owned),
        }
    }
}

/// Returns the way to each machine; none where only its author's ssh_config knows one.
pub fn routes(places: &BTreeMap<String, Place>) -> BTreeMap<&str, Option<Route>> {
    let straight = |place: &Place| {
        let host = place.typed().map(str::to_owned).or(place.address.map(|ip| ip.to_string()))?;
        Some(place.to(host, None))
    };
    let reached = places.iter().filter(|(_, place)| straight(place).is_some());
    let gate = reached.min_by_key(|(name, place)| (!place.server, name.as_str())).map(|(name, _)| name);
    let over = |place: &Place| {
        let open = |name: &&String| places.get(*name).is_some_and(|relay| straight(relay).is_some());
        let jump = place.relay.as_ref().filter(open).or(gate)?;
        Some(place.to(place.mesh?.to_string(), Some(jump)))
    };
    let way = |place: &Place| straight(place).or_else(|| over(place));
    places.iter().map(|(name, place)| (name.as_str(), way(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(ssh: &str, address: &str, relay: &str) -> Place {
        Place {
            target: ssh.parse().ok(),
            address: address.parse().ok(),
            mesh: "10.210.0.9".parse().ok(),
            relay: Some(relay.to_owned()).filter(|relay| !relay.is_empty()),
            server: false,
        }
    }

    fn route(place: Place) -> Option<String> {
        let others = [("edge", "root@203.0.113.7"), ("zone", "root@203.0.113.8")].map(|(name, ssh)| {
            (name.to_owned(), Place { server: name == "zone", ..self::place(ssh, "203.0.113.7", "") })
        });
        let places = others.into_iter().chain([("attic".to_owned(), place)]).collect();
        let route = routes(&places).remove("attic").unwrap()?;
        let user = route.user.map(|user| user + "@").unwrap_or_default();
        let port = route.port.map(|port| format!(":{port}")).unwrap_or_default();
        let jump = route.jump.map(|jump| format!(" over {jump}")).unwrap_or_default();
        Some(format!("{user}{}{port}{jump}", route.host))
    }

    #[test]
    fn what_leads_there_from_everywhere_is_dialled_and_all_else_goes_over_the_mesh() {
        let cases = [
            ("root@198.51.100.4:2222", "198.51.100.4", "", "root@198.51.100.4:2222"),
            ("root@edge.example.org", "198.51.100.4", "", "root@edge.example.org"),
            ("an-alias", "198.51.100.4", "", "198.51.100.4"),
            ("", "2001:db8::7", "", "2001:db8::7"),
            ("pi@192.168.1.20:2222", "", "edge", "pi@10.210.0.9:2222 over edge"),
            ("pi@raspberry.local", "", "", "pi@10.210.0.9 over zone"),
            ("pi@192.168.1.20", "", "gone", "pi@10.210.0.9 over zone"),
            ("pi@192.168.1.20", "", "attic", "pi@10.210.0.9 over zone"),
            ("pi@8.8.8.8:2222", "", "edge", "pi@8.8.8.8:2222"),
        ];
        for (ssh, address, relay, expected) in cases {
            assert_eq!(
                route(place(ssh, address, relay)).as_deref(),
                Some(expected),
                "{ssh} {address} {relay}"
            );
        }
    }

    #[test]
    fn without_a_machine_that_is_reached_there_is_no_way_over_one() {
        let places = [("attic".to_owned(), place("pi@192.168.1.20", "", ""))].into();
        assert_eq!(routes(&places)["attic"], None);
        assert_eq!(route(Place { mesh: None, ..place("pi@192.168.1.20", "", "") }), None);
    }
}
