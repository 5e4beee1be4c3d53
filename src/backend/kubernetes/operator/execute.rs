//! Sending a plan's changes, and telling a changed object from a refused request.

use futures::stream::BoxStream;
use serde_json::Value;

use super::subject;
use crate::actions::{Approved, Change, Method, Plan, Progress, Receipt};
use crate::backend::emit::{Emitter, emit};
use crate::backend::kubernetes::Link;
use crate::model::Fault;

/// How often the condition of one change is renewed.
const TRIES: usize = 5;

/// Sends the plan's changes in order; ends after `Done` or `Failed`.
#[must_use]
pub fn execute(link: Link, approved: Approved) -> BoxStream<'static, Progress> {
    emit(move |out: Emitter<Progress>| async move {
        let plan = approved.plan();
        let mut receipt = Receipt::default();
        for (made, change) in plan.changes.iter().enumerate() {
            match send(&link, plan, change).await {
                Ok(answer) => {
                    receipt = read_receipt(&answer);
                    let path = change.path.split('?').next().unwrap_or_default();
                    out.send(Progress::Sent(format!("{} {path}", word(change.method)))).await;
                }
                Err(fault) => {
                    out.send(Progress::Failed(half_done(fault, made, plan.changes.len()))).await;
                    return;
                }
            }
        }
        out.send(Progress::Done(receipt)).await;
    })
}

