//! Deployments, StatefulSets and DaemonSets as one compact row, and where their rollout stands.

use std::sync::Arc;
use std::time::Duration;

use super::key::{Key, Kind};
use super::severity::Severity;
use super::time::Stamp;

/// A workload controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Identity.
    pub key: Key,
    /// Creation.
    pub created: Stamp,
    /// Replicas wanted; for a `DaemonSet`, pods it wants scheduled.
    pub desired: i32,
    /// Replicas that exist.
    pub current: i32,
    /// Replicas of the newest revision.
    pub updated: i32,
    /// Ready replicas.
    pub ready: i32,
    /// Available replicas.
    pub available: i32,
    /// Generation of the spec, and the last one its controller has seen.
    pub generation: (i64, i64),
    /// `spec.paused` (Deployment).
    pub paused: bool,
    /// Update strategy (`RollingUpdate`, `Recreate`, `OnDelete`).
    pub strategy: Arc<str>,
    /// Partition of a StatefulSet's rolling update, `None` when `rollingUpdate` is not set.
    pub partition: Option<i32>,
    /// Revision number (Deployment annotation) or name of the current revision (StatefulSet).
    pub revision: Arc<str>,
    /// Name of the update revision (StatefulSet).
    pub update_revision: Arc<str>,
    /// `progressDeadlineSeconds`, for Deployments that have one.
    pub deadline: Option<Duration>,
    /// Conditions.
    pub conditions: Box<[Condition]>,
    /// `matchLabels` of its selector.
    pub selector: Box<[(Arc<str>, Arc<str>)]>,
    /// Images of the template's containers, comma separated.
    pub images: Arc<str>,
    /// `kubernetes.io/change-cause`.
    pub cause: Box<str>,
    /// Who else manages it (`Helm release web`, `Argo CD app shop`, `Flux`), empty when nobody known.
    pub manager: Arc<str>,
}

/// A condition of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Type (`Progressing`, `Available`, …).
    pub kind: Arc<str>,
    /// `True`, `False` or `Unknown`.
    pub status: Arc<str>,
    /// Reason, one word.
    pub reason: Arc<str>,
    /// Message.
    pub message: Box<str>,
    /// `lastUpdateTime` or, without one, `lastTransitionTime`.
    pub updated: Option<Stamp>,
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutPhase {
    /// Nothing under way.
    Complete,
    /// Under way.
    Progressing,
    /// Paused on purpose.
    Paused,
    /// Failed: the deadline passed.
    Failed,
    /// `kubectl rollout status` cannot tell (`OnDelete`).
    Unwatched,
}

/// A rollout's phase and the sentence `kubectl rollout status` prints for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStatus {
    /// Phase.
    pub phase: RolloutPhase,
    /// kubectl's words, without a trailing newline.
    pub text: String,
}

impl RolloutStatus {
    fn new(phase: RolloutPhase, text: String) -> Self {
        Self { phase, text }
    }
}

impl Workload {
    /// Where its rollout stands, in the order of tests and the words of kubectl's
    /// `polymorphichelpers/rollout_status.go`; a paused Deployment says so, which kubectl does not.
    #[must_use]
    pub fn rollout(&self) -> RolloutStatus {
        match self.key.kind {
            Kind::StatefulSet => self.statefulset_rollout(),
            Kind::DaemonSet => self.daemonset_rollout(),
            _ => self.deployment_rollout(),
        }
    }

    /// The condition of this type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// Time at which the progress deadline passes, while a Deployment's rollout is under way.
    #[must_use]
    pub fn deadline_at(&self) -> Option<Stamp> {
        let progressing = self.condition("Progressing")?;
        if self.rollout().phase != RolloutPhase::Progressing || self.paused {
            return None;
        }
        Some(progressing.updated?.plus(self.deadline?))
    }

