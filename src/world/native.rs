//! Deployments, StatefulSets and DaemonSets as releases: what Kubernetes delivers by itself.

use crate::model::release::Engine;
use crate::model::{Kind, Release, RolloutPhase, Severity, Workload};

/// The release that a workload's rollout is.
#[must_use]
pub fn release(workload: &Workload) -> Release {
    let status = workload.rollout();
    let progressing = workload.condition("Progressing");
    let phase = match status.phase {
        RolloutPhase::Complete => "complete",
        RolloutPhase::Progressing => "progressing",
        RolloutPhase::Paused => "paused",
        RolloutPhase::Failed => "deadline exceeded",
        RolloutPhase::Unwatched => "OnDelete",
    };
    let held_back =
        workload.key.kind == Kind::StatefulSet && workload.partition.is_some_and(|p| p > 0 && p < workload.desired);
    let waits_for = match status.phase {
        RolloutPhase::Paused => "resume (H)".to_owned(),
        RolloutPhase::Failed => "a decision: undo (U) or a better revision".to_owned(),
        RolloutPhase::Progressing => {
            workload.condition("ReplicaFailure").map_or_else(String::new, |c| c.message.to_string())
        }
        _ if held_back => format!("promotion: partition {}", workload.partition.unwrap_or(0)),
        _ => String::new(),
    };
    Release {
        key: workload.key.clone(),
        engine: Engine::Native,
        strategy: workload.strategy.clone(),
        phase: phase.into(),
        message: status.text.into(),
        severity: if held_back { Severity::Warn } else { workload.severity() },
        waits_for: waits_for.into(),
        needs_decision: held_back || matches!(status.phase, RolloutPhase::Paused | RolloutPhase::Failed),
        is_held: workload.paused,
        step: None,
        weight: None,
        ready: (workload.ready, workload.desired),
        since: progressing.and_then(|c| c.updated),
        until: workload.deadline_at(),
        images: workload.images.clone(),
        steps: Box::default(),
        splits: Box::default(),
        checks: Box::default(),
        revisions: (workload.revision.clone(), workload.update_revision.clone()),
    }
}
