//! `kubectl rollout restart`: the same annotation on the pod template, the same refusals.

use std::time::Duration;

use serde_json::{Value, json};

use super::subject::Subject;
use super::{command, guard};
use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::{Link, access};
use crate::clock;
use crate::model::{Fault, Kind};

/// The annotation kubectl writes.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// Time allowed for a StatefulSet or DaemonSet, before the time for each pod is added.
const BASE: Duration = Duration::from_secs(600);
/// The same for each of its pods, which are replaced one after another.
const EACH: Duration = Duration::from_secs(60);
/// What the controller's own verdict may lag behind its deadline.
const LAG: Duration = Duration::from_secs(30);

/// The plan to replace all pods by new ones of the same template.
///
/// # Errors
/// `Invalid` for a paused Deployment or a second restart within one second, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject) -> Result<Plan, Fault> {
    let (key, name) = (&subject.key, subject.place());
    let kind = key.kind.word();
    if subject.flag("/spec/paused") {
        return Err(Fault::Invalid { what: "can't restart paused deployment (run rollout resume first)".to_owned() });
    }
    let at = clock::wall().rfc3339();
    let before = subject
        .object
        .pointer("/spec/template/metadata/annotations")
        .and_then(|all| all.get(RESTARTED_AT))
        .and_then(Value::as_str);
    if before == Some(at.as_str()) {
        let what = "if restart has already been triggered within the past second, please wait before attempting to \
                    trigger another";
        return Err(Fault::Invalid { what: what.to_owned() });
    }
    access::require(link, key, "patch", "").await?;
    let mut notes = strategy_notes(subject, subject.pods());
    notes.extend(guard::managers(subject, &["f:spec", "f:template"]));
    let mut diff: Vec<Diff> =
        before.map(|old| Diff::Removed(format!("{RESTARTED_AT}: \"{old}\""))).into_iter().collect();
    diff.push(Diff::Added(format!("{RESTARTED_AT}: \"{at}\"")));
    Ok(Plan {
        action: Action::Restart { key: key.clone() },
        target: String::new(),
        title: format!("Restart {kind} {name} ({} pods)", subject.pods()),
        diff,
        notes,
        risk: Risk::Disruptive,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=kubectl-rollout", subject.path),
            content_type: "application/strategic-merge-patch+json".to_owned(),
            body: json!({
                "metadata": {"resourceVersion": subject.version()},
                "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}},
            }),
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::RolledOut,
            within: rollout_time(subject),
            generation: subject.number("/metadata/generation"),
        },
        inverse: None,
        command: command::kubectl(link.context(), key, &["rollout", "restart", &command::slug(key)]),
    })
}

/// Time a rollout of the subject may take: a Deployment's own deadline, so that its controller's
/// verdict comes first, and a time for each pod elsewhere.
#[must_use]
pub fn rollout_time(subject: &Subject) -> Duration {
    if subject.key.kind == Kind::Deployment {
        let seconds = subject.number("/spec/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok());
        return Duration::from_secs(seconds.filter(|s| *s < 86_400).unwrap_or(600)) + LAG;
    }
    let pods = subject.pods().max(subject.number("/spec/replicas").unwrap_or_default());
    BASE + EACH * u32::try_from(pods.clamp(0, 1_440)).unwrap_or_default()
}

/// What the update strategy means for service while `pods` pods are replaced.
#[must_use]
pub fn strategy_notes(subject: &Subject, pods: i64) -> Vec<Note> {
    let mut notes = Vec::new();
    match (subject.key.kind, subject.strategy()) {
        (_, "OnDelete") => notes.push(Note::Warning(
            "strategy OnDelete: pods do not change by themselves, each takes the new template when it is deleted"
                .to_owned(),
        )),
        (_, "Recreate") => notes.push(Note::Warning(format!(
            "strategy Recreate: all {pods} pods are stopped before new ones start, nothing serves in between"
        ))),
        (Kind::Deployment, _) => notes.push(deployment_note(subject, pods)),
        (Kind::StatefulSet, _) => notes.extend(statefulset_notes(subject)),
        (Kind::DaemonSet, _) => {
            let at_once = subject.object.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
            let at_once = at_once.map_or_else(|| "1".to_owned(), plain);
            notes.push(Note::Info(format!("{pods} pods are replaced, {at_once} at a time")));
        }
        _ => {}
    }
    if subject.number("/metadata/generation") > subject.number("/status/observedGeneration") {
        notes.push(Note::Warning("its controller has not yet seen the last change".to_owned()));
    }
    notes
}

fn statefulset_notes(subject: &Subject) -> Vec<Note> {
    let mut notes = Vec::new();
    let replicas = subject.replicas();
    if replicas == 1 {
        notes.push(Note::Warning("the only pod is stopped before the new one starts".to_owned()));
    } else {
        notes.push(Note::Info(format!("{} pods are replaced one at a time, highest ordinal first", subject.pods())));
    }
    if let Some(partition) = subject.number("/spec/updateStrategy/rollingUpdate/partition").filter(|p| *p > 0) {
        notes.push(Note::Warning(format!("partition {partition}: pods with a lower ordinal keep the old template")));
    }
    notes
}

/// `1 pod is`, `3 pods are`.
#[must_use]
pub fn are(pods: i64) -> String {
    if pods == 1 { "1 pod is".to_owned() } else { format!("{pods} pods are") }
}

fn deployment_note(subject: &Subject, pods: i64) -> Note {
    let replicas = subject.replicas();
    let rolling = |field: &str| subject.object.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
    let surge = resolve(rolling("maxSurge"), replicas, true);
    let mut unavailable = resolve(rolling("maxUnavailable"), replicas, false);
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    if replicas == 1 && unavailable >= 1 {
        Note::Warning("the only pod may be stopped before the new one is ready".to_owned())
    } else if unavailable == 0 {
        Note::Info(format!("{} replaced; an old pod stops only when a new one is ready", are(pods)))
    } else {
        Note::Info(format!("{} replaced, at most {unavailable} unavailable at a time", are(pods)))
    }
}

/// A count or a percentage of `total`, 25% when unset, rounded as the Deployment controller does.
fn resolve(value: Option<&Value>, total: i64, up: bool) -> i64 {
    let percent = match value {
        Some(Value::Number(count)) => return count.as_i64().unwrap_or_default(),
        Some(Value::String(text)) => text.trim_end_matches('%').parse::<i64>().unwrap_or_default(),
        _ => 25,
    };
    (total * percent + if up { 99 } else { 0 }) / 100
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_the_controller_rounds() {
        assert_eq!(resolve(None, 1, true), 1, "surge rounds up");
        assert_eq!(resolve(None, 1, false), 0, "unavailable rounds down");
        assert_eq!(resolve(Some(&json!("50%")), 5, false), 2);
        assert_eq!(resolve(Some(&json!("50%")), 5, true), 3);
        assert_eq!(resolve(Some(&json!(2)), 5, true), 2);
    }
}