    /// How much it needs a human.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let failed = |kind: &str| self.condition(kind).is_some_and(|c| &*c.status == "True");
        match self.rollout().phase {
            RolloutPhase::Failed => Severity::Bad,
            _ if failed("ReplicaFailure") => Severity::Bad,
            _ if self.desired > 0 && self.available == 0 && self.ready == 0 => Severity::Bad,
            RolloutPhase::Progressing => Severity::Busy,
            RolloutPhase::Paused => Severity::Warn,
            _ if self.ready < self.desired => Severity::Warn,
            RolloutPhase::Complete | RolloutPhase::Unwatched if self.desired == 0 => Severity::Done,
            RolloutPhase::Complete | RolloutPhase::Unwatched => Severity::Good,
        }
    }

    fn deployment_rollout(&self) -> RolloutStatus {
        use RolloutPhase::{Complete, Failed, Paused, Progressing};
        let name = &self.key.name;
        let wait = |text: String| {
            let phase = if self.paused { Paused } else { Progressing };
            let text = if self.paused { format!("PAUSED: {text}") } else { text };
            RolloutStatus::new(phase, text)
        };
        let (generation, observed) = self.generation;
        if generation > observed {
            return wait("Waiting for deployment spec update to be observed...".to_owned());
        }
        if self.condition("Progressing").is_some_and(|c| &*c.reason == "ProgressDeadlineExceeded") {
            return RolloutStatus::new(Failed, format!("deployment \"{name}\" exceeded its progress deadline"));
        }
        if self.updated < self.desired {
            return wait(format!(
                "Waiting for deployment \"{name}\" rollout to finish: {} out of {} new replicas have been updated...",
                self.updated, self.desired
            ));
        }
        if self.current > self.updated {
            return wait(format!(
                "Waiting for deployment \"{name}\" rollout to finish: {} old replicas are pending termination...",
                self.current - self.updated
            ));
        }
        if self.available < self.updated {
            return wait(format!(
                "Waiting for deployment \"{name}\" rollout to finish: {} of {} updated replicas are available...",
                self.available, self.updated
            ));
        }
        let done = format!("deployment \"{name}\" successfully rolled out");
        if self.paused {
            RolloutStatus::new(Paused, format!("PAUSED: {done}"))
        } else {
            RolloutStatus::new(Complete, done)
        }
    }

    fn daemonset_rollout(&self) -> RolloutStatus {
        use RolloutPhase::{Complete, Progressing, Unwatched};
        let name = &self.key.name;
        if &*self.strategy != "RollingUpdate" {
            let text = "rollout status is only available for RollingUpdate strategy type".to_owned();
            return RolloutStatus::new(Unwatched, text);
        }
        let (generation, observed) = self.generation;
        if generation > observed {
            return RolloutStatus::new(Progressing, "Waiting for daemon set spec update to be observed...".to_owned());
        }
        if self.updated < self.desired {
            return RolloutStatus::new(
                Progressing,
                format!(
                    "Waiting for daemon set \"{name}\" rollout to finish: {} out of {} new pods have been updated...",
                    self.updated, self.desired
                ),
            );
        }
        if self.available < self.desired {
            return RolloutStatus::new(
                Progressing,
                format!(
                    "Waiting for daemon set \"{name}\" rollout to finish: {} of {} updated pods are available...",
                    self.available, self.desired
                ),
            );
        }
        RolloutStatus::new(Complete, format!("daemon set \"{name}\" successfully rolled out"))
    }

    fn statefulset_rollout(&self) -> RolloutStatus {
        use RolloutPhase::{Complete, Progressing, Unwatched};
        if &*self.strategy != "RollingUpdate" {
            let text = "rollout status is only available for RollingUpdate strategy type".to_owned();
            return RolloutStatus::new(Unwatched, text);
        }
        let (generation, observed) = self.generation;
        if observed == 0 || generation > observed {
            return RolloutStatus::new(Progressing, "Waiting for statefulset spec update to be observed...".to_owned());
        }
        if self.ready < self.desired {
            return RolloutStatus::new(
                Progressing,
                format!("Waiting for {} pods to be ready...", self.desired - self.ready),
            );
        }
        if let Some(partition) = self.partition {
            let wanted = self.desired - partition;
            if self.updated < wanted {
                return RolloutStatus::new(
                    Progressing,
                    format!(
                        "Waiting for partitioned roll out to finish: {} out of {wanted} new pods have been updated...",
                        self.updated
                    ),
                );
            }
            return RolloutStatus::new(
                Complete,
                format!("partitioned roll out complete: {} new pods have been updated...", self.updated),
            );
        }
        if self.update_revision != self.revision {
            return RolloutStatus::new(
                Progressing,
                format!(
                    "waiting for statefulset rolling update to complete {} pods at revision {}...",
                    self.updated, self.update_revision
                ),
            );
        }
        RolloutStatus::new(
            Complete,
            format!("statefulset rolling update complete {} pods at revision {}...", self.current, self.revision),
        )
    }
}
