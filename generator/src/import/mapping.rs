//! Which field of a record says what, guessed by the names that tools use, and the machines that records become.

use super::error::ImportError;
use super::record::Record;
use crate::finding::near;
use crate::probe::is_public;
use crate::spec::{Arch, At, Node, Role};
use crate::ssh::Target;
use knarr_node::name::{LabelValue, NodeName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// What a list says of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// What it is called.
    Name,
    /// Where the internet reaches it.
    Address,
    /// Where its own network reaches it; for ssh when there is no other address.
    Private,
    /// Who logs in.
    User,
    /// Server or agent.
    Role,
    /// Its architecture.
    Arch,
    /// The label topology.kubernetes.io/region.
    Region,
}

impl Field {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Address, Self::Private, Self::User, Self::Role, Self::Arch, Self::Region];

    /// Returns the names that tools give it, likely ones first. Source: the resources of Terraform's providers hcloud, aws,
    /// google, openstack, digitalocean; docs.hetzner.cloud; python-openstackclient.
    fn guesses(self) -> &'static [&'static str] {
        match self {
            Self::Name => {
                &["name", "hostname", "host_name", "server_name", "instance_name", "tags.name", "key"]
            }
            Self::Address => &[
                "public",
                "public_ip",
                "public_ipv4",
                "public_ip_address",
                "ipv4_address",
                "access_ip_v4",
                "floating_ip",
                "nat_ip",
                "external_ip",
                "ipv4",
                "address",
                "ip_address",
                "ip",
                "endpoint",
                "ipv6_address",
                "public_ipv6",
                "fqdn",
                "host",
            ],
            Self::Private => &[
                "private_net.0.ip",
                "private",
                "private_ip",
                "private_ipv4",
                "private_ip_address",
                "ipv4_address_private",
                "internal_ip",
            ],
            Self::User => &["ssh_user", "user", "username", "login", "default_user"],
            Self::Role => &["role", "roles", "labels.role", "tags.role"],
            Self::Arch => &["server_type.architecture", "architecture", "arch"],
            Self::Region => &["datacenter.location.name", "location.name", "region", "location"],
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Private => "private",
            Self::User => "user",
            Self::Role => "role",
            Self::Arch => "arch",
            Self::Region => "region",
        })
    }
}

/// For each field the path in a record; `=debian` stands for the word itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<Field, String>);

impl Mapping {
    /// Guesses from the names of fields. Who logs in is root where nothing says so.
    pub fn guess(records: &[Record]) -> Self {
        let guess = |field: &Field| Some((*field, guessed(*field, records)?));
        let mut map: BTreeMap<Field, String> = Field::ALL.iter().filter_map(guess).collect();
        map.entry(Field::User).or_insert_with(|| "=root".to_owned());
        Self(map)
    }

    /// Returns what a record says.
    pub fn value<'a>(&'a self, field: Field, record: &'a Record) -> Option<&'a str> {
        let path = self.0.get(&field)?;
        path.strip_prefix('=').or_else(|| record.get(path))
    }

    /// Refuses a path that leads nowhere in all records.
    ///
    /// # Errors
    /// [`ImportError::NoField`] with what may have been meant.
    pub fn check(&self, records: &[Record]) -> Result<(), ImportError> {
        let leads =
            |path: &str| path.starts_with('=') || records.iter().any(|record| record.get(path).is_some());
        match self.0.iter().find(|(_, path)| !leads(path)) {
            None => Ok(()),
            Some((field, path)) => {
                let known = paths(records);
                let hint = near(path, known.iter().copied(), &format!("fields are: {}", shortened(&known)));
                Err(ImportError::NoField { field: *field, path: path.clone(), hint })
            }
        }
    }
}

/// Whether a record says where the machine is.
pub(super) fn has_address(record: &Record) -> bool {
    let one = std::slice::from_ref(record);
    [Field::Address, Field::Private].iter().any(|field| {
        let path = guessed(*field, one);
        path.and_then(|path| record.get(&path).and_then(ip)).is_some()
    })
}

/// Whether a record itself, and nothing within it, says what the machine is called and where it is.
pub(super) fn is_machine(record: &Record) -> bool {
    let top = record.0.iter().filter(|(path, _)| !path.contains('.'));
    let top = Record(top.map(|(path, text)| (path.clone(), text.clone())).collect());
    has_address(&top) && is_named(record)
}

/// Whether a record says what the machine is called.
pub(super) fn is_named(record: &Record) -> bool {
    guessed(Field::Name, std::slice::from_ref(record)).is_some()
}

/// Returns the field that has the likeliest name: as a whole, else at the end of its path.
fn guessed(field: Field, records: &[Record]) -> Option<String> {
    let plain = |path: &str| path.to_lowercase().replace(['-', ' '], "_");
    let known: Vec<(String, &str)> = paths(records).into_iter().map(|path| (plain(path), path)).collect();
    let whole = |guess: &&str| known.iter().find(|(plain, _)| plain == guess);
    let ends = |guess: &&str| {
        let end = format!(".{guess}");
        known.iter().filter(|(plain, _)| plain.ends_with(&end)).min_by_key(|(plain, _)| plain.len())
    };
    let guesses = field.guesses();
    // Only what a machine itself is called counts as its name, not what its disks or networks are.
    let ends = |guess: &&str| if field == Field::Name { None } else { ends(guess) };
    let found = guesses.iter().find_map(whole).or_else(|| guesses.iter().find_map(ends));
    found.map(|(_, path)| (*path).to_owned())
}

