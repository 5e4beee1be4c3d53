//! Argo Rollouts: the requests of its official plugin, and guards against what it lets happen.

mod decide;
mod history;
mod rollback;
mod verdict;

use super::release::{Draft, assemble};
use super::subject::Subject;
use crate::actions::{Action, Plan};
use crate::backend::kubernetes::releases::Raw;
use crate::backend::kubernetes::releases::argo::Rollout;
use crate::backend::kubernetes::{Context, Link};
use crate::clock;
use crate::model::Fault;

pub use verdict::judge;

/// The plan of `action` on a Rollout; scaling is planned as for every other workload.
///
/// # Errors
/// `Invalid` with the reason when it would do nothing, or something else than it says; `Denied`,
/// and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, action: &Action) -> Result<Plan, Fault> {
    if let Action::Rollback { revision, .. } = action {
        return rollback::plan(link, subject, *revision).await;
    }
    let draft = decided(link.context(), subject, action)?;
    assemble(link, subject, action, draft).await
}

/// What `action` means for the Rollout as it was read.
///
/// # Errors
/// `Invalid`: why it makes no sense now, and what does.
pub fn decided(context: &Context, subject: &Subject, action: &Action) -> Result<Draft, Fault> {
    let raw = Raw::of(&subject.object);
    decide::draft(context, subject, Rollout::new(&raw), action, clock::wall())
}
