//! What has to be asked before a plan may run: a pure function of plan and settings.

use super::plan::{Plan, Risk};
use crate::model::Fault;

/// Settings that decide about changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Nothing may be changed.
    pub read_only: bool,
}

/// What has to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Yes or no.
    YesNo,
    /// The object's name has to be typed.
    TypeName(String),
    /// Not at all.
    Refused(Fault),
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Yes.
    Yes,
    /// This text was typed.
    Typed(String),
    /// `--yes` on the command line, where the object's name was spelled out.
    Flag,
}

/// The refusal of a read-only session.
#[must_use]
pub fn read_only_fault() -> Fault {
    Fault::ReadOnly {
        what: "read-only: start without --read-only (config: read_only = false) to change things".to_owned(),
    }
}

/// What has to be asked before `plan` may run.
#[must_use]
pub fn consent(plan: &Plan, policy: &Policy) -> Consent {
    if policy.read_only {
        return Consent::Refused(read_only_fault());
    }
    match plan.risk {
        Risk::Reversible | Risk::Disruptive => Consent::YesNo,
        Risk::Irreversible => Consent::TypeName(plan.action.key().name.to_string()),
    }
}
