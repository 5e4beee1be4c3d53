//! The revisions a workload can go back to, with their templates as raw JSON, and kubectl's choice
//! among them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::subject::Subject;
use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::model::{Fault, Kind};

/// The label that Deployments put on their ReplicaSets' templates.
pub const HASH: &str = "pod-template-hash";
/// The annotation that numbers a Deployment's ReplicaSets.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// One revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number.
    pub number: i64,
    /// The pod template, as its controller keeps it.
    pub template: Value,
    /// `data` of a ControllerRevision: the patch that goes back to it.
    pub data: Value,
    /// `kubernetes.io/change-cause`, if any.
    pub cause: Option<String>,
    /// Value of its pods' revision label.
    pub hash: String,
    /// Pods of it that exist now, as far as its ReplicaSet counts them.
    pub pods: i64,
}

/// The workload's revisions, oldest first.
///
/// # Errors
/// Faults of the list.
pub async fn list(link: &Link, subject: &Subject) -> Result<Vec<Stored>, Fault> {
    let plural = if subject.key.kind == Kind::Deployment { "replicasets" } else { "controllerrevisions" };
    let selector = selector(subject.object.pointer("/spec/selector").unwrap_or(&Value::Null));
    let path = format!(
        "/apis/apps/v1/namespaces/{}/{plural}?labelSelector={}",
        escape::url(&subject.key.namespace),
        escape::url(&selector)
    );
    let list: Value = link.get(&path).await?;
    let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut stored: Vec<Stored> = items.iter().filter(|item| owned(item, &subject.key.uid)).map(read).collect();
    stored.sort_by_key(|revision| revision.number);
    Ok(stored)
}

fn owned(item: &Value, uid: &str) -> bool {
    let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|all| {
        all.iter().any(|o| {
            o.get("uid").and_then(Value::as_str) == Some(uid)
                && o.get("controller").and_then(Value::as_bool) == Some(true)
        })
    })
}

fn read(item: &Value) -> Stored {
    let note = |name: &str| item.pointer("/metadata/annotations").and_then(|a| a.get(name)).and_then(Value::as_str);
    let label = |name: &str| item.pointer("/metadata/labels").and_then(|a| a.get(name)).and_then(Value::as_str);
    let data = item.get("data").cloned().unwrap_or_default();
    let number = match item.get("revision").and_then(Value::as_i64) {
        Some(number) => number,
        None => note(REVISION).and_then(|n| n.parse().ok()).unwrap_or_default(),
    };
    let template = data.pointer("/spec/template").or_else(|| item.pointer("/spec/template"));
    // a StatefulSet's pods carry the revision's name, a DaemonSet's its hash label
    let hash = label(HASH).or_else(|| label("controller-revision-hash")).unwrap_or_default();
    Stored {
        number,
        template: template.cloned().unwrap_or_default(),
        cause: note("kubernetes.io/change-cause").map(str::to_owned),
        hash: hash.to_owned(),
        data,
        pods: item.pointer("/status/replicas").and_then(Value::as_i64).unwrap_or_default(),
    }
}

/// A `metav1.LabelSelector` in the words of a list query.
#[must_use]
pub fn selector(selector: &Value) -> String {
    let mut terms = Vec::new();
    if let Some(equal) = selector.get("matchLabels").and_then(Value::as_object) {
        terms.extend(equal.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())));
    }
    for term in selector.get("matchExpressions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        let key = term.get("key").and_then(Value::as_str).unwrap_or_default();
        let values = term.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let values = values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        let mut text = String::new();
        let _ = match term.get("operator").and_then(Value::as_str).unwrap_or_default() {
            "In" => write!(text, "{key} in ({values})"),
            "NotIn" => write!(text, "{key} notin ({values})"),
            "DoesNotExist" => write!(text, "!{key}"),
            _ => write!(text, "{key}"),
        };
        terms.push(text);
    }
    terms.join(",")
}

