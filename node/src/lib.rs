//! The language that `knarr` and `knarrd` both speak.
//!
//! Everything here is pure: no file system, process, network, clock or environment (clippy bans them).
//! A [`NodeState`] lists the [`Item`]s of one machine, [`plan()`] compares them with what a [`Look`] sees,
//! and a [`Change`] is one step with its way back. No feature is known here by name.

pub mod causes;
pub mod change;
pub mod enrol;
pub mod firewall;
pub mod host;
pub mod item;
pub mod mesh;
pub mod name;
pub mod net;
pub mod outputs;
pub mod plan;
pub mod report;
pub mod state;
pub mod trust;

pub use change::{Back, Change, Impact};
pub use host::{Act, ActError, Have, Look, Seen, SweepError, Why};
pub use item::{Body, Id, Item};
pub use plan::{Owned, Plan, Stage, StageName, plan, scope, undo};
pub use state::NodeState;
