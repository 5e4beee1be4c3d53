//! The revisions a workload can go back to.

use std::sync::Arc;

use super::key::Key;
use super::time::Stamp;

/// One revision: a ReplicaSet of a Deployment, or a ControllerRevision.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its number, as `kubectl rollout history` counts.
    pub number: i64,
    /// Name of the ReplicaSet or ControllerRevision.
    pub name: Arc<str>,
    /// Value of the pods' revision label.
    pub hash: Arc<str>,
    /// Creation.
    pub created: Stamp,
    /// `kubernetes.io/change-cause`, empty when none.
    pub cause: Box<str>,
    /// Images of its containers, comma separated.
    pub images: Arc<str>,
    /// Pods of it wanted, existing and ready, where the server counts them.
    pub replicas: Option<(i32, i32, i32)>,
    /// The pod template as YAML, without its revision label.
    pub template: Arc<str>,
    /// True for the revision that the workload's template equals now.
    pub current: bool,
}

/// All revisions of one workload, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Revisions {
    /// The workload.
    pub key: Key,
    /// Newest number first.
    pub list: Vec<Revision>,
}
