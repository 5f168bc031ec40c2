//! What Knarr knows of K3s before any machine runs it: its authorities and tokens. Pure but for randomness.

mod authority;
mod material;

pub use authority::{Authority, MaterialError};
pub use material::{AGENT_TOKEN, Material, SERVER_TOKEN, SERVICE_KEY, fingerprint};
