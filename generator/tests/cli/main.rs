//! Whole command lines, hermetic: a home of their own, fixed names, real git and ssh-keygen.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod annotations;
mod apps;
mod ci;
mod described;
mod explain;
#[path = "../folder/mod.rs"]
mod folder;
mod golden;
mod home;
mod imports;
mod kubeseal;
mod land;
mod leaving;
mod new;
mod origin;
mod parallel;
mod peers;
mod people;
mod plan;
mod repository;
mod seal;
mod seal_secrets;
mod sealing_key;
mod secrets;
mod ssh;
mod staged;
mod unseal;
mod upgrade;
