//! Kubernetes through kube-rs: one [`Link`] a context, feeds that list and watch into compact
//! rows, and the operator that changes things.

pub mod emit;
pub mod fault;
pub mod link;
pub mod logs;
pub mod operator;

pub use link::{Context, Link};
pub use operator::KubernetesOperator;
