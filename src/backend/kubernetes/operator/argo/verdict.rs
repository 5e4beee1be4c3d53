//! Judging a Rollout against what was expected of it.

use serde_json::Value;

use crate::actions::{Expectation, Goal, Observation};
use crate::backend::kubernetes::releases::Raw;
use crate::backend::kubernetes::releases::argo::Rollout;
use crate::backend::kubernetes::releases::raw::{count, number, text};
use crate::model::Stamp;

/// What the Rollout as it is now says of the expectation.
#[must_use]
pub fn judge(expect: &Expectation, object: &Value) -> Observation {
    let raw = Raw::of(object);
    let rollout = Rollout::new(&raw);
    let (phase, message) = rollout.phase();
    let colon = if message.is_empty() { "" } else { ": " };
    let now = format!("{phase}{}{colon}{message}", rollout.place());
    let behind = !rollout.observed() || !rollout.workload_observed();
    match expect.goal {
        Goal::Promoted if rollout.aborted() => Observation::Contradicted(now),
        Goal::Promoted if behind || rollout.unpausing() || rollout.held() => Observation::Waiting(now),
        Goal::Promoted if phase == "Degraded" => Observation::Contradicted(now),
        Goal::Promoted => Observation::Met(now),
        Goal::FullyPromoted if rollout.aborted() && !rollout.promoting() => Observation::Contradicted(now),
        Goal::FullyPromoted if phase == "Healthy" && rollout.promoted() && !rollout.promoting() => {
            Observation::Met(now)
        }
        Goal::FullyPromoted if phase == "Degraded" && !rollout.aborted() => Observation::Contradicted(now),
        Goal::RolledOut => rolled_out(expect, rollout, &now),
        Goal::Aborted if !rollout.aborted() => Observation::Contradicted(format!("the abort was taken back: {now}")),
        Goal::Aborted => aborted(rollout, now),
        Goal::Held if !rollout.held() => Observation::Contradicted(format!("it was resumed: {now}")),
        Goal::Held if !behind && phase == "Paused" => Observation::Met(now),
        Goal::Resumed if rollout.held() => Observation::Contradicted(format!("it was held again: {now}")),
        Goal::Resumed if rollout.aborted() => Observation::Contradicted(format!("it was aborted again: {now}")),
        Goal::Resumed if !behind && !rollout.unpausing() && !text(rollout.status(), "/phase").is_empty() => {
            resumed(rollout, now)
        }
        Goal::Running => restarted(rollout, now),
        Goal::Replicas(wanted) => replicas(rollout, wanted),
        _ => Observation::Waiting(now),
    }
}

/// A rollback is done when it is healthy; one that runs through steps may wait for somebody there.
fn rolled_out(expect: &Expectation, rollout: Rollout<'_>, now: &str) -> Observation {
    let (phase, _) = rollout.phase();
    let unseen = rollout.spec().get("workloadRef").is_some_and(|value| !value.is_null()) && {
        let seen = text(rollout.status(), "/workloadObservedGeneration").parse::<i64>();
        seen.is_ok_and(|seen| expect.generation.is_some_and(|wanted| seen < wanted))
    };
    if unseen || !rollout.observed() || !rollout.workload_observed() || rollout.unpausing() {
        return Observation::Waiting(now.to_owned());
    }
    if rollout.aborted() || phase == "Degraded" {
        return Observation::Contradicted(now.to_owned());
    }
    if phase == "Healthy" && rollout.promoted() {
        return Observation::Met(now.to_owned());
    }
    let wait = rollout.wait();
    if wait.decision {
        return Observation::Met(format!("under way, {now}; it waits for {}", wait.text));
    }
    Observation::Waiting(now.to_owned())
}

fn aborted(rollout: Rollout<'_>, now: String) -> Observation {
    let weight = number(rollout.status(), "/canary/weights/canary/weight").unwrap_or_default();
    if text(rollout.status(), "/abortedAt").is_empty() || text(rollout.status(), "/phase") != "Degraded" {
        return Observation::Waiting(now);
    }
    if weight > 0 {
        return Observation::Waiting(format!("{now}; the new version still has weight {weight}"));
    }
    Observation::Met(now)
}

/// A retry leaves `Degraded` when the controller has taken it up.
fn resumed(rollout: Rollout<'_>, now: String) -> Observation {
    let (phase, message) = rollout.phase();
    if phase == "Degraded" || message == "manually paused" { Observation::Waiting(now) } else { Observation::Met(now) }
}

fn restarted(rollout: Rollout<'_>, now: String) -> Observation {
    let wanted = Stamp::parse(text(rollout.spec(), "/restartAt"));
    let done = Stamp::parse(text(rollout.status(), "/restartedAt"));
    match (wanted, done) {
        (None, _) => Observation::Contradicted(format!("the restart was taken back: {now}")),
        (Some(wanted), Some(done)) if done >= wanted => {
            Observation::Met(format!("all pods are new since {}", done.rfc3339()))
        }
        _ => Observation::Waiting(now),
    }
}

