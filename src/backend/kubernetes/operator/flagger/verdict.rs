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
