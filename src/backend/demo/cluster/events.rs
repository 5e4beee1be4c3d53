//! Events of a simulated cluster: repeated ones are counted, old ones forgotten.

use std::time::Duration;

use super::Cluster;
use crate::model::{ClusterEvent, Key, Kind, Stamp};

/// How long events are kept, and how many.
const KEPT: Duration = Duration::from_secs(3_600);
const MOST: usize = 300;

impl Cluster {
    /// Something happened to `object`.
    pub(super) fn happened(&mut self, object: &Key, reason: &str, message: &str, now: Stamp) {
        let warning = matches!(
            reason,
            "BackOff" | "Failed" | "FailedScheduling" | "Unhealthy" | "OOMKilling" | "ProgressDeadlineExceeded"
        );
        let again = self
            .events
            .iter_mut()
            .find(|e| e.object_uid == object.uid && &*e.reason == reason && &*e.message == message);
        if let Some(event) = again {
            event.count += 1;
            event.last = now;
            return;
        }
        let source = match reason {
            "Scheduled" | "FailedScheduling" => "default-scheduler",
            "ScalingReplicaSet" | "ProgressDeadlineExceeded" => "deployment-controller",
            "SuccessfulCreate" | "SuccessfulDelete" if object.kind == Kind::StatefulSet => "statefulset-controller",
            "SuccessfulCreate" | "SuccessfulDelete" => "daemonset-controller",
            "SuccessfulRescale" => "horizontal-pod-autoscaler",
            _ => "kubelet",
        };
        let name = format!("{}.{}", object.name, self.dice.suffix(8));
        let key = self.key(Kind::Event, &object.namespace, &name);
        self.events.push(ClusterEvent {
            key,
            warning,
            reason: reason.into(),
            message: message.into(),
            object: format!("{}/{}", object.kind.word(), object.name).into(),
            object_uid: object.uid.clone(),
            count: 1,
            first: now,
            last: now,
            source: source.into(),
        });
    }

    pub(super) fn prune_events(&mut self, now: Stamp) {
        self.events.retain(|event| event.last.since(now) < KEPT);
        let surplus = self.events.len().saturating_sub(MOST);
        self.events.drain(..surplus);
    }
}
