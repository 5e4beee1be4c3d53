//! The console as its user meets it: the real loop over simulated targets, in virtual time.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../support/fake.rs"]
mod fake;
#[path = "../support/harness.rs"]
mod harness;

mod actions;
mod cluster;
mod frames;
mod looking;
