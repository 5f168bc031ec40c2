//! The executor on a simulated machine: one conformance suite, laws, and a crash at every step.
//!
//! The simulated machine replaces single steps only (`fake`); what they are put together to is the released code.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]
#![expect(clippy::print_stdout, reason = "a test says how far it came")]

mod conformance;
mod crash;
mod fake;
mod gates;
mod guarded;
mod laws;
mod outside;
mod raised;
mod versions;
mod world;
