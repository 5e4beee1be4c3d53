//! `kubectl rollout pause` and `resume`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Observation, Plan, Risk};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::backend::kubernetes::operator::release::refuse;
use crate::backend::kubernetes::operator::restart::rollout_time;
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::operator::{command, guard};
use crate::backend::kubernetes::workload;
use crate::model::{Fault, RolloutPhase};

/// Time for the controller to take it up.
const SOON: Duration = Duration::from_secs(60);

/// The plan to hold the rollout of a Deployment.
///
/// # Errors
/// `Invalid` when it is paused already, `Denied`.
pub async fn hold(link: &Link, subject: &Subject) -> Result<Plan, Fault> {
    let name = &subject.key.name;
    if subject.flag("/spec/paused") {
        return refuse(format!("deployments.apps \"{name}\" is already paused"));
    }
    let mut notes = Vec::new();
    if workload::read(&subject.key, &subject.object)?.rollout().phase == RolloutPhase::Complete {
        notes.push(Note::Info("no rollout is under way: the next one is held".to_owned()));
    } else {
        notes.push(Note::Info("pods stay as they are, old and new ones serve side by side".to_owned()));
    }
    notes.push(Note::Info("scaling still works; a rollback does not until it is resumed".to_owned()));
    let inverse = Action::Resume { key: subject.key.clone() };
    plan(link, subject, Action::Hold { key: subject.key.clone() }, notes, Some(inverse), Goal::Held).await
}

/// The plan to let it go on.
///
/// # Errors
/// `Invalid` when it is not paused, `Denied`.
pub async fn resume(link: &Link, subject: &Subject) -> Result<Plan, Fault> {
    paused(subject)?;
    let inverse = Action::Hold { key: subject.key.clone() };
    plan(link, subject, Action::Resume { key: subject.key.clone() }, Vec::new(), Some(inverse), Goal::Resumed).await
}

/// The plan to promote a held Deployment: to let it go on until all its pods are new.
///
/// # Errors
/// `Invalid` when it is not paused, `Denied`.
pub async fn promote(link: &Link, subject: &Subject, full: bool) -> Result<Plan, Fault> {
    paused(subject)?;
    let action = Action::Promote { key: subject.key.clone(), full };
    let notes = vec![Note::Info("all pods that are left get the new version".to_owned())];
    plan(link, subject, action, notes, None, Goal::RolledOut).await
}

fn paused(subject: &Subject) -> Result<(), Fault> {
    if subject.flag("/spec/paused") {
        return Ok(());
    }
    refuse(format!("deployments.apps \"{}\" is not paused", subject.key.name))
}

async fn plan(
    link: &Link,
    subject: &Subject,
    action: Action,
    mut notes: Vec<Note>,
    inverse: Option<Action>,
    goal: Goal,
) -> Result<Plan, Fault> {
    let key = &subject.key;
    access::require(link, key, "patch", "").await?;
    let hold = goal == Goal::Held;
    let (verb, word) = match action {
        Action::Hold { .. } => ("Hold", "pause"),
        Action::Promote { .. } => ("Promote", "resume"),
        _ => ("Resume", "resume"),
    };
    notes.extend(guard::managers(subject, &["f:spec", "f:paused"]));
    Ok(Plan {
        action,
        target: String::new(),
        title: format!("{verb} Deployment {}", subject.place()),
        diff: vec![Diff::Removed(format!("paused: {}", !hold)), Diff::Added(format!("paused: {hold}"))],
        notes,
        risk: Risk::Reversible,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=kubectl-rollout", subject.path),
            content_type: "application/strategic-merge-patch+json".to_owned(),
            body: json!({
                "metadata": {"resourceVersion": subject.version()},
                "spec": {"paused": if hold { Value::Bool(true) } else { Value::Null }},
            }),
        }],
        expect: Expectation {
            key: key.clone(),
            within: if goal == Goal::RolledOut { rollout_time(subject) } else { SOON },
            goal,
            generation: subject.number("/metadata/generation"),
        },
        inverse,
        command: command::kubectl(link.context(), key, &["rollout", word, &command::slug(key)]),
    })
}

/// Judges a Deployment that was to be held, or no longer.
#[must_use]
pub fn held(expect: &Expectation, object: &Value) -> Observation {
    let number = |at: &str| object.pointer(at).and_then(Value::as_i64).unwrap_or_default();
    let paused = object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or_default();
    let (updated, wanted) = (number("/status/updatedReplicas"), object.pointer("/spec/replicas"));
    let wanted = wanted.and_then(Value::as_i64).unwrap_or(1);
    if paused != (expect.goal == Goal::Held) {
        return Observation::Contradicted(if paused { "it was paused again" } else { "it was resumed" }.to_owned());
    }
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Observation::Waiting("Waiting for deployment spec update to be observed...".to_owned());
    }
    let word = if paused { "held" } else { "resumed" };
    Observation::Met(format!("{word}, {updated} of {wanted} pods are of the new version"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Kind, TargetId};

    #[test]
    fn a_hold_counts_when_the_controller_has_seen_it() {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "u".into(),
        };
        let judged = |goal, paused: bool, observed: i64| {
            let expect = Expectation { key: key.clone(), goal, within: SOON, generation: None };
            let object = json!({"metadata": {"generation": 4}, "spec": {"paused": paused, "replicas": 3},
                "status": {"observedGeneration": observed, "updatedReplicas": 1}});
            held(&expect, &object)
        };
        assert!(matches!(judged(Goal::Held, true, 3), Observation::Waiting(_)));
        let text = "held, 1 of 3 pods are of the new version";
        assert_eq!(judged(Goal::Held, true, 4), Observation::Met(text.into()));
        assert!(matches!(judged(Goal::Held, false, 4), Observation::Contradicted(_)));
        assert!(matches!(judged(Goal::Resumed, true, 4), Observation::Contradicted(_)));
        assert!(matches!(judged(Goal::Resumed, false, 4), Observation::Met(_)));
    }
}
