//! Revisions of a Rollout: its ReplicaSets, with what the controller put into their templates taken out.

use serde_json::{Map, Value};

use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::backend::kubernetes::operator::history::{Stored, selector};
use crate::backend::kubernetes::operator::subject::Subject;
use crate::backend::kubernetes::releases::raw::{items, text};
use crate::model::Fault;

/// The label that the controller puts on templates, Services and pods.
pub const HASH: &str = "rollouts-pod-template-hash";
/// The annotation that numbers its ReplicaSets.
const REVISION: &str = "rollout.argoproj.io/revision";
/// What the controller added to the pods of a ReplicaSet for the time of a canary.
const EPHEMERAL: &str = "rollout.argoproj.io/ephemeral-metadata";

/// The Rollout's revisions, oldest first; `chosen` is the selector of its pods.
///
/// # Errors
/// Faults of the list.
pub async fn list(link: &Link, subject: &Subject, chosen: &Value) -> Result<Vec<Stored>, Fault> {
    let path = format!(
        "/apis/apps/v1/namespaces/{}/replicasets?labelSelector={}",
        escape::url(&subject.key.namespace),
        escape::url(&selector(chosen))
    );
    let list: Value = link.get(&path).await?;
    let owned = |item: &&Value| {
        items(item, "/metadata/ownerReferences").iter().any(|owner| {
            text(owner, "/uid") == &*subject.key.uid && owner.get("controller").and_then(Value::as_bool) == Some(true)
        })
    };
    let mut stored: Vec<Stored> = items(&list, "/items").iter().filter(owned).map(read).collect();
    stored.sort_by_key(|revision| revision.number);
    Ok(stored)
}

fn read(item: &Value) -> Stored {
    let note = |name: &str| item.pointer("/metadata/annotations").and_then(|all| all.get(name)).and_then(Value::as_str);
    let mut template = item.pointer("/spec/template").cloned().unwrap_or_default();
    strip(&mut template, note(EPHEMERAL).unwrap_or_default());
    Stored {
        number: note(REVISION).and_then(|n| n.parse().ok()).unwrap_or_default(),
        template,
        data: Value::Null,
        cause: note("kubernetes.io/change-cause").map(str::to_owned),
        hash: item
            .pointer("/metadata/labels")
            .and_then(|all| all.get(HASH))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        pods: item.pointer("/status/replicas").and_then(Value::as_i64).unwrap_or_default(),
    }
}

/// Takes out of a ReplicaSet's template what its controller put in: the hash label, ephemeral
/// metadata and the anti-affinity against other revisions. The official undo leaves the latter two
/// in, and makes them part of the new template.
fn strip(template: &mut Value, ephemeral: &str) {
    remove(template, "/metadata/labels", &[HASH]);
    let ephemeral: Value = serde_json::from_str(ephemeral).unwrap_or_default();
    for part in ["labels", "annotations"] {
        let names: Vec<&str> = ephemeral
            .get(part)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        remove(template, &format!("/metadata/{part}"), &names);
    }
    let own = |term: &Value| {
        let selects =
            |term: &Value| items(term, "/labelSelector/matchExpressions").iter().any(|e| text(e, "/key") == HASH);
        selects(term) || term.get("podAffinityTerm").is_some_and(selects)
    };
    let at = "/spec/affinity/podAntiAffinity";
    for list in ["requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"] {
        let Some(terms) = template.pointer_mut(&format!("{at}/{list}")).and_then(Value::as_array_mut) else { continue };
        let before = terms.len();
        terms.retain(|term| !own(term));
        if terms.is_empty() && before > 0 {
            remove(template, at, &[list]);
        }
    }
    for (parent, child) in [("/spec/affinity", "podAntiAffinity"), ("/spec", "affinity")] {
        let bare = template.pointer(parent).and_then(|all| all.get(child)) == Some(&Value::Object(Map::new()));
        if bare {
            remove(template, parent, &[child]);
        }
    }
}

fn remove(value: &mut Value, at: &str, names: &[&str]) {
    if let Some(members) = value.pointer_mut(at).and_then(Value::as_object_mut) {
        for name in names {
            members.shift_remove(*name);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_controller_put_into_a_template_is_taken_out_and_nothing_else() {
        let term = |key: &str| {
            json!({"topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchExpressions": [{"key": key, "operator": "NotIn", "values": ["a"]}]}})
        };
        let mut template = json!({
            "metadata": {"labels": {"app": "web", HASH: "a", "role": "canary"}, "annotations": {"seen": "1", "keep": "2"}},
            "spec": {"newer": true, "affinity": {"podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [term(HASH), term("zone")],
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term(HASH)}]}}},
        });
        strip(&mut template, r#"{"labels": {"role": "canary"}, "annotations": {"seen": "1"}}"#);
        let want = json!({
            "metadata": {"labels": {"app": "web"}, "annotations": {"keep": "2"}},
            "spec": {"newer": true, "affinity": {"podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [term("zone")]}}},
        });
        assert_eq!(template, want);
        let mut only = json!({"spec": {"affinity": {"podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [term(HASH)]}}}});
        strip(&mut only, "");
        assert_eq!(only, json!({"spec": {}}));
    }
}
