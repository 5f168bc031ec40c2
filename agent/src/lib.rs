//! `knarrd`, the agent: it makes one machine what the accepted commit says.

pub mod boot;
pub mod child;
pub mod cli;
pub mod cluster;
pub mod contact;
pub mod converge;
pub mod daemon;
pub mod enroll;
pub mod fetch;
pub mod guard;
pub mod host;
pub mod identity;
pub mod journal;
pub mod listener;
pub mod load;
pub mod lock;
pub mod origin;
pub mod own;
pub mod pass;
pub mod paths;
pub mod repo;
pub mod secrets;
pub mod signature;
pub mod status;
pub mod wireguard;
