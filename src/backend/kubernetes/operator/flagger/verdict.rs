//! Judging a Canary against what was expected of it.

use serde_json::Value;

use crate::actions::{Expectation, Goal, Observation};
use crate::backend::kubernetes::releases::Raw;
use crate::backend::kubernetes::releases::flagger::Canary;
use crate::backend::kubernetes::releases::raw::flag;

/// What the Canary as it is now says of the expectation.
#[must_use]
pub fn judge(expect: &Expectation, object: &Value) -> Observation {
    let raw = Raw::of(object);
    let canary = Canary::new(&raw);
    let (phase, weight) = (canary.phase(), canary.weight());
    let now = format!("{phase}, canary at weight {weight}");
    match (&expect.goal, phase) {
        (Goal::Held, _) if canary.held() => Observation::Met(format!("held: {now}")),
        (Goal::Held, _) => Observation::Contradicted(format!("it was resumed: {now}")),
        (Goal::FullyPromoted, "Succeeded") => Observation::Met(now),
        (Goal::FullyPromoted | Goal::Aborted, "Failed") if canary.failed_serving() => {
            Observation::Contradicted(format!("{now}: promotion failed and the new version is serving"))
        }
        (Goal::Aborted, "Failed") => Observation::Met(now),
        (Goal::FullyPromoted, "Failed") => Observation::Contradicted(now),
        (Goal::FullyPromoted, _) if canary.running() && !flag(canary.spec(), "/skipAnalysis") => {
            Observation::Contradicted(format!("somebody took skipAnalysis back: {now}"))
        }
        (Goal::Aborted, "Succeeded" | "Promoting" | "Finalising") => {
            Observation::Contradicted(format!("it was promoted before: {now}"))
        }
        (Goal::Aborted, _) if canary.failed() < canary.threshold() => Observation::Contradicted(format!(
            "a check overwrote it with {} failed checks: roll back again ({now})",
            canary.failed()
        )),
        (Goal::Resumed, _) if canary.held() => Observation::Contradicted(format!("it was held again: {now}")),
        (Goal::Resumed, _) => Observation::Met(now),
        // a retry has begun when it is no longer failed
        (Goal::Promoted, "Failed") => Observation::Waiting(now),
        (Goal::Promoted, _) => Observation::Met(now),
        _ => Observation::Waiting(now),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::model::{Key, Kind, TargetId};

    #[test]
    fn each_goal_is_met_and_contradicted_by_its_own_states() {
        let (none, skip, held) = (json!({}), json!({"skipAnalysis": true}), json!({"suspend": true}));
        let status = |phase: &str, weight: u32, failed: u32| json!({"phase": phase, "canaryWeight": weight, "failedChecks": failed});
        for (goal, spec, status, want) in [
            (Goal::FullyPromoted, &skip, status("Progressing", 20, 0), "waits"),
            (Goal::FullyPromoted, &none, status("Progressing", 20, 0), "contradicted"),
            (Goal::FullyPromoted, &none, status("Finalising", 0, 0), "waits"),
            (Goal::FullyPromoted, &none, status("Succeeded", 0, 0), "met"),
            (Goal::FullyPromoted, &skip, status("Failed", 0, 0), "contradicted"),
            (Goal::Aborted, &none, status("Progressing", 20, 1), "waits"),
            (Goal::Aborted, &none, status("Progressing", 20, 0), "contradicted"),
            (Goal::Aborted, &none, status("Failed", 0, 0), "met"),
            (Goal::Aborted, &none, status("Failed", 100, 0), "contradicted"),
            (Goal::Aborted, &none, status("Succeeded", 0, 0), "contradicted"),
            (Goal::Held, &held, status("Progressing", 20, 0), "met"),
            (Goal::Held, &none, status("Progressing", 20, 0), "contradicted"),
            (Goal::Resumed, &none, status("Failed", 0, 0), "met"),
            (Goal::Resumed, &held, status("Failed", 0, 0), "contradicted"),
            (Goal::Promoted, &none, status("Failed", 0, 0), "waits"),
            (Goal::Promoted, &none, status("Progressing", 0, 0), "met"),
        ] {
            let key = Key {
                target: TargetId(0),
                kind: Kind::Canary,
                namespace: "test".into(),
                name: "podinfo".into(),
                uid: "u".into(),
            };
            let expect = Expectation { key, goal: goal.clone(), within: Duration::from_secs(1), generation: None };
            let got = judge(&expect, &json!({"spec": spec, "status": status}));
            let word = match &got {
                Observation::Waiting(_) => "waits",
                Observation::Met(_) => "met",
                Observation::Contradicted(_) => "contradicted",
                Observation::Overdue(_) => "overdue",
            };
            assert_eq!(word, want, "{goal:?} with {spec} and {status}: {got:?}");
        }
    }
}
