//! A target: one Kubernetes context or one Docker host. Several are open at once.

use std::sync::Arc;

/// Index of an open target, stable for the life of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u16);

/// What answers behind a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A Kubernetes API server, one kubeconfig context.
    Kubernetes,
    /// A Docker Engine or an engine that speaks its API.
    Docker,
}

/// What is known of a target before anything has been asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMeta {
    /// Its index.
    pub id: TargetId,
    /// What answers there.
    pub kind: TargetKind,
    /// The context's name, or the engine's address in short.
    pub name: Arc<str>,
    /// Namespace that is looked at first; `None` means all.
    pub namespace: Option<Arc<str>>,
    /// True for the simulated world.
    pub demo: bool,
}
