//! The test lab: real systemd machines in network namespaces of their own, booted in seconds, and the story that is
//! played on them. Touches nothing of this machine but its cache, mounts below it, and cgroups named after the lab.

#![expect(clippy::print_stdout, reason = "what is tested is told on standard output")]
#![expect(clippy::missing_panics_doc, reason = "a panic is how a scenario fails")]

mod child;
mod furnish;
mod host;
mod janitor;
mod lab;
mod net;
mod peers;
mod power;
mod rootfs;
mod shell;
mod spec;
#[path = "../story/mod.rs"]
pub mod story;
mod watch;

pub use child::Child;
pub use host::Host;
pub use lab::{Cut, Lab, Missing, built};
pub use net::Namespace;
pub use peers::{K3S, K3S_NEWER, PEERS, k3s_is_real, peers};
pub use shell::{Output, wait_for, wait_seen, wait_until};
pub use spec::Login;
pub use watch::Watch;
