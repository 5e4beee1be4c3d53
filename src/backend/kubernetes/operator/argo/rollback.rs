//! Undo of a Rollout: its template from the ReplicaSet of an earlier revision, or the template of
//! the workload that it refers to.

use std::time::Duration;

use serde_json::{Value, json};

use super::history;
use crate::actions::{Action, Change, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::access;
use crate::backend::kubernetes::operator::history::{Stored, current, essence, pick};
use crate::backend::kubernetes::operator::release::refuse;
use crate::backend::kubernetes::operator::subject::{self, Subject};
use crate::backend::kubernetes::operator::{command, guard};
use crate::backend::kubernetes::releases::Raw;
use crate::backend::kubernetes::releases::argo::Rollout;
use crate::backend::kubernetes::releases::raw::{number, text};
use crate::backend::yaml;
use crate::model::{Fault, Key, Kind};

/// Time a rollback may take beyond the progress deadline: it may run through steps.
const LAG: Duration = Duration::from_secs(1800);

/// The plan to go back to revision `wanted`; 0 is the second highest.
///
/// # Errors
/// `Invalid` when there is no such revision or nothing to change, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, wanted: i64) -> Result<Plan, Fault> {
    let key = &subject.key;
    let raw = Raw::of(&subject.object);
    let rollout = Rollout::new(&raw);
    let holder = holder(link, subject, rollout).await?;
    let holder = holder.as_ref().unwrap_or(subject);
    let selector = ["/spec/selector"].into_iter().find_map(|at| subject.object.pointer(at).filter(|v| !v.is_null()));
    let selector = selector.or_else(|| holder.object.pointer("/spec/selector")).unwrap_or(&Value::Null);
    let revisions = history::list(link, subject, selector).await?;
    let chosen = choose(&revisions, wanted, subject)?;
    let template = holder.object.pointer("/spec/template").unwrap_or(&Value::Null);
    if essence(template) == essence(&chosen.template) {
        return refuse(format!("skipped rollback (current template already matches revision {})", chosen.number));
    }
    access::require(link, &holder.key, "patch", "").await?;
    let now = current(&revisions, template).map(|r| r.number);
    let from = now.map_or_else(String::new, |n| format!(" from revision {n}"));
    let undo = format!("--to-revision={}", chosen.number);
    let seconds = number(rollout.spec(), "/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok());
    let mut notes = notes(rollout, chosen, holder);
    notes.extend(guard::managers(holder, &["f:spec", "f:template"]));
    Ok(Plan {
        action: Action::Rollback { key: key.clone(), revision: chosen.number },
        target: String::new(),
        title: format!("Roll back Rollout {}{from} to {}", subject.place(), chosen.number),
        diff: yaml::diff(template, &chosen.template)?,
        notes,
        risk: Risk::Disruptive,
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}?fieldManager=pilothouse", holder.path),
            content_type: "application/json-patch+json".to_owned(),
            body: json!([
                {"op": "test", "path": "/metadata/resourceVersion", "value": holder.version()},
                {"op": "replace", "path": "/spec/template", "value": chosen.template},
            ]),
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::RolledOut,
            within: Duration::from_secs(seconds.filter(|s| *s < 86_400).unwrap_or(600)) + LAG,
            generation: subject.number("/metadata/generation"),
        },
        inverse: now.map(|revision| Action::Rollback { key: key.clone(), revision }),
        command: command::argo(link.context(), key, &["undo", &key.name, &undo]),
    })
}

/// The revision that is asked for, in the words that kubectl has for Deployments.
fn choose<'a>(revisions: &'a [Stored], wanted: i64, subject: &Subject) -> Result<&'a Stored, Fault> {
    pick(revisions, wanted, subject).map_err(|fault| match fault {
        Fault::Invalid { .. } if wanted == 0 => {
            Fault::Invalid { what: format!("no revision found for rollout \"{}\"", subject.key.name) }
        }
        other => other,
    })
}

/// The Deployment that holds the template, when the Rollout only refers to it.
async fn holder(link: &Link, subject: &Subject, rollout: Rollout<'_>) -> Result<Option<Subject>, Fault> {
    let Some(reference) = rollout.spec().get("workloadRef").filter(|value| !value.is_null()) else { return Ok(None) };
    let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
    if kind != "Deployment" {
        return refuse(format!("its template is in {kind} {name}, which cannot be rolled back from here"));
    }
    let key = Key {
        target: subject.key.target,
        kind: Kind::Deployment,
        namespace: subject.key.namespace.clone(),
        name: name.into(),
        uid: "".into(),
    };
    Ok(Some(subject::Subject::read(link, &key).await?))
}

fn notes(rollout: Rollout<'_>, chosen: &Stored, holder: &Subject) -> Vec<Note> {
    let mut notes = Vec::new();
    if holder.key.kind != Kind::Rollout {
        notes.push(Note::Info(format!("the template of {} is changed, which it refers to", holder.key)));
    }
    let covered = number(rollout.spec(), "/rollbackWindow/revisions");
    // hazard 7
    if rollout.promoted() {
        notes.push(Note::Warning(match covered {
            Some(window) => format!("it runs through all steps again, unless within its rollback window of {window}"),
            None => "it runs through all steps again: promote it in full once its controller has seen the old \
                     template, to have it at once"
                .to_owned(),
        }));
    } else if chosen.hash == text(rollout.status(), "/stableRS") {
        notes.push(Note::Info("back to the stable revision: its steps are skipped".to_owned()));
    } else {
        notes.push(Note::Warning("this is not the stable revision: it runs through all steps".to_owned()));
    }
    if rollout.held() {
        notes.push(Note::Warning("it is held: nothing happens until it is resumed".to_owned()));
    }
    if rollout.examination().is_some() {
        notes.push(Note::Info("its running analysis ends with the change".to_owned()));
    }
    notes.push(Note::Info("only the pod template goes back: replicas, steps, ConfigMaps and Secrets stay".to_owned()));
    notes
}
