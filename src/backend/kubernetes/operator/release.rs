//! What the plans of all delivery tools have in common: merge patches on status and spec, in that
//! order, on condition that the object is as it was read.

use std::time::Duration;

use serde_json::{Value, json};

use super::guard;
use super::subject::Subject;
use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::model::Fault;

/// A plan without its requests' wrapping.
pub struct Draft {
    /// `Promote Rollout shop/web`, and where it stands.
    pub title: String,
    /// What changes.
    pub diff: Vec<Diff>,
    /// Remarks.
    pub notes: Vec<Note>,
    /// How bad a mistake would be.
    pub risk: Risk,
    /// Merge patch of the status subresource.
    pub status: Option<Value>,
    /// Merge patch of the object.
    pub spec: Option<Value>,
    /// What will prove success.
    pub goal: Goal,
    /// Time allowed for it.
    pub within: Duration,
    /// What takes it back.
    pub inverse: Option<Action>,
    /// The equivalent command.
    pub command: String,
}

impl Draft {
    /// A reversible draft that changes nothing yet.
    #[must_use]
    pub fn new(title: String, goal: Goal, within: Duration) -> Self {
        Self {
            title,
            diff: Vec::new(),
            notes: Vec::new(),
            risk: Risk::Reversible,
            status: None,
            spec: None,
            goal,
            within,
            inverse: None,
            command: String::new(),
        }
    }

    /// Adds a line that goes and one that comes.
    pub fn change(&mut self, field: &str, before: &dyn std::fmt::Display, after: &dyn std::fmt::Display) {
        self.diff.push(Diff::Removed(format!("{field}: {before}")));
        self.diff.push(Diff::Added(format!("{field}: {after}")));
    }

    /// Adds a remark.
    pub fn info(&mut self, text: impl Into<String>) {
        self.notes.push(Note::Info(text.into()));
    }

    /// Adds a warning.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.notes.push(Note::Warning(text.into()));
    }
}

/// A refusal in words.
///
/// # Errors
/// Always: `Invalid`.
pub fn refuse<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Invalid { what: what.into() })
}

/// The plan of `draft`: asks for the rights it needs, and sends both patches to the object itself
/// where the server has no status subresource (Argo Rollouts before 0.10).
///
/// # Errors
/// `Denied`, and faults of the reads.
pub async fn assemble(link: &Link, subject: &Subject, action: &Action, draft: Draft) -> Result<Plan, Fault> {
    let key = &subject.key;
    let (mut status, mut spec) = (draft.status, draft.spec);
    if status.is_some() {
        match link.get::<Value>(&format!("{}/status", subject.path)).await {
            Err(Fault::Gone { .. }) => spec = unified(status.take(), spec),
            _ => access::require(link, key, "patch", "status").await?,
        }
    }
    let mut notes = draft.notes;
    if spec.is_some() {
        access::require(link, key, "patch", "").await?;
        notes.extend(guard::managers(subject, &["f:spec"]));
    }
    // what a status patch does depends on the status it was planned on: its condition is not renewed
    let generation = if status.is_some() { None } else { subject.number("/metadata/generation") };
    let both = status.is_some() && spec.is_some();
    let changes = [
        status.map(|body| patch(subject, "/status", body, true)),
        // the first patch moves the resource version: the second is sent to the same UID
        spec.map(|body| patch(subject, "", body, !both)),
    ];
    Ok(Plan {
        action: with_key(action, subject),
        target: String::new(),
        title: draft.title,
        diff: draft.diff,
        notes,
        risk: draft.risk,
        basis: subject.version().to_owned(),
        changes: changes.into_iter().flatten().collect(),
        expect: Expectation { key: key.clone(), goal: draft.goal, within: draft.within, generation },
        inverse: draft.inverse,
        command: draft.command,
    })
}

