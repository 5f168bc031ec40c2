//! Addresses and routes of a network device.

use crate::name::DeviceName;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// An address of a device, with the length of its prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The device that has it.
    pub device: DeviceName,
    /// The address, e.g. `10.210.0.2/32`.
    pub ip: Ipv4Net,
}

/// A route into a device, without a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The device that leads there.
    pub device: DeviceName,
    /// What is reached by it, e.g. `10.210.0.0/16`.
    pub to: Ipv4Net,
}
