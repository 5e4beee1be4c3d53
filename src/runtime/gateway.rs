//! The one place where changes leave the program. It holds the operators, refuses everything when
//! read-only, and records intent and outcome around every change.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::audit::Audit;
use crate::actions::policy::read_only_fault;
use crate::actions::{Action, Approved, Observation, Plan, Policy, Progress};
use crate::backend::Operator;
use crate::clock;
use crate::event::{JobEvent, JobId};
use crate::model::{Fault, TargetId};

/// Operators of all targets behind policy and audit.
pub struct Gateway {
    operators: Vec<Arc<dyn Operator>>,
    policy: Policy,
    audit: Arc<Audit>,
    out: mpsc::Sender<(JobId, JobEvent)>,
    tasks: HashMap<JobId, AbortOnDropHandle<()>>,
}

/// How an action ended, as the audit log words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// `done`, `sent` (accepted and not verified), `failed`, `contradicted` or `overdue`.
    pub verdict: &'static str,
    /// In words.
    pub detail: String,
}

/// Who is told how far an action is.
#[derive(Debug, Clone)]
pub struct Report {
    /// The action.
    pub id: JobId,
    /// Where its news go.
    pub out: mpsc::Sender<(JobId, JobEvent)>,
}

impl Report {
    async fn say(&self, event: JobEvent) {
        // nobody listening any more is no reason to stop halfway
        let _ = self.out.send((self.id, event)).await;
    }
}

impl Gateway {
    /// A gateway to these operators, indexed by target id.
    #[must_use]
    pub fn new(
        operators: Vec<Arc<dyn Operator>>,
        policy: Policy,
        audit: Audit,
        out: mpsc::Sender<(JobId, JobEvent)>,
    ) -> Self {
        Self { operators, policy, audit: Arc::new(audit), out, tasks: HashMap::new() }
    }

    /// Another target's operator, of the next id.
    pub fn add(&mut self, operator: Arc<dyn Operator>) {
        self.operators.push(operator);
    }

    fn operator(&self, target: TargetId) -> Result<Arc<dyn Operator>, Fault> {
        let found = self.operators.get(usize::from(target.0)).cloned();
        found.ok_or_else(|| Fault::Gone { what: "the target is not open".into() })
    }

    /// Works out a plan in the background.
    pub fn plan(&mut self, id: JobId, action: Action) {
        let (operator, out) = (self.operator(action.key().target), self.out.clone());
        self.spawn(id, async move {
            let planned = match operator {
                Ok(operator) => operator.plan(&action).await,
                Err(fault) => Err(fault),
            };
            let event = match planned {
                Ok(plan) => JobEvent::Planned(Box::new(plan)),
                Err(fault) => JobEvent::Refused(fault),
            };
            let _ = out.send((id, event)).await;
        });
    }

    /// Records, executes, verifies and records in the background.
    pub fn run(&mut self, id: JobId, approved: Approved) {
        let (operator, out) = (self.operator(approved.plan().action.key().target), self.out.clone());
        let (policy, audit) = (self.policy.clone(), self.audit.clone());
        self.spawn(id, async move {
            match operator {
                Ok(operator) => {
                    let report = Report { id, out };
                    carry_out(operator.as_ref(), approved, &policy, &audit, true, &report).await;
                }
                Err(fault) => {
                    let _ = out.send((id, JobEvent::Progress(Progress::Failed(fault)))).await;
                }
            }
        });
    }

    fn spawn(&mut self, id: JobId, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.retain(|_, task| !task.is_finished());
        self.tasks.insert(id, AbortOnDropHandle::new(tokio::spawn(work)));
    }
}

/// The procedure behind consent, for the console and the command line alike: intent, execution,
/// verification, outcome. Without `wait` the outcome is what the server accepted.
pub async fn carry_out(
    operator: &dyn Operator,
    approved: Approved,
    policy: &Policy,
    audit: &Audit,
    wait: bool,
    report: &Report,
) -> Ending {
    let plan = approved.plan().clone();
    if policy.read_only {
        let fault = read_only_fault();
        let ending = Ending { verdict: "failed", detail: fault.to_string() };
        report.say(JobEvent::Progress(Progress::Failed(fault))).await;
        return ending;
    }
    let id = record_id();
    if let Err(fault) = record(audit, &id, &plan, "", "").await {
        let ending = Ending { verdict: "failed", detail: fault.to_string() };
        report.say(JobEvent::NotRecorded(fault)).await;
        return ending;
    }
    let (ending, last) = execute(operator, approved, wait, report).await;
    // on record before it is on screen
    if let Err(fault) = record(audit, &id, &plan, ending.verdict, &ending.detail).await {
        tracing::error!(%fault, "the outcome could not be recorded");
    }
    if let Some(last) = last {
        report.say(last).await;
    }
    ending
}

/// Executes and verifies; returns how it ended and the news that says so, which is still to be told.
async fn execute(
    operator: &dyn Operator,
    approved: Approved,
    wait: bool,
    report: &Report,
) -> (Ending, Option<JobEvent>) {
    let mut expect = approved.plan().expect.clone();
    let failed = |fault: Fault| {
        let ending = Ending { verdict: "failed", detail: fault.to_string() };
        (ending, Some(JobEvent::Progress(Progress::Failed(fault))))
    };
    let mut sending = operator.execute(approved);
    let mut accepted = false;
    while let Some(progress) = sending.next().await {
        match progress {
            Progress::Failed(fault) => return failed(fault),
            Progress::Done(receipt) => {
                // a receipt without one (of /scale) leaves what the plan knew
                expect.generation = receipt.generation.or(expect.generation);
                accepted = true;
                report.say(JobEvent::Progress(Progress::Done(receipt))).await;
            }
            sent @ Progress::Sent(_) => report.say(JobEvent::Progress(sent)).await,
        }
    }
    if !accepted {
        let what = "the connection ended before the server accepted everything".into();
        return failed(Fault::Server { what });
    }
    if !wait {
        return (Ending { verdict: "sent", detail: "accepted by the server; not verified (--no-wait)".into() }, None);
    }
    let mut seen = operator.observe(&expect);
    while let Some(observation) = seen.next().await {
        let (verdict, detail) = match &observation {
            Observation::Waiting(_) => {
                report.say(JobEvent::Observed(observation)).await;
                continue;
            }
            Observation::Met(text) => ("done", text.clone()),
            Observation::Contradicted(text) => ("contradicted", text.clone()),
            Observation::Overdue(text) => ("overdue", text.clone()),
        };
        return (Ending { verdict, detail }, Some(JobEvent::Observed(observation)));
    }
    let detail = "nothing more could be observed".to_owned();
    let last = JobEvent::Observed(Observation::Overdue(detail.clone()));
    (Ending { verdict: "overdue", detail }, Some(last))
}

async fn record(audit: &Audit, id: &str, plan: &Plan, verdict: &str, detail: &str) -> Result<(), Fault> {
    let (audit, id, plan) = (audit.clone(), id.to_owned(), plan.clone());
    let (verdict, detail) = (verdict.to_owned(), detail.to_owned());
    tokio::task::spawn_blocking(move || audit.record(&id, &plan, &verdict, &detail))
        .await
        .unwrap_or_else(|e| Err(Fault::Server { what: e.to_string() }))
}

/// A number that pairs intent and outcome, unique on this machine.
fn record_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{number}", clock::wall().0, std::process::id())
}
