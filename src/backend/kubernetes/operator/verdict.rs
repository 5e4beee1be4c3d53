//! Judging what a watch shows against what was expected: pure, so that every turn can be tested.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::{argo, flagger, native};
use crate::actions::{Expectation, Goal, Observation};
use crate::backend::kubernetes::workload;
use crate::model::{Key, Kind, RolloutPhase, Workload};

/// How long a new pod may be in a crash loop or without its image before the rollout counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What one expectation has seen so far.
pub struct Verdict {
    expect: Expectation,
    said: String,
    stuck: HashMap<String, Duration>,
}

impl Verdict {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(expect: Expectation) -> Self {
        Self { expect, said: String::new(), stuck: HashMap::new() }
    }

    /// What is missing, in the words said last.
    #[must_use]
    pub fn missing(&self) -> &str {
        if self.said.is_empty() { "nothing was heard of it" } else { &self.said }
    }

    /// A thing to say, unless it was said last.
    pub fn waiting(&mut self, text: String) -> Option<Observation> {
        if self.said == text {
            return None;
        }
        self.said.clone_from(&text);
        Some(Observation::Waiting(text))
    }

    /// Judges the object as it is now; `None` when it is not there.
    pub fn object(&mut self, object: Option<&Value>) -> Option<Observation> {
        let key = self.expect.key.clone();
        let uid = |object: &&Value| object.pointer("/metadata/uid").and_then(Value::as_str) == Some(&*key.uid);
        let Some(object) = object.filter(uid) else {
            return Some(match self.expect.goal {
                Goal::Gone => Observation::Met(format!("{key} is gone")),
                _ => Observation::Contradicted("object has been deleted".to_owned()),
            });
        };
        let said = match key.kind {
            Kind::Rollout => argo::judge(&self.expect, object),
            Kind::Canary => flagger::judge(&self.expect, object),
            _ => return self.native(&key, object),
        };
        match said {
            Observation::Waiting(text) => self.waiting(text),
            last => Some(last),
        }
    }

    /// Judges one of Kubernetes' own kinds.
    fn native(&mut self, key: &Key, object: &Value) -> Option<Observation> {
        match self.expect.goal {
            Goal::Replicas(_) | Goal::RolledOut => match workload::read(key, object) {
                Ok(seen) => self.workload(&seen),
                Err(fault) => self.waiting(fault.to_string()),
            },
            Goal::Gone => self.waiting(leaving(object)),
            Goal::Held | Goal::Resumed => match native::held(&self.expect, object) {
                Observation::Waiting(text) => self.waiting(text),
                last => Some(last),
            },
            Goal::Promoted | Goal::FullyPromoted | Goal::Aborted | Goal::Running | Goal::Stopped | Goal::Paused => {
                Some(Observation::Overdue(format!("a {} has no such goal", key.kind.word())))
            }
        }
    }

    fn workload(&mut self, seen: &Workload) -> Option<Observation> {
        match self.expect.goal {
            Goal::Replicas(wanted) => self.replicas(seen, wanted),
            _ => self.rollout(seen),
        }
    }

    fn replicas(&mut self, seen: &Workload, wanted: u32) -> Option<Observation> {
        let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
        if seen.desired != wanted {
            return Some(Observation::Contradicted(format!("overridden: now {}", seen.desired)));
        }
        let (generation, observed) = seen.generation;
        if observed >= generation && seen.current == wanted && seen.ready >= wanted {
            return Some(Observation::Met(format!("{wanted} of {wanted} replicas are ready")));
        }
        let failure = seen.condition("ReplicaFailure").filter(|c| &*c.status == "True");
        let failure = failure.map_or_else(String::new, |c| format!(": {}", c.message));
        self.waiting(format!("{} of {wanted} replicas exist, {} ready{failure}", seen.current, seen.ready))
    }

    fn rollout(&mut self, seen: &Workload) -> Option<Observation> {
        let (generation, observed) = seen.generation;
        let status = seen.rollout();
        if observed < self.expect.generation.unwrap_or_default().max(generation) {
            return self.waiting(status.text);
        }
        match status.phase {
            // a pod that dies at once may have counted as available for a moment
            RolloutPhase::Complete => match self.stuck.keys().next() {
                Some(what) => self.waiting(format!("{}, but {what}", status.text)),
                None => Some(Observation::Met(status.text)),
            },
            RolloutPhase::Failed => Some(Observation::Contradicted(status.text)),
            RolloutPhase::Unwatched => {
                let text = "accepted; strategy OnDelete: each pod changes when it is deleted".to_owned();
                Some(Observation::Met(text))
            }
            RolloutPhase::Progressing | RolloutPhase::Paused => self.waiting(status.text),
        }
    }

