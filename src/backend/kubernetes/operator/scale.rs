//! Scaling through the scale subresource, on condition that the object is as it was read.

use std::time::Duration;

use serde_json::json;

use super::subject::Subject;
use super::{command, guard};
use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Note, Plan, Risk};
use crate::backend::kubernetes::{Link, access};
use crate::model::{Fault, Kind};

/// Time allowed when the workload has no progress deadline of its own.
const WITHIN: Duration = Duration::from_secs(300);

/// The plan to set the number of replicas to `wanted`.
///
/// # Errors
/// `Invalid` when it has that number already, `Denied`, and faults of the reads.
pub async fn plan(link: &Link, subject: &Subject, wanted: u32) -> Result<Plan, Fault> {
    let now = u32::try_from(subject.replicas()).unwrap_or_default();
    let (key, name) = (&subject.key, subject.place());
    let kind = key.kind.word();
    if now == wanted {
        return Err(Fault::Already { what: format!("{kind} {name} already has {wanted} replicas") });
    }
    access::require(link, key, "patch", "scale").await?;
    let mut notes = own_notes(subject, now, wanted);
    notes.extend(guard::autoscalers(link, subject, Some(wanted)).await);
    if wanted < now {
        notes.extend(guard::budgets(link, subject, "scaling down").await);
    }
    notes.extend(guard::managers(subject, &["f:spec", "f:replicas"]));
    let words = ["scale", &command::slug(key), &format!("--current-replicas={now}"), &format!("--replicas={wanted}")];
    Ok(Plan {
        action: Action::Scale { key: key.clone(), replicas: wanted },
        target: String::new(),
        title: format!("Scale {kind} {name} from {now} to {wanted}"),
        diff: vec![Diff::Removed(format!("replicas: {now}")), Diff::Added(format!("replicas: {wanted}"))],
        notes,
        risk: if wanted == 0 { Risk::Disruptive } else { Risk::Reversible },
        basis: subject.version().to_owned(),
        changes: vec![Change {
            method: Method::Patch,
            path: format!("{}/scale?fieldManager=pilothouse", subject.path),
            content_type: "application/merge-patch+json".to_owned(),
            body: json!({"metadata": {"resourceVersion": subject.version()}, "spec": {"replicas": wanted}}),
        }],
        expect: Expectation {
            key: key.clone(),
            goal: Goal::Replicas(wanted),
            within: deadline(subject).unwrap_or(WITHIN),
            generation: subject.number("/metadata/generation"),
        },
        inverse: Some(Action::Scale { key: key.clone(), replicas: now }),
        command: command::kubectl(link.context(), key, &words),
    })
}

fn deadline(subject: &Subject) -> Option<Duration> {
    let seconds = subject.number("/spec/progressDeadlineSeconds")?;
    // kubectl's "no deadline" is the largest 32-bit number
    u64::try_from(seconds).ok().filter(|s| *s < 86_400).map(Duration::from_secs)
}

fn own_notes(subject: &Subject, now: u32, wanted: u32) -> Vec<Note> {
    let mut notes = Vec::new();
    if wanted == 0 {
        notes.push(Note::Warning(format!("stops serving: all {now} pods go away")));
    } else if wanted < now {
        notes.push(Note::Info(if now - wanted == 1 {
            "1 pod goes away".to_owned()
        } else {
            format!("{} pods go away", now - wanted)
        }));
    }
    if subject.key.kind == Kind::StatefulSet && wanted < now {
        notes.push(Note::Info("the highest ordinal goes first".to_owned()));
        if subject.object.pointer("/spec/volumeClaimTemplates/0").is_some() {
            notes.push(claims(subject, now, wanted));
        }
    }
    if subject.flag("/spec/paused") {
        notes.push(Note::Info("its rollout is paused: scaling still works".to_owned()));
    }
    notes
}

fn claims(subject: &Subject, now: u32, wanted: u32) -> Note {
    let count = now - wanted;
    if subject.text("/spec/persistentVolumeClaimRetentionPolicy/whenScaled") == "Delete" {
        Note::Warning(format!("the volume claims of {count} pods are deleted with them (whenScaled: Delete)"))
    } else {
        Note::Info(format!("the volume claims of {count} pods stay, and are used again when it is scaled up"))
    }
}
