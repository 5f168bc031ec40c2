//! A branch of others on its way to machines: found, merged beside the clone, looked at. Nothing here commits by itself,
//! and the clone stays as it is.

mod branch;
mod review;
mod room;

pub use branch::{Branch, find};
pub use review::{Eye, Sides, eyes};
pub use room::Room;
