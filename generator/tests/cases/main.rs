//! Whole repositories below tests/cases, as `knarr` sees them: what is wrong with each, said exactly, and what is fine.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod api;
#[path = "../folder/mod.rs"]
mod folder;
mod hostile;
mod invalid;
mod killed;
#[path = "../many/mod.rs"]
mod many;
mod repository;
mod scale;
mod valid;
