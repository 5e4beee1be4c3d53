//! Changes to a cluster: planned on the live object and tried as a dry run, sent on condition that
//! nobody else changed it, and watched until they have come true.
//!
//! Everything here works on raw JSON: a typed round trip would drop the fields of newer servers.

mod argo;
mod command;
mod delete;
mod execute;
mod flagger;
mod guard;
mod history;
mod native;
mod observe;
mod release;
mod restart;
mod rollback;
mod scale;
mod subject;
mod verdict;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Link;
use crate::actions::{Action, Approved, Expectation, Observation, Plan, Progress};
use crate::backend::Operator;
use crate::model::{Fault, Kind};
use subject::Subject;

/// How often a plan is drafted anew because its object changed in the middle of it.
const TRIES: usize = 5;

/// The operator of one context.
#[derive(Clone)]
pub struct KubernetesOperator {
    link: Link,
    target: String,
}

impl KubernetesOperator {
    /// An operator on `link`, whose target is called `target`. Nothing is connected yet.
    #[must_use]
    pub fn new(link: Link, target: String) -> Self {
        Self { link, target }
    }

    async fn planned(self, action: Action) -> Result<Plan, Fault> {
        if !action.fits() {
            let what = format!("a {} cannot be changed by {}", action.key().kind.word(), action.verb());
            return Err(Fault::Unsupported { what });
        }
        let mut subject = Subject::read(&self.link, action.key()).await?;
        for _ in 0..TRIES {
            let plan = self.drafted(&subject, &action).await?;
            let Err(fault) = self.rehearsed(&plan).await else {
                return Ok(Plan { target: self.target, ..plan });
            };
            let again = Subject::read(&self.link, &subject.key).await?;
            if again.version() == subject.version() {
                return Err(fault);
            }
            subject = again;
        }
        Err(Fault::Conflict { what: format!("{} changes all the time: try again in a moment", subject.key) })
    }

    async fn drafted(&self, subject: &Subject, action: &Action) -> Result<Plan, Fault> {
        match (subject.key.kind, action) {
            (Kind::Rollout, Action::Scale { .. }) => {}
            (Kind::Rollout, _) => return argo::plan(&self.link, subject, action).await,
            (Kind::Canary, _) => return flagger::plan(&self.link, subject, action).await,
            _ => {}
        }
        match action {
            Action::Scale { replicas, .. } => scale::plan(&self.link, subject, *replicas).await,
            Action::Restart { .. } => restart::plan(&self.link, subject).await,
            Action::Rollback { revision, .. } => rollback::plan(&self.link, subject, *revision).await,
            Action::Delete { .. } => delete::plan(&self.link, subject).await,
            Action::Promote { .. } | Action::Abort { .. } | Action::Hold { .. } | Action::Resume { .. } => {
                native::plan(&self.link, subject, action).await
            }
            _ => Err(Fault::Unsupported { what: format!("Kubernetes has no {}", action.verb()) }),
        }
    }

    async fn rehearsed(&self, plan: &Plan) -> Result<(), Fault> {
        for change in &plan.changes {
            self.link.change(change, true).await.map_err(|fault| match fault {
                Fault::Invalid { what } => Fault::Invalid { what: format!("the server would refuse this: {what}") },
                other => other,
            })?;
        }
        Ok(())
    }
}

impl Operator for KubernetesOperator {
    fn plan(&self, action: &Action) -> BoxFuture<'static, Result<Plan, Fault>> {
        self.clone().planned(action.clone()).boxed()
    }

    fn execute(&self, approved: Approved) -> BoxStream<'static, Progress> {
        execute::execute(self.link.clone(), approved)
    }

    fn observe(&self, expect: &Expectation) -> BoxStream<'static, Observation> {
        observe::observe(self.link.clone(), expect.clone())
    }
}
