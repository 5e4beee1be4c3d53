//! Who else has a say about an object: autoscalers, disruption budgets, and whatever put it there.

use serde_json::Value;

use super::subject::Subject;
use crate::actions::Note;
use crate::backend::escape;
use crate::backend::kubernetes::Link;
use crate::model::{Fault, Kind};

/// Field managers whose writes are somebody's by hand: not worth a remark.
const BY_HAND: [&str; 4] = ["kubectl", "pilothouse", "unknown", "kube-controller-manager"];

/// Remarks about autoscalers that target the subject, and what they will do with `wanted` replicas.
pub async fn autoscalers(link: &Link, subject: &Subject, wanted: Option<u32>) -> Vec<Note> {
    let list = listing(link, "autoscaling", &["v2", "v2beta2", "v2beta1", "v1"], subject, "horizontalpodautoscalers");
    let items = match list.await {
        Ok(items) => items,
        Err(why) => return vec![Note::Info(format!("autoscalers could not be looked for: {why}"))],
    };
    let targets = |hpa: &&Value| {
        let text = |field: &str| pointer(hpa, &format!("/spec/scaleTargetRef/{field}"));
        text("kind") == subject.key.kind.word()
            && *text("name") == *subject.key.name
            && matches!(
                (subject.key.kind, text("apiVersion").split('/').next()),
                (Kind::Rollout, Some("argoproj.io")) | (_, Some("apps" | "extensions" | ""))
            )
    };
    items.iter().filter(targets).flat_map(|hpa| forecast(hpa, subject.replicas(), wanted)).collect()
}

/// What one autoscaler will do.
fn forecast(hpa: &Value, now: i64, wanted: Option<u32>) -> Vec<Note> {
    let name = pointer(hpa, "/metadata/name");
    let min = hpa.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1);
    let max = hpa.pointer("/spec/maxReplicas").and_then(Value::as_i64).unwrap_or(min);
    let who = format!("HorizontalPodAutoscaler {name} (min {min}, max {max})");
    let mut notes = Vec::new();
    match wanted.map(i64::from) {
        None => notes.push(Note::Info(format!("{who} sets the number of replicas"))),
        Some(0) if min != 0 => notes.push(Note::Warning(format!(
            "{who} is switched off by 0 replicas and will not come back by itself: scale above 0 to wake it"
        ))),
        Some(n) if n > max => notes
            .push(Note::Warning(format!("{who} will override this: {n} is above its maximum, it sets {max} in ~15 s"))),
        Some(n) if n < min => notes
            .push(Note::Warning(format!("{who} will override this: {n} is below its minimum, it sets {min} in ~15 s"))),
        Some(n) => notes.push(Note::Warning(format!(
            "{who} computes the number anew every ~15 s and may override {n}; to hold it, set its min and max to {n}"
        ))),
    }
    if now == 0 && wanted.is_some_and(|n| n > 0) {
        notes.push(Note::Info(format!("this wakes HorizontalPodAutoscaler {name}, which 0 replicas had switched off")));
    }
    let keda = pointer(hpa, "/metadata/labels/scaledobject.keda.sh~1name");
    if let Some(scaled) = [keda, name.strip_prefix("keda-hpa-").unwrap_or_default()].into_iter().find(|n| !n.is_empty())
    {
        notes.push(Note::Warning(format!(
            "KEDA made this autoscaler: to hold a number, annotate ScaledObject {scaled} with \
             autoscaling.keda.sh/paused-replicas"
        )));
    }
    notes
}

/// Remarks about disruption budgets over the subject's pods, which `doing` does not ask.
pub async fn budgets(link: &Link, subject: &Subject, doing: &str) -> Vec<Note> {
    let labels = if subject.key.kind == Kind::Pod { "/metadata/labels" } else { "/spec/template/metadata/labels" };
    let labels = subject.object.pointer(labels).unwrap_or(&Value::Null);
    let items = match listing(link, "policy", &["v1", "v1beta1"], subject, "poddisruptionbudgets").await {
        Ok(items) => items,
        Err(why) => return vec![Note::Info(format!("disruption budgets could not be looked for: {why}"))],
    };
    let covers = |pdb: &&Value| {
        let old = pointer(pdb, "/apiVersion") == "policy/v1beta1";
        pdb.pointer("/spec/selector").is_some_and(|selector| selects(selector, labels, !old))
    };
    items.iter().filter(covers).map(|pdb| budget(pdb, doing)).collect()
}