    /// Takes note of a pod of the new revision at time `now`.
    pub fn pod(&mut self, pod: &Value, now: Duration) {
        match trouble(pod) {
            Some(what) => {
                let since = self.stuck.iter().find(|(text, _)| same_container(text, &what)).map(|(_, at)| *at);
                self.stuck.retain(|text, _| !same_container(text, &what));
                self.stuck.insert(what, since.unwrap_or(now));
            }
            None if well(pod) => self.forget(pod),
            None => {}
        }
    }

    /// A pod is gone or well again.
    pub fn forget(&mut self, pod: &Value) {
        let name = format!("pod {}:", text(pod, "/metadata/name"));
        self.stuck.retain(|text, _| !text.starts_with(&name));
    }

    /// Other pods are looked at from now on.
    pub fn forget_all(&mut self) {
        self.stuck.clear();
    }

    /// When [`Verdict::hopeless`] is to be asked next, if at all.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.stuck.values().min().map(|since| *since + PATIENCE)
    }

    /// The failure of a new pod that has lasted too long at `now`.
    #[must_use]
    pub fn hopeless(&self, now: Duration) -> Option<Observation> {
        let (what, _) = self.stuck.iter().find(|(_, since)| now >= **since + PATIENCE)?;
        Some(Observation::Contradicted(what.clone()))
    }
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// `pod P: container C` of a sentence that [`trouble`] made.
fn same_container(one: &str, other: &str) -> bool {
    let head = |text: &str| text.split(" is ").next().unwrap_or_default().to_owned();
    head(one) == head(other)
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|at| pod.pointer(at).and_then(Value::as_array))
        .flatten()
}

/// The first container that waits for something that will not come by itself.
fn trouble(pod: &Value) -> Option<String> {
    let bad = |status: &&Value| {
        matches!(
            text(status, "/state/waiting/reason"),
            "CrashLoopBackOff"
                | "ImagePullBackOff"
                | "ErrImagePull"
                | "ErrImageNeverPull"
                | "InvalidImageName"
                | "CreateContainerConfigError"
                | "CreateContainerError"
                | "RunContainerError"
        )
    };
    let status = statuses(pod).find(bad)?;
    let (reason, message) = (text(status, "/state/waiting/reason"), text(status, "/state/waiting/message"));
    let exit = status.pointer("/lastState/terminated/exitCode").and_then(Value::as_i64);
    let exit = exit.map_or_else(String::new, |code| {
        let why = text(status, "/lastState/terminated/reason");
        if why.is_empty() { format!(", last exit {code}") } else { format!(", last exit {code} ({why})") }
    });
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    Some(format!(
        "pod {}: container {} is in {reason}{exit}{message}",
        text(pod, "/metadata/name"),
        text(status, "/name")
    ))
}

fn well(pod: &Value) -> bool {
    statuses(pod).all(|status| {
        status.get("ready").and_then(Value::as_bool) == Some(true)
            || status.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0)
    })
}

