//! The generator: a compiler from the files that people write to everything a cluster needs.
//!
//! `parse → Spec → validate → Model → lower → Tree → diff → write`: all but the ends is pure. [`disk`] alone touches
//! the repository's files, [`git`] alone runs git, [`ui`] alone prints.

pub mod accept;
pub mod address;
pub mod binary;
pub mod claim;
pub mod cli;
pub mod controller;
pub mod device;
pub mod disk;
pub mod doctor;
mod each;
pub mod edit;
pub mod editor;
pub mod emit;
pub mod enrol;
pub mod error;
pub mod finding;
pub mod follow;
pub mod format;
pub mod founding;
pub mod fresh;
pub mod git;
pub mod heard;
pub mod image;
pub mod import;
pub mod join;
pub mod k3s;
pub mod known_hosts;
pub mod kubeconfig;
pub mod kubernetes;
pub mod kubeseal;
pub mod land;
pub mod lower;
pub mod machine;
pub mod mirror;
pub mod model;
pub mod observed;
pub mod origin;
pub mod plan;
pub mod private;
pub mod probe;
pub mod recipients;
pub mod reference;
pub mod release;
pub mod render;
pub mod route;
pub mod seal;
pub mod sealing;
pub mod secrets;
pub mod setup;
pub mod signing;
mod since;
pub mod spec;
pub mod ssh;
pub mod staged;
pub mod tame;
pub mod template;
#[cfg(test)]
mod testing;
pub mod ui;
pub mod unchanged;
