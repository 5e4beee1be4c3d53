//! One line of the audit log: what was about to be done, and what came of it.

use serde::Serialize;

use super::plan::{Diff, Plan};

/// A line of `audit.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Record<'a> {
    /// RFC 3339 time.
    pub at: String,
    /// `intent` before anything is sent, `outcome` after.
    pub phase: &'static str,
    /// Pairs an intent with its outcome.
    pub id: &'a str,
    /// User and host here.
    pub who: &'a str,
    /// Target's name.
    pub target: &'a str,
    /// The verb.
    pub action: &'static str,
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its UID or container id.
    pub uid: &'a str,
    /// What the change was conditional on.
    pub basis: &'a str,
    /// The plan's title.
    pub title: &'a str,
    /// What changes.
    pub diff: &'a [Diff],
    /// The equivalent command.
    pub command: &'a str,
    /// `done`, `failed`, `contradicted`, `overdue`, `cancelled`; empty for an intent.
    pub verdict: &'a str,
    /// The verdict in words.
    pub detail: &'a str,
}

impl<'a> Record<'a> {
    /// The line for `plan`; `verdict` and `detail` are empty for an intent.
    #[must_use]
    pub fn new(at: String, id: &'a str, who: &'a str, plan: &'a Plan, verdict: &'a str, detail: &'a str) -> Self {
        let key = plan.action.key();
        Self {
            at,
            phase: if verdict.is_empty() { "intent" } else { "outcome" },
            id,
            who,
            target: &plan.target,
            action: plan.action.verb(),
            kind: key.kind.word(),
            namespace: &key.namespace,
            name: &key.name,
            uid: &key.uid,
            basis: &plan.basis,
            title: &plan.title,
            diff: &plan.diff,
            command: &plan.command,
            verdict,
            detail,
        }
    }
}
