//! Everything that changes the outside world, and the procedure it goes through:
//! `Action -> Plan -> Approved -> Progress* -> Observation* -> Verdict`, recorded before and after.
//!
//! Types hold the procedure: an [`Operator`](crate::backend::Operator) executes only an
//! [`Approved`] plan, and only [`Plan::approve`] makes one.

pub mod plan;
pub mod policy;
pub mod record;

use crate::model::{Deed, Key, Kind};

pub use plan::{Approved, Change, Diff, Expectation, Goal, Method, Note, Observation, Plan, Progress, Receipt, Risk};
pub use policy::{Consent, Given, Policy};

/// A change somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Set the number of replicas.
    Scale { key: Key, replicas: u32 },
    /// New pods of the same revision, or the engine's restart.
    Restart { key: Key },
    /// Back to revision `revision`; 0 is the one before the current.
    Rollback { key: Key, revision: i64 },
    /// Let a waiting release go on; `full` skips what is left of its steps.
    Promote { key: Key, full: bool },
    /// Take the new version of a release out of service.
    Abort { key: Key },
    /// Hold a release where it stands.
    Hold { key: Key },
    /// Let a held release go on.
    Resume { key: Key },
    /// Try an aborted or failed release again.
    Retry { key: Key },
    /// Delete a pod, or remove an engine's container.
    Delete { key: Key },
    /// Stop an engine's container.
    Stop { key: Key },
    /// Start it.
    Start { key: Key },
    /// Freeze it.
    Pause { key: Key },
    /// Thaw it.
    Unpause { key: Key },
}

impl Action {
    /// The object.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Scale { key, .. }
            | Self::Restart { key }
            | Self::Rollback { key, .. }
            | Self::Promote { key, .. }
            | Self::Abort { key }
            | Self::Hold { key }
            | Self::Resume { key }
            | Self::Retry { key }
            | Self::Delete { key }
            | Self::Stop { key }
            | Self::Start { key }
            | Self::Pause { key }
            | Self::Unpause { key } => key,
        }
    }

    /// The same action on this object.
    #[must_use]
    pub fn with_key(&self, key: Key) -> Self {
        match *self {
            Self::Scale { replicas, .. } => Self::Scale { key, replicas },
            Self::Restart { .. } => Self::Restart { key },
            Self::Rollback { revision, .. } => Self::Rollback { key, revision },
            Self::Promote { full, .. } => Self::Promote { key, full },
            Self::Abort { .. } => Self::Abort { key },
            Self::Hold { .. } => Self::Hold { key },
            Self::Resume { .. } => Self::Resume { key },
            Self::Retry { .. } => Self::Retry { key },
            Self::Delete { .. } => Self::Delete { key },
            Self::Stop { .. } => Self::Stop { key },
            Self::Start { .. } => Self::Start { key },
            Self::Pause { .. } => Self::Pause { key },
            Self::Unpause { .. } => Self::Unpause { key },
        }
    }

    /// The verb of `pilothouse act VERB` and of the audit log.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Scale { .. } => "scale",
            Self::Restart { .. } => "restart",
            Self::Rollback { .. } => "rollback",
            Self::Promote { full: false, .. } => "promote",
            Self::Promote { full: true, .. } => "promote-full",
            Self::Abort { .. } => "abort",
            Self::Hold { .. } => "hold",
            Self::Resume { .. } => "resume",
            Self::Retry { .. } => "retry",
            Self::Delete { .. } => "delete",
            Self::Stop { .. } => "stop",
            Self::Start { .. } => "start",
            Self::Pause { .. } => "pause",
            Self::Unpause { .. } => "unpause",
        }
    }

    /// What one must be allowed to do for it.
    #[must_use]
    pub const fn deed(&self) -> Deed {
        match self {
            Self::Scale { .. } => Deed::Scale,
            Self::Restart { .. } => Deed::Restart,
            Self::Rollback { .. } => Deed::Rollback,
            Self::Promote { .. }
            | Self::Abort { .. }
            | Self::Hold { .. }
            | Self::Resume { .. }
            | Self::Retry { .. } => Deed::Release,
            Self::Delete { .. } => Deed::Delete,
            Self::Stop { .. } | Self::Start { .. } => Deed::Stop,
            Self::Pause { .. } | Self::Unpause { .. } => Deed::Pause,
        }
    }

    /// True when this kind of object takes this action at all.
    #[must_use]
    pub const fn fits(&self) -> bool {
        let kind = self.key().kind;
        match self {
            Self::Scale { .. } => matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::Rollout),
            Self::Rollback { .. } => {
                matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout)
            }
            Self::Restart { .. } => {
                matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Container | Kind::Rollout)
            }
            Self::Promote { .. } => {
                matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::Rollout | Kind::Canary)
            }
            Self::Abort { .. } => matches!(kind, Kind::Deployment | Kind::Rollout | Kind::Canary),
            Self::Hold { .. } | Self::Resume { .. } => {
                matches!(kind, Kind::Deployment | Kind::Rollout | Kind::Canary)
            }
            Self::Retry { .. } => matches!(kind, Kind::Rollout | Kind::Canary),
            Self::Delete { .. } => matches!(kind, Kind::Pod | Kind::Container),
            Self::Stop { .. } | Self::Start { .. } | Self::Pause { .. } | Self::Unpause { .. } => {
                matches!(kind, Kind::Container)
            }
        }
    }
}
