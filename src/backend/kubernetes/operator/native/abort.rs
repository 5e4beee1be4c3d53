//! Aborting the rollout of a Deployment: back to the revision before, and on if it was paused, in
//! one request. kubectl needs two, and in between a paused Deployment would ship the new version.

use serde_json::{Value, json};

use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::backend::kubernetes::operator::command;
use crate::backend::kubernetes::operator::history::{self, Stored, essence};
use crate::backend::kubernetes::operator::release::refuse;
use crate::backend::kubernetes::operator::restart::rollout_time;
use crate::backend::kubernetes::operator::rollback::{deployment_patch, notes};
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::workload;
use crate::backend::yaml;
use crate::model::{Fault, RolloutPhase};

/// The plan to abort it.
///
/// # Errors
/// `Invalid` when nothing is under way or there is nothing to go back to, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject) -> Result<Plan, Fault> {
    let (key, name) = (&subject.key, subject.place());
    let template = subject.object.pointer("/spec/template").unwrap_or(&Value::Null);
    let revisions = history::list(link, subject).await?;
    let Some(chosen) = before(&revisions, template) else {
        return refuse(format!("no rollout history found for deployment \"{}\"", key.name));
    };
    let paused = subject.flag("/spec/paused");
    if finished(subject, &revisions, template) {
        return refuse(format!("Deployment {name} is rolled out: there is nothing to abort; roll it back instead"));
    }
    access::require(link, key, "patch", "").await?;
    let mut patch = deployment_patch(subject, chosen);
    let mut diff = yaml::diff(template, &chosen.template)?;
    let mut notes = notes(subject, chosen);
    let slug = command::slug(key);
    let undo =
        command::kubectl(link.context(), key, &["rollout", "undo", &slug, &format!("--to-revision={}", chosen.number)]);
    let mut line = undo;
    if paused {
        patch.push(json!({"op": "add", "path": "/spec/paused", "value": false}));
        diff.insert(0, Diff::Removed("paused: true".to_owned()));
        diff.insert(1, Diff::Added("paused: false".to_owned()));
        notes.push(Note::Info("it is resumed in the same request, so that the new version gets no further".to_owned()));
        line = format!("{} && {line}", command::kubectl(link.context(), key, &["rollout", "resume", &slug]));
    }
    let now = revisions.iter().find(|r| essence(&r.template) == essence(template)).map(|r| r.number);
    Ok(Plan {
        action: Action::Abort { key: key.clone() },
        target: String::new(),
        title: format!("Abort the rollout of Deployment {name}, back to revision {}", chosen.number),
        diff,
        notes,
        risk: Risk::Disruptive,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=pilothouse", subject.path),
            content_type: "application/json-patch+json".to_owned(),
            body: Value::Array(patch),
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::RolledOut,
            within: rollout_time(subject),
            generation: subject.number("/metadata/generation"),
        },
        inverse: now.map(|revision| Action::Rollback { key: key.clone(), revision }),
        command: line,
    })
}

/// The newest revision with another template than the current one, which may have no revision yet.
fn before<'a>(revisions: &'a [Stored], template: &Value) -> Option<&'a Stored> {
    let now = essence(template);
    revisions.iter().rev().find(|revision| essence(&revision.template) != now)
}

/// All pods are of the current template.
fn finished(subject: &Subject, revisions: &[Stored], template: &Value) -> bool {
    let Ok(row) = workload::read(&subject.key, &subject.object) else { return false };
    let known = revisions.last().is_some_and(|newest| essence(&newest.template) == essence(template));
    let counts = row.updated >= row.desired && row.current <= row.updated && row.available >= row.updated;
    known && counts && row.generation.1 >= row.generation.0 && row.rollout().phase != RolloutPhase::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_before_is_the_newest_other_one_even_while_the_current_has_none() {
        let stored = |number: i64, image: &str| Stored {
            number,
            template: json!({"spec": {"image": image}}),
            data: Value::Null,
            cause: None,
            hash: String::new(),
            pods: 0,
        };
        let all = [stored(1, "a"), stored(2, "b")];
        let chosen = |image: &str| before(&all, &json!({"spec": {"image": image}})).map(|r| r.number);
        assert_eq!(chosen("b"), Some(1), "under way");
        assert_eq!(chosen("c"), Some(2), "paused before its first pod");
        assert!(before(&all[..1], &json!({"spec": {"image": "a"}})).is_none());
    }
}
