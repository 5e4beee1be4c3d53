//! A StatefulSet's partition as a canary: pods with that ordinal and above have the new version.

use serde_json::json;

use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::backend::kubernetes::operator::release::refuse;
use crate::backend::kubernetes::operator::restart::rollout_time;
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::operator::{command, guard};
use crate::model::Fault;

/// The plan to give one more pod the new version, or with `full` all of them.
///
/// # Errors
/// `Invalid` when nothing is held back, `Denied`.
pub async fn plan(link: &Link, subject: &Subject, full: bool) -> Result<Plan, Fault> {
    let (key, name) = (&subject.key, subject.place());
    if subject.strategy() != "RollingUpdate" {
        let strategy = subject.strategy();
        return refuse(format!("StatefulSet {name} has strategy {strategy}: only RollingUpdate has a partition"));
    }
    let now = subject.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default();
    if now <= 0 {
        return refuse(format!("StatefulSet {name} has no partition: it holds nothing back"));
    }
    access::require(link, key, "patch", "").await?;
    // a partition above the number of pods holds all of them back, one less of it would change nothing
    let next = if full { 0 } else { now.min(subject.replicas()).max(1) - 1 };
    let pods = now.min(subject.replicas()) - next;
    let mut notes = vec![Note::Info(format!("{pods} pods are replaced, one at a time, highest ordinal first"))];
    if subject.text("/status/currentRevision") == subject.text("/status/updateRevision") {
        notes.push(Note::Info("no update is under way: the next one reaches these pods as well".to_owned()));
    }
    notes.extend(guard::managers(subject, &["f:spec", "f:updateStrategy"]));
    let body = json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": next}}}});
    let slug = command::slug(key);
    let words = ["patch", &slug, "--type=merge", "-p", &body.to_string()];
    let line = command::kubectl(link.context(), key, &words);
    let mut body = body;
    body["metadata"] = json!({"resourceVersion": subject.version()});
    Ok(Plan {
        action: Action::Promote { key: key.clone(), full },
        target: String::new(),
        title: format!("Promote StatefulSet {name} from partition {now} to {next}"),
        diff: vec![Diff::Removed(format!("partition: {now}")), Diff::Added(format!("partition: {next}"))],
        notes,
        risk: Risk::Disruptive,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=pilothouse", subject.path),
            content_type: "application/merge-patch+json".to_owned(),
            body,
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::RolledOut,
            within: rollout_time(subject),
            generation: subject.number("/metadata/generation"),
        },
        inverse: None,
        command: line,
    })
}
