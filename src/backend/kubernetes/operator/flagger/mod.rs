//! Flagger, which has no command line of its own: the patches that its maintainers advise.

mod decide;
mod retry;
mod verdict;

use super::release::{Draft, assemble};
use super::subject::Subject;
use crate::actions::{Action, Plan};
use crate::backend::kubernetes::releases::Raw;
use crate::backend::kubernetes::releases::flagger::Canary;
use crate::backend::kubernetes::{Context, Link};
use crate::model::Fault;

pub use verdict::judge;

/// The plan of `action` on a Canary.
///
/// # Errors
/// `Invalid` with the reason when Flagger would not act on it, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, action: &Action) -> Result<Plan, Fault> {
    let draft = decided(link.context(), subject, action)?;
    if matches!(action, Action::Retry { .. }) {
        return retry::plan(link, subject, draft).await;
    }
    assemble(link, subject, action, draft).await
}

/// What `action` means for the Canary as it was read.
///
/// # Errors
/// `Invalid`: why Flagger would not act on it now, and what helps.
pub fn decided(context: &Context, subject: &Subject, action: &Action) -> Result<Draft, Fault> {
    let raw = Raw::of(&subject.object);
    decide::draft(context, subject, Canary::new(&raw), action)
}
