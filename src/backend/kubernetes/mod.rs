//! Kubernetes through kube-rs: one [`Link`] a context, feeds that list and watch into compact
//! rows, and the operator that changes things.

pub mod fault;
pub mod link;

pub use link::{Context, Link};