/// The revision that the workload's template equals now; for controllers whose revisions do not
/// match any more, the newest.
#[must_use]
pub fn current<'a>(revisions: &'a [Stored], template: &Value) -> Option<&'a Stored> {
    let now = essence(template);
    revisions.iter().find(|r| essence(&r.template) == now).or_else(|| revisions.last())
}

/// Picks revision `wanted` as kubectl does: 0 is the second highest number there is.
///
/// # Errors
/// `Invalid` in kubectl's words.
pub fn pick<'a>(revisions: &'a [Stored], wanted: i64, subject: &Subject) -> Result<&'a Stored, Fault> {
    if wanted > 0 {
        return revisions
            .iter()
            .find(|r| r.number == wanted)
            .ok_or_else(|| Fault::Invalid { what: format!("unable to find specified revision {wanted} in history") });
    }
    if let Some(before) = revisions.len().checked_sub(2).and_then(|at| revisions.get(at)) {
        return Ok(before);
    }
    let what = if subject.key.kind == Kind::Deployment {
        format!("no rollout history found for deployment \"{}\"", subject.key.name)
    } else {
        "no last revision to roll back to".to_owned()
    };
    Err(Fault::Invalid { what })
}

/// A template without what controllers add and without what means nothing: the revision's hash
/// label, `$patch`, nulls and empty maps. Members are sorted, so that equal ones read the same.
#[must_use]
pub fn essence(template: &Value) -> Value {
    match template {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let mut out = Map::new();
            for name in names {
                if name == HASH || name == "$patch" {
                    continue;
                }
                let inner = essence(&members[name]);
                let bare = matches!(name.as_str(), "labels" | "annotations") && inner == Value::Object(Map::new());
                if !inner.is_null() && !bare {
                    out.insert(name.clone(), inner);
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.iter().map(essence).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Key, TargetId};

    fn revisions(numbers: &[i64]) -> Vec<Stored> {
        let one = |n: &i64| Stored {
            number: *n,
            template: json!({"spec": {"image": n}}),
            data: Value::Null,
            cause: None,
            hash: String::new(),
            pods: 0,
        };
        numbers.iter().map(one).collect()
    }

    fn subject(kind: Kind) -> Subject {
        let key = Key { target: TargetId(0), kind, namespace: "shop".into(), name: "web".into(), uid: "u".into() };
        Subject { key, object: json!({}), path: String::new() }
    }

    #[test]
    fn zero_is_the_second_highest_number_and_a_missing_one_is_said_in_kubectls_words() {
        let all = revisions(&[2, 5, 9]);
        let deployment = subject(Kind::Deployment);
        assert_eq!(pick(&all, 0, &deployment).unwrap().number, 5);
        assert_eq!(pick(&all, 2, &deployment).unwrap().number, 2);
        let words = |result: Result<&Stored, Fault>| result.unwrap_err().to_string();
        assert_eq!(words(pick(&all, 3, &deployment)), "unable to find specified revision 3 in history");
        assert_eq!(words(pick(&all[..1], 0, &deployment)), "no rollout history found for deployment \"web\"");
        assert_eq!(words(pick(&all[..1], 0, &subject(Kind::DaemonSet))), "no last revision to roll back to");
    }

    #[test]
    fn templates_are_equal_when_only_the_controllers_additions_differ() {
        let live = json!({"metadata": {"creationTimestamp": null, "labels": {"app": "web"}}, "spec": {"a": 1, "b": 2}});
        let stored = json!({"$patch": "replace", "spec": {"b": 2, "a": 1},
            "metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}}});
        assert_eq!(essence(&live), essence(&stored));
        let other = json!({"metadata": {"labels": {"app": "api"}}, "spec": {"a": 1, "b": 2}});
        assert_ne!(essence(&live), essence(&other));
    }

    #[test]
    fn a_selector_reads_as_a_list_query() {
        let given = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(selector(&given), "app=web,tier in (a,b),!old");
    }
}