fn paths(records: &[Record]) -> BTreeSet<&str> {
    records.iter().flat_map(|record| record.0.keys().map(String::as_str)).collect()
}

/// Returns the first words of a list that may be long.
fn shortened(words: &BTreeSet<&str>) -> String {
    let first: Vec<&str> = words.iter().copied().take(20).collect();
    first.join(", ") + if words.len() > 20 { ", …" } else { "" }
}

/// One machine of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name here.
    pub name: NodeName,
    /// Its name there.
    pub called: String,
    /// Where the internet reaches it.
    pub address: Option<IpAddr>,
    /// How people reach it.
    pub ssh: Target,
    /// What it is to K3s, if the list says so.
    pub role: Option<Role>,
    /// Its architecture, if the list says so.
    pub arch: Option<Arch>,
    /// Where it is, if the list says so.
    pub region: Option<String>,
}

impl Machine {
    /// Returns its file before it is enrolled.
    pub fn node(&self) -> Node {
        let region = |region: &String| (At::from("topology.kubernetes.io/region"), At::from(region.clone()));
        Node {
            roles: self.role.map(At::from).into_iter().collect(),
            address: self.address.map(|ip| At::from(ip.to_string())),
            ssh: Some(self.ssh.to_string().into()),
            labels: self.region.iter().map(region).collect(),
            arch: self.arch.filter(|arch| *arch != Arch::default()),
            ..Node::default()
        }
    }
}

/// Returns what the records say, in the order of names.
///
/// # Errors
/// When a machine has no name or no address, two have one name, or a value is none of its field.
pub fn machines(records: &[Record], mapping: &Mapping) -> Result<Vec<Machine>, ImportError> {
    mapping.check(records)?;
    let nameless = |record: &&Record| mapping.value(Field::Name, record).is_none();
    if records.iter().any(|record| nameless(&record)) {
        return Err(ImportError::Unnamed { fields: shortened(&paths(records)) });
    }
    let called = |record| mapping.value(Field::Name, record).unwrap_or_default();
    let lost: Vec<&str> =
        records.iter().filter(|record| host(record, mapping).is_none()).map(called).collect();
    if !lost.is_empty() {
        return Err(ImportError::NoAddress { names: lost.join(", "), fields: shortened(&paths(records)) });
    }
    let mut all: BTreeMap<NodeName, Machine> = BTreeMap::new();
    for record in records {
        let machine = one(record, called(record), mapping)?;
        if let Some(other) = all.get(&machine.name) {
            let (name, first) = (machine.name.to_string(), other.called.clone());
            return Err(ImportError::SameName { name, first, second: machine.called });
        }
        all.insert(machine.name.clone(), machine);
    }
    Ok(all.into_values().collect())
}

fn one(record: &Record, called: &str, mapping: &Mapping) -> Result<Machine, ImportError> {
    let bad =
        |field, text: &str| ImportError::Value { machine: called.to_owned(), field, text: text.to_owned() };
    let word = |field| mapping.value(field, record);
    let host = host(record, mapping).unwrap_or_default();
    let user = word(Field::User).unwrap_or("root");
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !plain(user) || user.starts_with('-') {
        return Err(bad(Field::User, user));
    }
    let ssh = Target { user: Some(user.to_owned()), host: host.to_owned(), port: None };
    let ssh: Target = ssh.to_string().parse().map_err(|_| bad(Field::Address, host))?;
    let address = word(Field::Address).and_then(ip).filter(|ip| is_public(*ip));
    let known =
        |field, known: bool| word(field).filter(|_| !known).map_or(Ok(()), |text| Err(bad(field, text)));
    let role = word(Field::Role).and_then(role);
    known(Field::Role, role.is_some())?;
    let arch = word(Field::Arch).and_then(arch);
    known(Field::Arch, arch.is_some())?;
    let region = word(Field::Region).map(str::to_owned);
    known(Field::Region, region.as_ref().is_some_and(|text| text.parse::<LabelValue>().is_ok()))?;
    let name = label(called).parse().map_err(|_| ImportError::Name(called.to_owned()))?;
    Ok(Machine { name, called: called.to_owned(), address, ssh, role, arch, region })
}

/// Returns where ssh goes: the internet's address, else the private one, without a prefix length.
fn host<'a>(record: &'a Record, mapping: &'a Mapping) -> Option<&'a str> {
    let word = mapping.value(Field::Address, record).or_else(|| mapping.value(Field::Private, record))?;
    Some(word.split('/').next().unwrap_or(word).trim_matches(['[', ']']))
}

fn ip(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.trim_matches(['[', ']']).parse().ok()
}

fn role(text: &str) -> Option<Role> {
    let text = text.to_lowercase();
    let is = |words: [&str; 4]| words.iter().any(|word| text.contains(word));
    if is(["server", "master", "control", "etcd"]) {
        return Some(Role::Server);
    }
    is(["agent", "worker", "node", "compute"]).then_some(Role::Agent)
}

fn arch(text: &str) -> Option<Arch> {
    match text.to_lowercase().as_str() {
        "x86" | "x86_64" | "x86-64" | "amd64" => Some(Arch::Amd64),
        "arm" | "arm64" | "aarch64" => Some(Arch::Arm64),
        _ => None,
    }
}

/// Returns a name as RFC 1123 has labels: what stands before the first dot, other characters as hyphens.
fn label(name: &str) -> String {
    let first = name.split('.').next().unwrap_or(name).to_lowercase();
    let plain: String = first.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.trim_matches('-').chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}