fn budget(pdb: &Value, doing: &str) -> Note {
    let name = pointer(pdb, "/metadata/name");
    let allowed = pdb.pointer("/status/disruptionsAllowed").and_then(Value::as_i64).unwrap_or_default();
    let text = format!("PodDisruptionBudget {name} allows {allowed} disruptions now, but {doing} does not ask it");
    if allowed == 0 { Note::Warning(text) } else { Note::Info(text) }
}

/// True when a `metav1.LabelSelector` selects `labels`; `empty_is_all` tells what one without terms does.
fn selects(selector: &Value, labels: &Value, empty_is_all: bool) -> bool {
    let label = |name: &str| labels.get(name).and_then(Value::as_str);
    let equal = selector.get("matchLabels").and_then(Value::as_object);
    let terms = selector.get("matchExpressions").and_then(Value::as_array);
    if equal.is_none_or(serde_json::Map::is_empty) && terms.is_none_or(Vec::is_empty) {
        return empty_is_all;
    }
    let term_holds = |term: &Value| {
        let value = label(pointer(term, "/key"));
        let among = || {
            let values = term.get("values").and_then(Value::as_array);
            value.is_some_and(|v| values.is_some_and(|all| all.iter().any(|x| x.as_str() == Some(v))))
        };
        match pointer(term, "/operator") {
            "In" => among(),
            "NotIn" => !among(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    equal.is_none_or(|all| all.iter().all(|(name, value)| label(name) == value.as_str()))
        && terms.is_none_or(|all| all.iter().all(term_holds))
}

/// Remarks about controllers and tools that put the object there, and about who wrote `field`
/// (a path of `fieldsV1`) last.
#[must_use]
pub fn managers(subject: &Subject, field: &[&str]) -> Vec<Note> {
    let mut notes = Vec::new();
    let label = |name: &str| {
        subject.object.pointer("/metadata/labels").and_then(|l| l.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    if let Some((kind, name)) = controller(&subject.object) {
        notes.push(Note::Warning(format!("{kind} {name} owns it and may take this back: change that one instead")));
    }
    let release = subject.annotation("meta.helm.sh/release-name");
    if !release.is_empty() {
        notes.push(Note::Info(format!("Helm release {release} manages it: its next upgrade may take this back")));
    }
    let tracked = subject.annotation("argocd.argoproj.io/tracking-id");
    if let Some(app) = tracked.split(':').next().filter(|a| !a.is_empty()) {
        notes.push(Note::Warning(format!("Argo CD app {app} manages it and takes this back where it heals itself")));
    }
    for tool in ["kustomize", "helm"] {
        let name = label(&format!("{tool}.toolkit.fluxcd.io/name"));
        if !name.is_empty() {
            notes
                .push(Note::Warning(format!("Flux ({tool} {name}) manages it and takes this back when it reconciles")));
        }
    }
    if applied(subject, field) {
        notes.push(Note::Info("the next kubectl apply of its manifest takes this back".to_owned()));
    }
    if let Some(manager) = last_writer(&subject.object, field)
        && !BY_HAND.contains(&manager)
        && !manager.starts_with("kubectl")
    {
        let field = field.join(".").replace("f:", "");
        notes.push(Note::Info(format!("{field} was last written by {manager}")));
    }
    notes
}

fn controller(object: &Value) -> Option<(&str, &str)> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true))?;
    Some((pointer(owner, "/kind"), pointer(owner, "/name")))
}

/// True when the manifest that `kubectl apply` remembers sets the number of replicas and that is
/// what `field` is; for templates the manifest is only half of what decides.
fn applied(subject: &Subject, field: &[&str]) -> bool {
    let text = subject.annotation("kubectl.kubernetes.io/last-applied-configuration");
    let Ok(manifest) = serde_json::from_str::<Value>(text) else { return false };
    field.last() == Some(&"f:replicas") && manifest.pointer("/spec/replicas").is_some()
}

fn last_writer<'a>(object: &'a Value, field: &[&str]) -> Option<&'a str> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let writes = |entry: &&Value| {
        let fields = entry.get("fieldsV1");
        fields.and_then(|f| field.iter().try_fold(f, |at, name| at.get(*name))).is_some()
    };
    let last = entries.iter().filter(writes).max_by_key(|entry| pointer(entry, "/time"))?;
    last.get("manager").and_then(Value::as_str)
}

