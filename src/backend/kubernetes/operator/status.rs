//! A workload's status read from raw JSON, so that a rollout is judged in the words of
//! [`Workload::rollout`].

use std::sync::Arc;

use serde_json::Value;

use crate::model::{Condition, Key, Kind, Stamp, Workload};

/// What a rollout is judged by; fields that no judgement reads are left empty.
#[must_use]
pub fn workload(key: &Key, object: &Value) -> Workload {
    let number = |at: &str| object.pointer(at).and_then(Value::as_i64);
    let count = |at: &str| i32::try_from(number(at).unwrap_or_default()).unwrap_or(i32::MAX);
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let status = |field: &str| count(&format!("/status/{field}"));
    let (desired, current, updated, ready, available) = if key.kind == Kind::DaemonSet {
        (
            status("desiredNumberScheduled"),
            status("currentNumberScheduled"),
            status("updatedNumberScheduled"),
            status("numberReady"),
            status("numberAvailable"),
        )
    } else {
        let desired = i32::try_from(number("/spec/replicas").unwrap_or(1)).unwrap_or(i32::MAX);
        (desired, status("replicas"), status("updatedReplicas"), status("readyReplicas"), status("availableReplicas"))
    };
    let strategy =
        if key.kind == Kind::Deployment { text("/spec/strategy/type") } else { text("/spec/updateStrategy/type") };
    let revision = match key.kind {
        Kind::StatefulSet => text("/status/currentRevision"),
        _ => text("/metadata/annotations/deployment.kubernetes.io~1revision"),
    };
    Workload {
        key: key.clone(),
        created: Stamp::default(),
        desired,
        current,
        updated,
        ready,
        available,
        generation: (
            number("/metadata/generation").unwrap_or_default(),
            number("/status/observedGeneration").unwrap_or_default(),
        ),
        paused: object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or_default(),
        strategy: if strategy.is_empty() { "RollingUpdate".into() } else { strategy.into() },
        partition: object
            .pointer("/spec/updateStrategy/rollingUpdate")
            .map(|rolling| rolling.get("partition").and_then(Value::as_i64).unwrap_or_default())
            .and_then(|p| i32::try_from(p).ok()),
        revision: revision.into(),
        update_revision: text("/status/updateRevision").into(),
        deadline: None,
        conditions: conditions(object),
        selector: Box::default(),
        images: Arc::default(),
        cause: Box::default(),
        manager: Arc::default(),
    }
}

fn conditions(object: &Value) -> Box<[Condition]> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |condition: &Value| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        Condition {
            kind: text("type").into(),
            status: text("status").into(),
            reason: text("reason").into(),
            message: text("message").into(),
            updated: None,
        }
    };
    all.iter().map(read).collect()
}
