//! Sending: first as a dry run that leaves no trace, then for real, and telling a changed object
//! from a refused request.

use futures::stream::BoxStream;
use serde_json::{Value, json};

use super::subject::{self, Subject};
use crate::actions::{Approved, Change, Method, Progress, Receipt};
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::emit::{Emitter, emit};
use crate::model::{Fault, Key};

/// Tries `change` on the server, which keeps nothing of it.
///
/// # Errors
/// What the change itself would fail with.
pub async fn rehearse(link: &Link, change: &Change) -> Result<Value, Fault> {
    let mut change = change.clone();
    if change.method == Method::Delete
        && let Some(options) = change.body.as_object_mut()
    {
        // the API server reads a DELETE's options from its query only when there is no body
        options.insert("dryRun".to_owned(), json!(["All"]));
    }
    link.change(&change, true).await
}

/// A dry run's fault, in terms of the object.
#[must_use]
pub fn explain(subject: &Subject, fault: Fault) -> Fault {
    match fault {
        Fault::Conflict { .. } => Fault::Conflict { what: format!("{} changed while it was planned", subject.key) },
        Fault::Invalid { what } => Fault::Invalid { what: format!("the server would refuse this: {what}") },
        other => other,
    }
}

/// Sends the plan's changes in order; ends after `Done` or `Failed`.
pub fn execute(link: Link, approved: Approved) -> BoxStream<'static, Progress> {
    emit(move |mut out: Emitter<Progress>| async move {
        let plan = approved.plan();
        let mut receipt = Receipt::default();
        for change in &plan.changes {
            match link.change(change, false).await {
                Ok(answer) => {
                    receipt = read_receipt(&answer);
                    let path = change.path.split('?').next().unwrap_or_default();
                    out.send(Progress::Sent(format!("{} {path}", word(change.method)))).await;
                }
                Err(fault) => {
                    let fault = diagnose(&link, &plan.expect.key, &plan.basis, fault).await;
                    out.send(Progress::Failed(fault)).await;
                    return;
                }
            }
        }
        out.send(Progress::Done(receipt)).await;
    })
}

const fn word(method: Method) -> &'static str {
    match method {
        Method::Patch => "PATCH",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Delete => "DELETE",
    }
}

fn read_receipt(answer: &Value) -> Receipt {
    Receipt {
        generation: answer.pointer("/metadata/generation").and_then(Value::as_i64),
        version: answer.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned),
    }
}

/// A failed JSON patch test and a malformed patch get the same answer (422, without the cause), so
/// the object is read again to tell which it was.
async fn diagnose(link: &Link, key: &Key, basis: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Conflict { .. } | Fault::Invalid { .. } => {}
        Fault::Timeout { what, seconds } => {
            let what = format!("{what}: the change may or may not have been made, look before trying again");
            return Fault::Timeout { what, seconds };
        }
        other => return other,
    }
    let Ok(path) = subject::path(key) else { return fault };
    match link.get::<Value>(&path).await {
        Ok(now) => judge(key, basis, &now, fault),
        Err(gone @ Fault::Gone { .. }) => gone,
        Err(_) => fault,
    }
}

fn judge(key: &Key, basis: &str, now: &Value, fault: Fault) -> Fault {
    let text = |pointer: &str| now.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if *key.uid != *text("/metadata/uid") {
        return Fault::Conflict { what: format!("{key} was deleted and made again since it was planned") };
    }
    let version = text("/metadata/resourceVersion");
    if version != basis {
        let what = format!("{key} is at resourceVersion {version}, the plan was made at {basis}: plan again");
        return Fault::Conflict { what };
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, TargetId};

    #[test]
    fn a_422_is_a_conflict_only_when_the_object_changed() {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "u1".into(),
        };
        let refused = || Fault::Invalid { what: "bad patch".to_owned() };
        let object = |uid: &str, version: &str| json!({"metadata": {"uid": uid, "resourceVersion": version}});
        assert_eq!(judge(&key, "7", &object("u1", "7"), refused()), refused());
        assert!(matches!(judge(&key, "7", &object("u1", "8"), refused()), Fault::Conflict { .. }));
        assert!(matches!(judge(&key, "7", &object("u2", "7"), refused()), Fault::Conflict { .. }));
    }
}