/// Both patches as one.
fn unified(status: Option<Value>, spec: Option<Value>) -> Option<Value> {
    match (status, spec) {
        (Some(mut status), Some(spec)) => {
            if let (Some(all), Some(more)) = (status.as_object_mut(), spec.as_object()) {
                all.extend(more.clone());
            }
            Some(status)
        }
        (one, other) => one.or(other),
    }
}

fn patch(subject: &Subject, subresource: &str, mut body: Value, conditional: bool) -> Change {
    body["metadata"] = json!({"uid": &*subject.key.uid});
    if conditional {
        body["metadata"]["resourceVersion"] = subject.version().into();
    }
    Change {
        method: Method::Patch,
        path: format!("{}{subresource}?fieldManager=pilothouse", subject.path),
        content_type: "application/merge-patch+json".to_owned(),
        body,
    }
}

/// The action with the UID that the object has now.
fn with_key(action: &Action, subject: &Subject) -> Action {
    let key = subject.key.clone();
    match action {
        Action::Promote { full, .. } => Action::Promote { key, full: *full },
        Action::Abort { .. } => Action::Abort { key },
        Action::Hold { .. } => Action::Hold { key },
        Action::Resume { .. } => Action::Resume { key },
        Action::Retry { .. } => Action::Retry { key },
        Action::Restart { .. } => Action::Restart { key },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::{argo, flagger};
    use super::*;
    use crate::backend::kubernetes::Context;
    use crate::model::{Key, Kind, TargetId};

    fn action(verb: &str, key: Key) -> Action {
        match verb {
            "promote" => Action::Promote { key, full: false },
            "promote-full" => Action::Promote { key, full: true },
            "abort" => Action::Abort { key },
            "hold" => Action::Hold { key },
            "resume" => Action::Resume { key },
            "retry" => Action::Retry { key },
            other => panic!("no action {other}"),
        }
    }

    /// Every phase that the fixtures hold, with the official request of each action, or our refusal.
    #[test]
    fn every_action_of_the_folder_is_decided_as_expected() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes/releases");
        let mut cases = 0;
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("a readable entry").path();
            let case: Value = serde_json::from_slice(&fs::read(&path).expect("a readable file")).expect("JSON");
            let kind = Kind::parse(case["object"]["kind"].as_str().expect("a kind")).expect("a known kind");
            let (namespace, name, uid) = ("shop".into(), "web".into(), "u1".into());
            let key = Key { target: TargetId(0), kind, namespace, name, uid };
            let subject = Subject { key: key.clone(), object: case["object"].clone(), path: "/x".to_owned() };
            for (verb, want) in case["actions"].as_object().into_iter().flatten() {
                let place = format!("{}: {verb}", path.display());
                let action = action(verb, key.clone());
                let got = match kind {
                    Kind::Canary => flagger::decided(&Context::default(), &subject, &action),
                    _ => argo::decided(&Context::default(), &subject, &action),
                };
                match (got, want["refused"].as_str()) {
                    (Err(fault), Some(words)) => assert!(fault.to_string().contains(words), "{place}: {fault}"),
                    (Ok(draft), None) => {
                        let status = want.get("ours").or_else(|| want.get("status")).cloned();
                        assert_eq!((draft.status, draft.spec), (status, want.get("spec").cloned()), "{place}");
                        assert!(!draft.diff.is_empty() && !draft.command.is_empty(), "{place}: says nothing");
                    }
                    (Ok(draft), Some(_)) => panic!("{place}: not refused, but {}", draft.title),
                    (Err(fault), None) => panic!("{place}: refused: {fault}"),
                }
                cases += 1;
            }
        }
        assert!(cases >= 70, "only {cases} cases in {}", folder.display());
    }

    #[test]
    fn a_server_without_a_status_subresource_gets_one_patch_of_both() {
        let one = unified(Some(json!({"status": {"promoteFull": true}})), Some(json!({"spec": {"paused": false}})));
        assert_eq!(one, Some(json!({"status": {"promoteFull": true}, "spec": {"paused": false}})));
        assert_eq!(unified(Some(json!({"status": {}})), None), Some(json!({"status": {}})));
    }
}
