//! A plan: everything that is known, and shown, before a change is made.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::Action;
use super::policy::{Consent, Given, Policy, consent};
use crate::model::{Fault, Key};

/// What would be done, to what, why it may hurt, and how success will be known.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The action.
    pub action: Action,
    /// Name of the target it goes to.
    pub target: String,
    /// One line: `Scale Deployment shop/web from 3 to 5`.
    pub title: String,
    /// What changes.
    pub diff: Vec<Diff>,
    /// Blast radius, other managers, autoscalers, caveats.
    pub notes: Vec<Note>,
    /// How bad a mistake would be.
    pub risk: Risk,
    /// The object's `resourceVersion` as read for this plan, or the container's start time: what
    /// the change is conditional on.
    pub basis: String,
    /// The requests, in order.
    pub changes: Vec<Change>,
    /// What will prove success.
    pub expect: Expectation,
    /// The action that takes it back, where there is one.
    pub inverse: Option<Action>,
    /// The equivalent kubectl or docker command line, quoted for a POSIX shell.
    pub command: String,
}

/// One line of a plan's difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "op", content = "line", rename_all = "lowercase")]
pub enum Diff {
    /// Unchanged, for context.
    Same(String),
    /// Goes away.
    Removed(String),
    /// Comes in.
    Added(String),
}

/// A remark on a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "level", content = "text", rename_all = "lowercase")]
pub enum Note {
    /// Good to know.
    Info(String),
    /// Think again.
    Warning(String),
}

/// How bad a mistake would be, which decides what consent is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Can be taken back with one key: yes or no.
    Reversible,
    /// Interrupts service, or cannot be taken back exactly: yes or no, said loudly.
    Disruptive,
    /// Cannot be taken back: type the name.
    Irreversible,
}

/// One request of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// HTTP method.
    pub method: Method,
    /// Path with query, as sent to the server.
    pub path: String,
    /// Content type, empty without a body.
    pub content_type: String,
    /// Body, `null` without one.
    pub body: Value,
}

/// HTTP method of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// PATCH.
    Patch,
    /// PUT.
    Put,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

/// What has to become true, and by when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The object.
    pub key: Key,
    /// What.
    pub goal: Goal,
    /// Time allowed from the moment the change was accepted.
    pub within: Duration,
    /// Filled in from the receipt: only states of this generation or later count.
    pub generation: Option<i64>,
}

/// A state of an object that can be observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// This many replicas wanted, existing and ready.
    Replicas(u32),
    /// `kubectl rollout status` says done.
    RolledOut,
    /// The release went on from where it stood: another step, or finished.
    Promoted,
    /// The new version is the stable one.
    FullyPromoted,
    /// The new version is out of service.
    Aborted,
    /// The release is held.
    Held,
    /// The release is no longer held.
    Resumed,
    /// The object with this UID is gone.
    Gone,
    /// It runs, and was started after the change.
    Running,
    /// The container is not running.
    Stopped,
    /// The container is paused.
    Paused,
}

/// What the server gave back for an executed plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// `metadata.generation` after the change, where there is one.
    pub generation: Option<i64>,
    /// `resourceVersion` after the change.
    pub version: Option<String>,
}

/// How far execution is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A request was accepted; says which.
    Sent(String),
    /// All were accepted.
    Done(Receipt),
    /// One was not; nothing after it was sent.
    Failed(Fault),
}

/// What verification sees. A stream of them ends after `Met`, `Contradicted` or `Overdue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Not yet, in the tool's own words.
    Waiting(String),
    /// The expectation holds.
    Met(String),
    /// It will not come true: what happened instead.
    Contradicted(String),
    /// The time allowed has passed: what is missing.
    Overdue(String),
}

/// A plan that somebody consented to. Its field is private: only [`Plan::approve`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Approved {
    plan: Plan,
}

impl Approved {
    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Plan {
    /// What must be asked before this may run.
    #[must_use]
    pub fn consent(&self, policy: &Policy) -> Consent {
        consent(self, policy)
    }

    /// Turns the plan into something that can be executed, if what was `given` is what the policy asks.
    ///
    /// # Errors
    /// The policy's refusal, or `Invalid` when the answer does not match.
    pub fn approve(self, policy: &Policy, given: &Given) -> Result<Approved, Fault> {
        match (self.consent(policy), given) {
            (Consent::Refused(fault), _) => Err(fault),
            (Consent::TypeName(name), Given::Typed(text)) if *text == name => Ok(Approved { plan: self }),
            (Consent::TypeName(_), Given::Flag) | (Consent::YesNo, _) => Ok(Approved { plan: self }),
            (Consent::TypeName(name), _) => {
                Err(Fault::Invalid { what: format!("this cannot be undone: type {name} to confirm") })
            }
        }
    }
}