/// The list of `plural` in the subject's namespace, in the first of `wanted` versions that the server has.
async fn listing(
    link: &Link,
    group: &str,
    wanted: &[&str],
    subject: &Subject,
    plural: &str,
) -> Result<Vec<Value>, Fault> {
    let served: Value = link.get(&format!("/apis/{group}")).await?;
    let versions = served.get("versions").and_then(Value::as_array);
    let has = |version: &&&str| {
        versions.is_some_and(|all| all.iter().any(|v| v.get("version").and_then(Value::as_str) == Some(**version)))
    };
    let Some(version) = wanted.iter().find(has) else { return Ok(Vec::new()) };
    let path = format!("/apis/{group}/{version}/namespaces/{}/{plural}", escape::url(&subject.key.namespace));
    let mut list: Value = link.get(&path).await?;
    let items = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    // items of a list do not say their version
    let stamped = items.into_iter().map(|mut item| {
        item["apiVersion"] = Value::String(format!("{group}/{version}"));
        item
    });
    Ok(stamped.collect())
}

fn pointer<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(notes: &[Note]) -> String {
        notes
            .iter()
            .map(|note| match note {
                Note::Info(text) => format!("i {text}\n"),
                Note::Warning(text) => format!("! {text}\n"),
            })
            .collect()
    }

    #[test]
    fn an_autoscaler_is_forecast_above_below_inside_and_at_zero() {
        let hpa = json!({"metadata": {"name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 10}});
        for (wanted, part) in [
            (12, "12 is above its maximum, it sets 10"),
            (1, "1 is below its minimum, it sets 2"),
            (5, "may override 5"),
            (0, "will not come back by itself"),
        ] {
            let said = text(&forecast(&hpa, 3, Some(wanted)));
            assert!(said.starts_with("! ") && said.contains(part), "{wanted}: {said}");
        }
        assert!(text(&forecast(&hpa, 0, Some(3))).contains("this wakes HorizontalPodAutoscaler web"));
    }

    #[test]
    fn an_autoscaler_of_keda_names_its_scaled_object() {
        let hpa = json!({"metadata": {"name": "keda-hpa-queue"}, "spec": {"maxReplicas": 10}});
        assert!(text(&forecast(&hpa, 3, Some(5))).contains("annotate ScaledObject queue"));
    }

    #[test]
    fn selectors_select_as_the_server_selects() {
        let labels = json!({"app": "web", "tier": "front"});
        let cases = [
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "api"}}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "edge"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false),
            (json!({"matchExpressions": [{"key": "gone", "operator": "DoesNotExist"}]}), true),
            (
                json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "gone", "operator": "Exists"}]}),
                false,
            ),
        ];
        for (selector, want) in cases {
            assert_eq!(selects(&selector, &labels, true), want, "{selector}");
        }
        assert!(selects(&json!({}), &labels, true), "policy/v1: empty selects all");
        assert!(!selects(&json!({}), &labels, false), "policy/v1beta1: empty selects none");
    }

    #[test]
    fn the_last_writer_of_a_field_is_found() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "helm", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "scaler", "time": "2026-02-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "other", "time": "2026-03-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        ]}});
        assert_eq!(last_writer(&object, &["f:spec", "f:replicas"]), Some("scaler"));
    }
}
