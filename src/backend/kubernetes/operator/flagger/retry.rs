//! Retrying a failed Canary: a new revision of its target, by an annotation of the pod template.
//! One of the Deployment itself would not be a new revision for Flagger.

use serde_json::json;

use crate::actions::{Action, Change, Diff, Expectation, Method, Note, Plan};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::backend::kubernetes::operator::release::{Draft, refuse};
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::operator::{command, guard};
use crate::clock;
use crate::model::{Fault, Key, Kind};

/// The annotation that Flagger's documentation advises.
const STAMP: &str = "flagger.app/retry-timestamp";
/// The plan to retry it.
///
/// # Errors
/// `Invalid` when its target has no pod template, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, draft: Draft) -> Result<Plan, Fault> {
    let target = target(link, subject).await?;
    access::require(link, &target.key, "patch", "").await?;
    let at = clock::wall().rfc3339();
    let body = json!({"spec": {"template": {"metadata": {"annotations": {STAMP: at}}}}});
    let slug = command::slug(&target.key);
    let command = command::kubectl(link.context(), &target.key, &["patch", &slug, "-p", &body.to_string()]);
    let mut body = body;
    body["metadata"] = json!({"uid": &*target.key.uid, "resourceVersion": target.version()});
    let mut notes = draft.notes;
    notes.push(Note::Info(format!("a new revision of {}: its run begins again at weight 0", target.key)));
    notes.extend(guard::managers(&target, &["f:spec", "f:template"]));
    Ok(Plan {
        action: Action::Retry { key: subject.key.clone() },
        target: String::new(),
        title: draft.title,
        diff: vec![Diff::Added(format!("{STAMP}: \"{at}\""))],
        notes,
        risk: draft.risk,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=pilothouse", target.path),
            content_type: "application/strategic-merge-patch+json".to_owned(),
            body,
        }],
        expect: Expectation { key: subject.key.clone(), goal: draft.goal, within: draft.within, generation: None },
        inverse: draft.inverse,
        command,
    })
}

/// The workload that it releases.
async fn target(link: &Link, subject: &Subject) -> Result<Subject, Fault> {
    let (kind, name) = (subject.text("/spec/targetRef/kind"), subject.text("/spec/targetRef/name"));
    let kind = match kind {
        "Deployment" => Kind::Deployment,
        "DaemonSet" => Kind::DaemonSet,
        other => return refuse(format!("its target is {other} {name}, which has no pod template to change")),
    };
    let key = Key {
        target: subject.key.target,
        kind,
        namespace: subject.key.namespace.clone(),
        name: name.into(),
        uid: "".into(),
    };
    Subject::read(link, &key).await
}
