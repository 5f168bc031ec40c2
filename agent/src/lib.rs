//! `knarrd`, the agent: it makes one machine what the accepted commit says.

pub mod converge;
pub mod host;
pub mod journal;
