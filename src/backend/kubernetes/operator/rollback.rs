//! `kubectl rollout undo`, on condition that the object is as it was read, and without losing the
//! annotations that were added since.

use serde_json::{Value, json};

use super::history::{self, HASH, Stored};
use super::restart::{rollout_time, strategy_notes};
use super::subject::Subject;
use super::{command, guard};
use crate::actions::{Action, Change, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::{Link, access};
use crate::backend::yaml;
use crate::model::{Fault, Kind};

const CAUSE: &str = "kubernetes.io/change-cause";

/// The plan to go back to revision `wanted`; 0 is the one before the current.
///
/// # Errors
/// `Invalid` in kubectl's words (paused, no such revision, nothing to change), `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, wanted: i64) -> Result<Plan, Fault> {
    let (key, name) = (&subject.key, subject.place());
    let kind = key.kind.word();
    if subject.flag("/spec/paused") {
        let what = format!(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume {}' and try again",
            command::slug(key)
        );
        return Err(Fault::Invalid { what });
    }
    let revisions = history::list(link, subject).await?;
    let chosen = history::pick(&revisions, wanted, subject)?;
    let template = subject.object.pointer("/spec/template").unwrap_or(&Value::Null);
    let (now, then) = (history::essence(template), history::essence(&chosen.template));
    if now == then {
        let number = chosen.number;
        let what = format!("skipped rollback (current template already matches revision {number})");
        return Err(Fault::Invalid { what });
    }
    access::require(link, key, "patch", "").await?;
    let current = history::current(&revisions, template).map(|r| r.number);
    let from = current.map_or_else(String::new, |n| format!(" from revision {n}"));
    let slug = command::slug(key);
    let words = ["rollout", "undo", &slug, &format!("--to-revision={}", chosen.number)];
    Ok(Plan {
        action: Action::Rollback { key: key.clone(), revision: chosen.number },
        target: String::new(),
        title: format!("Roll back {kind} {name}{from} to {}", chosen.number),
        diff: yaml::diff(&now, &then)?,
        notes: notes(subject, chosen),
        risk: Risk::Disruptive,
        basis: subject.version().to_owned(),
        changes: vec![change(subject, chosen)],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::RolledOut,
            within: rollout_time(subject),
            generation: subject.number("/metadata/generation"),
        },
        inverse: current.map(|revision| Action::Rollback { key: key.clone(), revision }),
        command: command::kubectl(link.context(), key, &words),
    })
}

fn change(subject: &Subject, chosen: &Stored) -> Change {
    let (content_type, body) = if subject.key.kind == Kind::Deployment {
        ("application/json-patch+json", Value::Array(deployment_patch(subject, chosen)))
    } else {
        let mut body = chosen.data.clone();
        body["metadata"] = json!({"resourceVersion": subject.version()});
        ("application/strategic-merge-patch+json", body)
    };
    Change {
        method: Method::Patch,
        path: format!("{}?fieldManager=pilothouse", subject.path),
        content_type: content_type.to_owned(),
        body,
    }
}

/// The `test` comes first: nothing is applied to an object that somebody changed meanwhile.
pub(super) fn deployment_patch(subject: &Subject, chosen: &Stored) -> Vec<Value> {
    let mut template = chosen.template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": subject.version()}),
        json!({"op": "replace", "path": "/spec/template", "value": template}),
    ];
    let annotations = subject.object.pointer("/metadata/annotations");
    let pointer = format!("/metadata/annotations/{}", CAUSE.replace('/', "~1"));
    match &chosen.cause {
        Some(cause) if annotations.is_some() => patch.push(json!({"op": "add", "path": pointer, "value": cause})),
        Some(cause) => patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {CAUSE: cause}})),
        None if annotations.is_some_and(|a| a.get(CAUSE).is_some()) => {
            patch.push(json!({"op": "remove", "path": pointer}));
        }
        None => {}
    }
    patch
}

pub(super) fn notes(subject: &Subject, chosen: &Stored) -> Vec<Note> {
    // pods that are of the chosen revision already stay
    let mut notes = strategy_notes(subject, (subject.pods() - chosen.pods).max(0));
    notes.push(Note::Info("only the pod template goes back: replicas, ConfigMaps and Secrets stay".to_owned()));
    if let Some(cause) = chosen.cause.as_deref().filter(|c| !c.is_empty()) {
        notes.push(Note::Info(format!("that revision's change cause: {cause}")));
    }
    if !subject.annotation("kubectl.kubernetes.io/last-applied-configuration").is_empty() {
        notes.push(Note::Warning(
            "it was made with kubectl apply: the manifest it remembers is not rolled back, and the next apply \
             brings the newer template again"
                .to_owned(),
        ));
    }
    let ordered = subject.text("/spec/podManagementPolicy") != "Parallel";
    let unready = subject.number("/status/readyReplicas").unwrap_or_default() < subject.replicas();
    if subject.key.kind == Kind::StatefulSet && ordered && unready && subject.strategy() == "RollingUpdate" {
        notes.push(Note::Warning(
            "a pod is not ready: an OrderedReady StatefulSet does not replace it by itself, delete that pod after \
             the rollback"
                .to_owned(),
        ));
    }
    notes.extend(guard::managers(subject, &["f:spec", "f:template"]));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, TargetId};

    fn patched(live: Value, cause: Option<&str>) -> Vec<Value> {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "u".into(),
        };
        let subject = Subject { key, object: live, path: String::new() };
        let chosen = Stored {
            number: 1,
            template: json!({"metadata": {"labels": {"app": "web", HASH: "abc"}}, "spec": {"newer": true}}),
            data: Value::Null,
            cause: cause.map(str::to_owned),
            hash: "abc".to_owned(),
            pods: 0,
        };
        deployment_patch(&subject, &chosen)
    }

    #[test]
    fn a_deployments_patch_tests_the_version_first_and_drops_only_the_hash() {
        let patch = patched(json!({"metadata": {"resourceVersion": "7", "annotations": {"note": "kept"}}}), None);
        assert_eq!(
            patch,
            [
                json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}),
                json!({"op": "replace", "path": "/spec/template",
                "value": {"metadata": {"labels": {"app": "web"}}, "spec": {"newer": true}}}),
            ]
        );
    }

    #[test]
    fn the_change_cause_follows_the_revision() {
        let with = json!({"metadata": {"annotations": {CAUSE: "new"}}});
        let last = |live: &Value, cause| patched(live.clone(), cause).pop();
        let path = "/metadata/annotations/kubernetes.io~1change-cause";
        assert_eq!(last(&with, Some("old")), Some(json!({"op": "add", "path": path, "value": "old"})));
        assert_eq!(last(&with, None), Some(json!({"op": "remove", "path": path})));
        let whole = json!({"op": "add", "path": "/metadata/annotations", "value": {CAUSE: "old"}});
        assert_eq!(last(&json!({"metadata": {}}), Some("old")), Some(whole));
    }
}
