//! Releases by Kubernetes alone: a Deployment that is held by `spec.paused`, a StatefulSet that is
//! held back by its partition.

mod abort;
mod hold;
mod partition;

use super::subject::Subject;
use crate::actions::{Action, Plan};
use crate::backend::kubernetes::Link;
use crate::model::{Fault, Kind};

pub use hold::held;

/// The plan of `action` on a workload.
///
/// # Errors
/// `Invalid` in kubectl's words where it has some, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, action: &Action) -> Result<Plan, Fault> {
    match (subject.key.kind, action) {
        (Kind::StatefulSet, Action::Promote { full, .. }) => partition::plan(link, subject, *full).await,
        (Kind::Deployment, Action::Promote { full, .. }) => hold::promote(link, subject, *full).await,
        (Kind::Deployment, Action::Hold { .. }) => hold::hold(link, subject).await,
        (Kind::Deployment, Action::Resume { .. }) => hold::resume(link, subject).await,
        (Kind::Deployment, Action::Abort { .. }) => abort::plan(link, subject).await,
        (kind, other) => Err(Fault::Unsupported { what: format!("a {} has no {}", kind.word(), other.verb()) }),
    }
}
