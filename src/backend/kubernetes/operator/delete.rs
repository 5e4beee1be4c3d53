//! Deleting a pod: by UID, so that a namesake that came after it is never hit.

use std::time::Duration;

use serde_json::{Value, json};

use super::subject::Subject;
use super::{command, guard};
use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::{Link, access};
use crate::model::Fault;

/// What the kubelet may take beyond the pod's own grace period.
const SLACK: Duration = Duration::from_secs(60);

/// The plan to delete a pod.
///
/// # Errors
/// `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject) -> Result<Plan, Fault> {
    let (key, name) = (&subject.key, subject.place());
    access::require(link, key, "delete", "").await?;
    let grace = subject
        .number("/metadata/deletionGracePeriodSeconds")
        .or_else(|| subject.number("/spec/terminationGracePeriodSeconds"))
        .and_then(|s| u64::try_from(s).ok())
        .unwrap_or(30);
    let owner = owner(&subject.object);
    let mut notes =
        vec![future(owner.as_ref()), Note::Info(format!("grace period {grace} s: TERM now, KILL after it"))];
    notes.extend(own_notes(subject));
    notes.extend(guard::budgets(link, subject, "deleting a pod").await);
    Ok(Plan {
        action: Action::Delete { key: key.clone() },
        target: String::new(),
        title: format!("Delete Pod {name}"),
        diff: vec![Diff::Removed(format!("Pod {name} ({}, on {})", subject.text("/status/phase"), node(subject)))],
        notes,
        risk: if owner.is_some() { Risk::Disruptive } else { Risk::Irreversible },
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Delete,
            path: subject.path.clone(),
            content_type: "application/json".to_owned(),
            body: json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {"uid": &*key.uid},
                "propagationPolicy": "Background",
            }),
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::Gone,
            within: Duration::from_secs(grace) + SLACK,
            generation: None,
        },
        inverse: None,
        command: command::kubectl(link.context(), key, &["delete", "pod", &key.name]),
    })
}

fn node(subject: &Subject) -> &str {
    match subject.text("/spec/nodeName") {
        "" => "no node",
        name => name,
    }
}

/// Kind and name of the controller that owns the pod.
fn owner(pod: &Value) -> Option<(String, String)> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true))?;
    let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some((text("kind"), text("name")))
}

/// Who makes a new one.
fn future(owner: Option<&(String, String)>) -> Note {
    let Some((kind, name)) = owner else {
        return Note::Warning("nobody makes it again: a bare pod is gone for good".to_owned());
    };
    match kind.as_str() {
        "StatefulSet" => Note::Info(format!("StatefulSet {name} makes it again under the same name, with its claims")),
        "DaemonSet" => Note::Info(format!("DaemonSet {name} makes a new one on the same node")),
        "Job" => Note::Info(format!("Job {name} makes a new one unless it has finished or failed too often")),
        "Node" => Note::Warning(
            "a static pod: its kubelet shows it again; to end it, remove its manifest on the node".to_owned(),
        ),
        _ => Note::Info(format!("{kind} {name} makes a new one")),
    }
}

fn own_notes(subject: &Subject) -> Vec<Note> {
    let mut notes = Vec::new();
    let since = subject.text("/metadata/deletionTimestamp");
    if !since.is_empty() {
        notes.push(Note::Warning(format!("it is being deleted already, due {since}")));
    }
    let volumes = subject.object.pointer("/spec/volumes").and_then(Value::as_array);
    if volumes.is_some_and(|all| all.iter().any(|v| v.get("emptyDir").is_some())) {
        notes.push(Note::Info("what is in its emptyDir volumes is lost".to_owned()));
    }
    let finalizers = subject.object.pointer("/metadata/finalizers").and_then(Value::as_array);
    if let Some(first) = finalizers.and_then(|all| all.first()).and_then(Value::as_str) {
        notes.push(Note::Info(format!("it stays until its finalizers are removed ({first})")));
    }
    notes
}
