//! pilothouse: a terminal operations console for Kubernetes and Docker.
#![forbid(unsafe_code)]

pub mod actions;
pub mod backend;
pub mod clock;
pub mod model;
pub mod world;
