//! What Knarr knows of K3s before any machine runs it: its authorities, tokens, keys and versions.

mod authority;
pub mod keys;
mod material;
mod version;

pub use authority::{Authority, MaterialError};
pub use material::{AGENT_TOKEN, Material, SERVER_TOKEN, SERVICE_KEY, fingerprint};
pub use version::{BadStep, Version};