fn leaving(pod: &Value) -> String {
    let finalizers = pod.pointer("/metadata/finalizers").and_then(Value::as_array);
    if let Some(first) = finalizers.and_then(|all| all.first()).and_then(Value::as_str) {
        return format!("waiting for finalizer {first}");
    }
    if text(pod, "/metadata/deletionTimestamp").is_empty() {
        return "not yet marked for deletion".to_owned();
    }
    let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    format!("terminating, grace period {grace} s")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Key, Kind, TargetId};

    fn verdict(kind: Kind, goal: Goal, generation: Option<i64>) -> Verdict {
        let key = Key { target: TargetId(0), kind, namespace: "shop".into(), name: "web".into(), uid: "u".into() };
        Verdict::new(Expectation { key, goal, within: Duration::from_secs(60), generation })
    }

    fn deployment(replicas: i64, generation: i64, observed: i64, counts: [i64; 4]) -> Value {
        let [current, updated, ready, available] = counts;
        json!({"metadata": {"uid": "u", "generation": generation}, "spec": {"replicas": replicas},
            "status": {"observedGeneration": observed, "replicas": current, "updatedReplicas": updated,
                "readyReplicas": ready, "availableReplicas": available}})
    }

    #[test]
    fn a_scale_is_met_when_observed_existing_and_ready() {
        let mut judge = verdict(Kind::Deployment, Goal::Replicas(3), None);
        let seen = judge.object(Some(&deployment(3, 2, 1, [1, 1, 1, 1])));
        assert_eq!(seen, Some(Observation::Waiting("1 of 3 replicas exist, 1 ready".into())));
        assert_eq!(judge.object(Some(&deployment(3, 2, 2, [1, 1, 1, 1]))), None, "said already");
        let seen = judge.object(Some(&deployment(3, 2, 2, [3, 3, 3, 3])));
        assert_eq!(seen, Some(Observation::Met("3 of 3 replicas are ready".into())));
    }

    #[test]
    fn another_number_contradicts_a_scale() {
        let mut judge = verdict(Kind::Deployment, Goal::Replicas(5), None);
        let seen = judge.object(Some(&deployment(3, 3, 3, [5, 5, 5, 5])));
        assert_eq!(seen, Some(Observation::Contradicted("overridden: now 3".into())));
    }

    #[test]
    fn a_rollout_counts_only_from_the_receipts_generation_on() {
        let mut judge = verdict(Kind::Deployment, Goal::RolledOut, Some(4));
        let before = judge.object(Some(&deployment(1, 3, 3, [1, 1, 1, 1])));
        assert!(matches!(before, Some(Observation::Waiting(_))), "{before:?}");
        let after = judge.object(Some(&deployment(1, 4, 4, [1, 1, 1, 1])));
        assert_eq!(after, Some(Observation::Met("deployment \"web\" successfully rolled out".into())));
    }

    #[test]
    fn a_rollout_is_not_complete_while_a_new_pod_crashes() {
        let mut judge = verdict(Kind::Deployment, Goal::RolledOut, Some(4));
        let pod = json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [
            {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
        judge.pod(&pod, Duration::ZERO);
        let seen = judge.object(Some(&deployment(1, 4, 4, [1, 1, 1, 1])));
        let text = "deployment \"web\" successfully rolled out, but pod web-1: container app is in CrashLoopBackOff";
        assert_eq!(seen, Some(Observation::Waiting(text.into())));
    }

    #[test]
    fn a_passed_deadline_contradicts_a_rollout() {
        let mut object = deployment(1, 4, 4, [2, 1, 1, 1]);
        object["status"]["conditions"] =
            json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
        let seen = verdict(Kind::Deployment, Goal::RolledOut, Some(4)).object(Some(&object));
        assert_eq!(seen, Some(Observation::Contradicted("deployment \"web\" exceeded its progress deadline".into())));
    }

    #[test]
    fn gone_means_that_uid() {
        let mut judge = verdict(Kind::Pod, Goal::Gone, None);
        let leaving = json!({"metadata": {"uid": "u", "deletionTimestamp": "x", "deletionGracePeriodSeconds": 5}});
        assert_eq!(judge.object(Some(&leaving)), Some(Observation::Waiting("terminating, grace period 5 s".into())));
        let namesake = json!({"metadata": {"uid": "other"}});
        assert!(matches!(judge.object(Some(&namesake)), Some(Observation::Met(_))));
        assert!(matches!(judge.object(None), Some(Observation::Met(_))));
    }

    #[test]
    fn a_crash_loop_is_hopeless_after_its_patience_even_when_it_runs_in_between() {
        let pod = |state: Value, ready: bool| {
            json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [{"name": "app", "ready": ready,
                "state": state, "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}})
        };
        let looping = pod(json!({"waiting": {"reason": "CrashLoopBackOff"}}), false);
        let at = Duration::from_secs;
        let mut judge = verdict(Kind::Deployment, Goal::RolledOut, None);
        judge.pod(&looping, at(10));
        judge.pod(&pod(json!({"running": {}}), false), at(15));
        judge.pod(&looping, at(17));
        assert_eq!(judge.due(), Some(at(30)));
        assert_eq!(judge.hopeless(at(29)), None);
        let text = "pod web-1: container app is in CrashLoopBackOff, last exit 3 (Error)";
        assert_eq!(judge.hopeless(at(30)), Some(Observation::Contradicted(text.into())));
        judge.pod(&pod(json!({"running": {}}), true), at(31));
        assert_eq!(judge.hopeless(at(60)), None, "it became ready");
    }
}