/// A failure that comes after some of the requests were made says so.
fn half_done(mut fault: Fault, made: usize, of: usize) -> Fault {
    if made > 0 {
        match &mut fault {
            Fault::Config { what, .. }
            | Fault::Unreachable { what, .. }
            | Fault::Denied { what, .. }
            | Fault::Conflict { what }
            | Fault::Gone { what }
            | Fault::Timeout { what, .. }
            | Fault::Invalid { what }
            | Fault::Already { what }
            | Fault::Unsupported { what }
            | Fault::Server { what }
            | Fault::ReadOnly { what } => {
                what.push_str(&format!(" ({made} of {of} requests were made before and stay)"));
            }
        }
    }
    fault
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

/// Sends one change. Controllers write an object's status all the time, most of all while it is in
/// trouble: when only that has moved the resource version, the condition is renewed.
async fn send(link: &Link, plan: &Plan, change: &Change) -> Result<Value, Fault> {
    let mut change = change.clone();
    let mut basis = condition(&change.body).unwrap_or(&plan.basis).to_owned();
    let own = subject::path(&plan.expect.key)?;
    let place = object_of(&change.path, &own).to_owned();
    let mut tries = 0;
    loop {
        let fault = match link.change(&change, false).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        tries += 1;
        match fault {
            // a failed JSON patch test and a malformed patch get the same 422, without the cause
            Fault::Conflict { .. } | Fault::Invalid { .. } => {}
            Fault::Timeout { what, seconds } => {
                let what = format!("{what}: the change may or may not have been made, look before trying again");
                return Err(Fault::Timeout { what, seconds });
            }
            other => return Err(other),
        }
        let now: Value = match link.get(&place).await {
            Ok(now) => now,
            Err(gone @ Fault::Gone { .. }) => return Err(gone),
            Err(_) => return Err(fault),
        };
        match judge(plan, place == own, &basis, &now, fault) {
            Ok(version) if tries < TRIES => {
                renew(&mut change.body, &version);
                basis = version;
            }
            Ok(_) => return Err(Fault::Conflict { what: format!("{} changes all the time", plan.expect.key) }),
            Err(fault) => return Err(fault),
        }
    }
}

/// Why a change was refused (`own` when it was about the plan's own object): the new resource version when nothing but the object's status or
/// labels changed since it was planned (its generation counts every change of its spec, and of a
/// Deployment's annotations), and the fault otherwise.
fn judge(plan: &Plan, own: bool, basis: &str, now: &Value, fault: Fault) -> Result<String, Fault> {
    let key = &plan.expect.key;
    let text = |pointer: &str| now.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if own && *key.uid != *text("/metadata/uid") {
        return Err(Fault::Conflict { what: format!("{key} was deleted and made again since it was planned") });
    }
    let version = text("/metadata/resourceVersion");
    if version == basis {
        return Err(fault);
    }
    let generation = now.pointer("/metadata/generation").and_then(Value::as_i64);
    if own && generation.is_some() && generation == plan.expect.generation {
        return Ok(version.to_owned());
    }
    let what = if own {
        format!("{key} is at resourceVersion {version}, the plan was made at {}: plan again", plan.basis)
    } else {
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        format!("{kind} {name} is at resourceVersion {version}, the plan was made at {basis}: plan again")
    };
    Err(Fault::Conflict { what })
}

/// The resource version that a request is conditional on.
fn condition(body: &Value) -> Option<&str> {
    body.pointer(if body.is_array() { "/0/value" } else { "/metadata/resourceVersion" })?.as_str()
}

/// Path of the object that a request changes: `own`, of which it may change a subresource, or another.
fn object_of<'a>(path: &'a str, own: &'a str) -> &'a str {
    let path = path.split('?').next().unwrap_or_default();
    if path.strip_prefix(own).is_some_and(|rest| matches!(rest, "" | "/status" | "/scale")) { own } else { path }
}

/// Makes a request conditional on `version`, wherever its kind says so.
fn renew(body: &mut Value, version: &str) {
    let place = if body.is_array() { "/0/value" } else { "/metadata/resourceVersion" };
    if let Some(condition) = body.pointer_mut(place) {
        *condition = Value::String(version.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::actions::{Action, Expectation, Goal, Risk};
    use crate::model::{Key, Kind, TargetId};

    fn plan() -> Plan {
        let key = Key {
            target: TargetId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "u1".into(),
        };
        Plan {
            action: Action::Restart { key: key.clone() },
            target: String::new(),
            title: String::new(),
            diff: Vec::new(),
            notes: Vec::new(),
            risk: Risk::Disruptive,
            basis: "7".to_owned(),
            changes: Vec::new(),
            expect: Expectation { key, goal: Goal::RolledOut, within: Duration::from_secs(1), generation: Some(3) },
            inverse: None,
            command: String::new(),
        }
    }

    #[test]
    fn only_a_changed_spec_or_another_object_is_a_conflict() {
        let refused = || Fault::Invalid { what: "bad patch".to_owned() };
        let judged = |uid: &str, version: &str, generation: i64| {
            let now = json!({"metadata": {"uid": uid, "resourceVersion": version, "generation": generation}});
            judge(&plan(), true, "7", &now, refused())
        };
        assert_eq!(judged("u1", "7", 3), Err(refused()), "unchanged: the request itself was refused");
        assert_eq!(judged("u1", "8", 3), Ok("8".to_owned()), "only the status moved");
        assert!(matches!(judged("u1", "8", 4), Err(Fault::Conflict { .. })));
        assert!(matches!(judged("u2", "7", 3), Err(Fault::Conflict { .. })));
    }

    #[test]
    fn a_failure_halfway_says_what_stays() {
        let fault = || Fault::Invalid { what: "denied by a webhook".to_owned() };
        assert_eq!(half_done(fault(), 0, 2), fault());
        let text = "denied by a webhook (1 of 2 requests were made before and stay)";
        assert_eq!(half_done(fault(), 1, 2).to_string(), text);
    }

    #[test]
    fn the_object_of_a_request_is_the_plans_own_or_another() {
        let own = "/apis/apps/v1/namespaces/shop/deployments/web";
        for subresource in ["", "/status", "/scale", "?x=1", "/scale?fieldManager=x"] {
            assert_eq!(object_of(&format!("{own}{subresource}"), own), own);
        }
        let other = "/apis/apps/v1/namespaces/shop/deployments/scale";
        assert_eq!(object_of(&format!("{other}?x=1"), own), other);
    }

    #[test]
    fn a_condition_is_renewed_where_it_stands() {
        let mut merge = json!({"metadata": {"resourceVersion": "7"}, "spec": {}});
        renew(&mut merge, "8");
        assert_eq!(merge, json!({"metadata": {"resourceVersion": "8"}, "spec": {}}));
        let mut patch = json!([{"op": "test", "path": "/metadata/resourceVersion", "value": "7"}]);
        renew(&mut patch, "8");
        assert_eq!(patch[0]["value"], "8");
    }
}
