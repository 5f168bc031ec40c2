//! Sets, chains and rules as types, and their text in the language of nft(8), v1.0.6.

use super::Proto;
use crate::net::{MeshIp, Port};
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;
use std::fmt::{self, Display};

/// A named set of addresses of the mesh.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) elements: BTreeSet<MeshIp>,
}

/// A list of rules, asked by the kernel at a hook or by other chains.
pub(super) struct Chain {
    pub(super) name: &'static str,
    pub(super) hook: Option<&'static str>,
    pub(super) rules: Vec<Rule>,
}

/// A verdict on packets for which all conditions hold.
pub(super) struct Rule {
    conditions: Vec<Match>,
    verdict: Verdict,
}

impl Rule {
    pub(super) fn new(conditions: impl IntoIterator<Item = Match>, verdict: Verdict) -> Self {
        Self { conditions: conditions.into_iter().collect(), verdict }
    }
}

pub(super) fn accept(conditions: impl IntoIterator<Item = Match>) -> Rule {
    Rule::new(conditions, Verdict::Accept)
}

pub(super) fn drop(conditions: impl IntoIterator<Item = Match>) -> Rule {
    Rule::new(conditions, Verdict::Drop)
}

/// What happens to a packet.
pub(super) enum Verdict {
    Accept,
    Drop,
    /// The other chain is asked; without a verdict there, the next rule is.
    Jump(&'static str),
    /// The other chain decides.
    Goto(&'static str),
}

/// One condition. Collections are never empty.
pub(super) enum Match {
    /// It came in by one of these devices, whether they exist now or later.
    In(Vec<String>),
    /// It leaves by none of these devices.
    NotOut(Vec<String>),
    From(Who),
    To(Who),
    /// It goes to one of these ports, as it is now.
    Ports(Proto, BTreeSet<Port>),
    /// Its flow went to one of these ports when it was dialled, before any translation.
    Dialled(Proto, BTreeSet<Port>),
    /// What needs no value of ours.
    Plain(&'static str),
}

/// Addresses; those of one family in one value.
pub(super) enum Who {
    Set(&'static str),
    Nets(BTreeSet<IpNet>),
}

impl Who {
    pub(super) fn nets(nets: impl IntoIterator<Item = Ipv4Net>) -> Self {
        Self::Nets(nets.into_iter().map(IpNet::V4).collect())
    }

    fn family(&self) -> &'static str {
        match self {
            Self::Nets(nets) if nets.iter().any(|net| net.addr().is_ipv6()) => "ip6",
            Self::Nets(_) | Self::Set(_) => "ip",
        }
    }
}

fn braces(parts: impl IntoIterator<Item = impl Display>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| part.to_string()).collect();
    format!("{{ {} }}", parts.join(", "))
}

fn quoted(names: &[String]) -> String {
    braces(names.iter().map(|name| format!("\"{name}\"")))
}

/// Writes a network that holds one address as that address.
fn short(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.trunc().to_string() }
}

impl Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = || format!("\t\telements = {}\n", braces(&self.elements));
        let elements = if self.elements.is_empty() { String::new() } else { list() };
        write!(f, "\tset {} {{\n\t\ttype ipv4_addr\n{elements}\t}}\n", self.name)
    }
}

impl Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\tchain {} {{", self.name)?;
        if let Some(hook) = self.hook {
            writeln!(f, "\t\ttype filter hook {hook}")?;
        }
        self.rules.iter().try_for_each(|rule| writeln!(f, "\t\t{rule}"))?;
        f.write_str("\t}\n")
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.conditions.iter().try_for_each(|condition| write!(f, "{condition} "))?;
        match self.verdict {
            Verdict::Accept => f.write_str("accept"),
            Verdict::Drop => f.write_str("drop"),
            Verdict::Jump(chain) => write!(f, "jump {chain}"),
            Verdict::Goto(chain) => write!(f, "goto {chain}"),
        }
    }
}

impl Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(names) => write!(f, "iifname {}", quoted(names)),
            Self::NotOut(names) => write!(f, "oifname != {}", quoted(names)),
            Self::From(who) => write!(f, "{} saddr {who}", who.family()),
            Self::To(who) => write!(f, "{} daddr {who}", who.family()),
            Self::Ports(proto, ports) => write!(f, "{proto} dport {}", braces(ports)),
            Self::Dialled(proto, ports) => {
                write!(f, "meta l4proto {proto} ct original proto-dst {}", braces(ports))
            }
            Self::Plain(text) => f.write_str(text),
        }
    }
}

impl Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(name) => write!(f, "@{name}"),
            Self::Nets(nets) => f.write_str(&braces(nets.iter().map(short))),
        }
    }
}