fn replicas(rollout: Rollout<'_>, wanted: u32) -> Observation {
    let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
    let desired = number(rollout.spec(), "/replicas").and_then(|n| i32::try_from(n).ok()).unwrap_or(1);
    if desired != wanted {
        return Observation::Contradicted(format!("overridden: now {desired}"));
    }
    let (exist, ready) = (count(rollout.status(), "/replicas"), count(rollout.status(), "/readyReplicas"));
    // an update under way may have more pods than are wanted
    let settled = if rollout.promoted() { exist == wanted } else { exist >= wanted };
    if rollout.observed() && settled && ready >= wanted {
        return Observation::Met(format!("{ready} of {wanted} replicas are ready"));
    }
    Observation::Waiting(format!("{exist} of {wanted} replicas exist, {ready} ready"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::model::{Key, Kind, TargetId};

    fn seen(goal: Goal, spec: &Value, status: &Value) -> Observation {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Rollout,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "u".into(),
        };
        let expect = Expectation { key, goal, within: Duration::from_secs(1), generation: Some(5) };
        let mut all =
            json!({"phase": "Progressing", "observedGeneration": "4", "currentPodHash": "b", "stableRS": "a"});
        all.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        judge(&expect, &json!({"metadata": {"uid": "u", "generation": 4}, "spec": spec, "status": all}))
    }

    fn word(observation: &Observation) -> &'static str {
        match observation {
            Observation::Waiting(_) => "waits",
            Observation::Met(_) => "met",
            Observation::Contradicted(_) => "contradicted",
            Observation::Overdue(_) => "overdue",
        }
    }

    #[test]
    fn each_goal_is_met_and_contradicted_by_its_own_states() {
        let (paused, none) = (json!({"paused": true}), json!({}));
        let done = json!({"phase": "Healthy", "stableRS": "b"});
        let aborted = json!({"phase": "Degraded", "abort": true, "abortedAt": "2026-08-24T10:00:00Z"});
        let mut weighted = aborted.clone();
        weighted["canary"] = json!({"weights": {"canary": {"weight": 20}}});
        let waiting =
            json!({"phase": "Paused", "pauseConditions": [{"reason": "CanaryPauseStep"}], "controllerPause": true});
        let restart = json!({"restartAt": "2026-08-24T10:00:00Z"});
        let workload = json!({"workloadRef": {"kind": "Deployment"}});
        for (goal, spec, status, want) in [
            (Goal::Promoted, &none, json!({"controllerPause": true}), "waits"),
            (Goal::Promoted, &none, json!({"observedGeneration": "3"}), "waits"),
            (Goal::Promoted, &none, none.clone(), "met"),
            (Goal::Promoted, &none, aborted.clone(), "contradicted"),
            (Goal::FullyPromoted, &none, json!({"promoteFull": true}), "waits"),
            (Goal::FullyPromoted, &none, done.clone(), "met"),
            (Goal::FullyPromoted, &none, aborted.clone(), "contradicted"),
            (Goal::Aborted, &none, json!({"abort": true}), "waits"),
            (Goal::Aborted, &none, weighted, "waits"),
            (Goal::Aborted, &none, aborted.clone(), "met"),
            (Goal::Aborted, &none, none.clone(), "contradicted"),
            (Goal::Held, &paused, none.clone(), "waits"),
            (Goal::Held, &paused, json!({"phase": "Paused"}), "met"),
            (Goal::Held, &none, none.clone(), "contradicted"),
            (Goal::Resumed, &none, json!({"phase": "Degraded"}), "waits"),
            (Goal::Resumed, &none, none.clone(), "met"),
            (Goal::Resumed, &paused, none.clone(), "contradicted"),
            (Goal::Resumed, &none, aborted.clone(), "contradicted"),
            (Goal::RolledOut, &none, none.clone(), "waits"),
            (Goal::RolledOut, &none, done.clone(), "met"),
            (Goal::RolledOut, &none, waiting, "met"),
            (Goal::RolledOut, &none, aborted, "contradicted"),
            (
                Goal::RolledOut,
                &workload,
                json!({"phase": "Healthy", "stableRS": "b", "workloadObservedGeneration": "4"}),
                "waits",
            ),
            (
                Goal::RolledOut,
                &workload,
                json!({"phase": "Healthy", "stableRS": "b", "workloadObservedGeneration": "5"}),
                "met",
            ),
            (Goal::Running, &restart, none.clone(), "waits"),
            (Goal::Running, &restart, json!({"restartedAt": "2026-08-24T10:00:00Z"}), "met"),
            (Goal::Running, &none, none.clone(), "contradicted"),
            (Goal::Replicas(3), &json!({"replicas": 3}), json!({"replicas": 3, "readyReplicas": 2}), "waits"),
            (Goal::Replicas(3), &json!({"replicas": 3}), json!({"replicas": 4, "readyReplicas": 3}), "met"),
            (Goal::Replicas(3), &json!({"replicas": 2}), none.clone(), "contradicted"),
        ] {
            let got = seen(goal.clone(), spec, &status);
            assert_eq!(word(&got), want, "{goal:?} with {spec} and {status}: {got:?}");
        }
    }
}
