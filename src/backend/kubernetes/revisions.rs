//! Revisions of a workload: ReplicaSets of a Deployment or an Argo Rollout, ControllerRevisions of the other two, as
//! `kubectl rollout history` finds and numbers them; read again whenever they change.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::changes::{Change, changes, read, text};
use super::link::Link;
use super::paths::{Place, of_key};
use super::pulse::Pulse;
use super::retry::Backoff;
use super::wire::Page;
use super::yaml;
use crate::backend::emit::{self, Emitter};
use crate::model::{Fault, FeedEvent, Key, Kind, Revision, Revisions, Stamp};

/// Changes that follow each other this closely are read once.
const SETTLE: Duration = Duration::from_millis(300);
/// Revisions a page.
const PAGE: u32 = 100;
/// The label that the Deployment controller adds to every template.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// The same of Argo Rollouts.
const ROLLOUT_HASH: &str = "rollouts-pod-template-hash";

/// The feed.
pub fn feed(link: Link, pulse: Pulse, key: Key) -> BoxStream<'static, FeedEvent> {
    emit::feed(move |out| async move {
        if !matches!(key.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout) {
            return out.lost(Fault::Unsupported { what: format!("a {} has no revisions", key.kind.word()) }).await;
        }
        let mut backoff = Backoff::default();
        let mut shown = None;
        loop {
            if let Err(fault) = attend(&link, &pulse, &key, &out, &mut shown).await {
                out.lost(fault.clone()).await;
                shown = None;
                backoff.wait(&fault, &pulse).await;
            } else {
                backoff.reset();
            }
        }
    })
}

async fn attend(
    link: &Link,
    pulse: &Pulse,
    key: &Key,
    out: &Emitter<FeedEvent>,
    shown: &mut Option<Revisions>,
) -> Result<(), Fault> {
    let (place, path) = of_key(key)?;
    let mut loss = std::pin::pin!(pulse.loss());
    let reading = gather(link, key, &path).await?;
    show(reading.revisions, out, shown).await;
    let workload = changes(link, &place.named(&key.name), &reading.version).await?;
    let revisions = changes(link, &reading.place, &reading.list_version).await?;
    // either of them ending is the end of both
    let ended = |changes: BoxStream<'static, Change>| changes.map(Some).chain(stream::once(async { None })).boxed();
    let mut all = stream::select(ended(workload), ended(revisions)).ready_chunks(64);
    loop {
        let changes = tokio::select! {
            changes = all.next() => changes.unwrap_or_default(),
            fault = &mut loss => return Err(fault),
        };
        if changes.is_empty() || changes.contains(&None) {
            tokio::time::sleep(SETTLE).await;
            return Ok(());
        }
        if changes.contains(&Some(Change::Changed)) {
            tokio::time::sleep(SETTLE).await;
            show(gather(link, key, &path).await?.revisions, out, shown).await;
        } else {
            out.send(FeedEvent::Alive).await;
        }
    }
}

async fn show(revisions: Revisions, out: &Emitter<FeedEvent>, shown: &mut Option<Revisions>) {
    if shown.as_ref() == Some(&revisions) {
        return out.send(FeedEvent::Alive).await;
    }
    *shown = Some(revisions.clone());
    out.send(FeedEvent::Revisions(Box::new(revisions))).await;
}

/// One reading, and where to watch from.
struct Reading {
    revisions: Revisions,
    version: String,
    place: Place,
    list_version: String,
}

async fn gather(link: &Link, key: &Key, path: &str) -> Result<Reading, Fault> {
    let workload = read(link, key, path).await?;
    let labels: Vec<(String, String)> = workload
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let plural = if sets(key.kind) { "replicasets" } else { "controllerrevisions" };
    let place = Place::labelled(plural, &key.namespace, &labels);
    let mut items = Vec::new();
    let mut next = String::new();
    let list_version = loop {
        let page: Page<Value> = link.get(&place.page(PAGE, &next)).await?;
        items.extend(page.items);
        if page.metadata.next.is_empty() {
            break page.metadata.resource_version;
        }
        next = page.metadata.next;
    };
    let version = text(&workload, "/metadata/resourceVersion").to_owned();
    Ok(Reading { revisions: revisions(key, &workload, &items)?, version, place, list_version })
}

/// The revisions that `workload` controls, newest number first.
fn revisions(key: &Key, workload: &Value, items: &[Value]) -> Result<Revisions, Fault> {
    let uid = text(workload, "/metadata/uid");
    let owned = |item: &&Value| {
        let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners
            .into_iter()
            .flatten()
            .any(|owner| text(owner, "/uid") == uid && owner.get("controller").and_then(Value::as_bool) == Some(true))
    };
    let mine: Vec<&Value> = items.iter().filter(owned).collect();
    let current = current(key.kind, workload, &mine).map(|item| text(item, "/metadata/name").to_owned());
    let mut list = Vec::with_capacity(mine.len());
    for item in mine {
        let mut revision = revision(key.kind, item)?;
        revision.current = current.as_deref() == Some(&*revision.name);
        list.push(revision);
    }
    list.sort_by(|a, b| b.number.cmp(&a.number).then_with(|| b.created.cmp(&a.created)));
    Ok(Revisions { key: key.clone(), list })
}

/// The one that the workload's template equals: the oldest such ReplicaSet, as the controller itself
/// chooses; for a StatefulSet the one its status names; for want of an equal one the newest.
fn current<'a>(kind: Kind, workload: &Value, mine: &[&'a Value]) -> Option<&'a Value> {
    if kind == Kind::StatefulSet {
        let name = text(workload, "/status/updateRevision");
        if let Some(named) = mine.iter().find(|item| !name.is_empty() && text(item, "/metadata/name") == name) {
            return Some(named);
        }
    }
    if kind == Kind::Rollout {
        // its controller adds more to a template than its hash: it says which one is current
        let hash = text(workload, "/status/currentPodHash");
        let has = |item: &&&Value| text(item, "/metadata/labels/rollouts-pod-template-hash") == hash;
        return mine.iter().find(has).copied();
    }
    let wanted = bare(workload.pointer("/spec/template").cloned().unwrap_or_default());
    let equal = mine.iter().filter(|item| template(kind, item) == wanted);
    let oldest = equal.min_by_key(|item| text(item, "/metadata/creationTimestamp"));
    match (oldest, kind) {
        (Some(item), _) => Some(item),
        // a Deployment whose new ReplicaSet is not there yet has no current one
        (None, Kind::Deployment) => None,
        (None, _) => mine.iter().max_by_key(|item| number(kind, item)).copied(),
    }
}

fn revision(kind: Kind, item: &Value) -> Result<Revision, Fault> {
    let template = template(kind, item);
    let images: Vec<&str> = template
        .pointer("/spec/containers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|container| text(container, "/image"))
        .collect();
    let images = images.join(",");
    let name = text(item, "/metadata/name");
    let hash = match kind {
        Kind::Deployment => text(item, "/metadata/labels/pod-template-hash"),
        Kind::Rollout => text(item, "/metadata/labels/rollouts-pod-template-hash"),
        // its pods carry the revision's whole name
        Kind::StatefulSet => name,
        _ => text(item, "/metadata/labels/controller-revision-hash"),
    };
    let count = |pointer| item.pointer(pointer).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
    Ok(Revision {
        number: number(kind, item),
        name: name.into(),
        hash: hash.into(),
        created: Stamp::parse(text(item, "/metadata/creationTimestamp")).unwrap_or_default(),
        cause: text(item, "/metadata/annotations/kubernetes.io~1change-cause").into(),
        images: images.into(),
        replicas: sets(kind).then(|| {
            let of = |pointer| count(pointer).unwrap_or_default();
            (of("/spec/replicas"), of("/status/replicas"), of("/status/readyReplicas"))
        }),
        template: yaml::text(template)?.into(),
        current: false,
    })
}

fn number(kind: Kind, item: &Value) -> i64 {
    let annotation = match kind {
        Kind::Deployment => "/metadata/annotations/deployment.kubernetes.io~1revision",
        Kind::Rollout => "/metadata/annotations/rollout.argoproj.io~1revision",
        _ => return item.get("revision").and_then(Value::as_i64).unwrap_or_default(),
    };
    text(item, annotation).parse().unwrap_or_default()
}

/// Its revisions are ReplicaSets.
const fn sets(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::Rollout)
}

fn template(kind: Kind, item: &Value) -> Value {
    let pointer = if sets(kind) { "/spec/template" } else { "/data/spec/template" };
    bare(item.pointer(pointer).cloned().unwrap_or_default())
}

/// The template as its author knows it: no revision label, no patch directive, no empty time.
fn bare(mut template: Value) -> Value {
    if let Some(fields) = template.as_object_mut() {
        fields.shift_remove("$patch");
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.get("creationTimestamp").is_some_and(Value::is_null) {
            metadata.shift_remove("creationTimestamp");
        }
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.shift_remove(TEMPLATE_HASH);
            labels.shift_remove(ROLLOUT_HASH);
        }
    }
    template
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::TargetId;

    fn key(kind: Kind) -> Key {
        Key { target: TargetId(0), kind, namespace: "shop".into(), name: "web".into(), uid: "u1".into() }
    }

    fn template(image: &str) -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}})
    }

    fn replica_set(name: &str, revision: &str, image: &str, created: &str, owner: &str) -> Value {
        let mut template = template(image);
        template["metadata"]["labels"][TEMPLATE_HASH] = json!(name);
        template["metadata"]["creationTimestamp"] = Value::Null;
        json!({
            "metadata": {
                "name": name, "creationTimestamp": created, "labels": {TEMPLATE_HASH: name},
                "annotations": {"deployment.kubernetes.io/revision": revision, "kubernetes.io/change-cause": "why"},
                "ownerReferences": [{"uid": owner, "controller": true}],
            },
            "spec": {"replicas": 2, "template": template},
            "status": {"replicas": 2, "readyReplicas": 1},
        })
    }

    #[test]
    fn replica_sets_are_numbered_and_the_oldest_equal_one_is_current() {
        let deployment = json!({"metadata": {"uid": "u1"}, "spec": {"template": template("web:1")}});
        let items = [
            replica_set("old", "3", "web:1", "2026-01-01T00:00:00Z", "u1"),
            replica_set("twin", "1", "web:1", "2026-01-03T00:00:00Z", "u1"),
            replica_set("ten", "10", "web:2", "2026-01-02T00:00:00Z", "u1"),
            replica_set("other", "9", "web:1", "2025-01-02T00:00:00Z", "u2"),
        ];
        let got = revisions(&key(Kind::Deployment), &deployment, &items).expect("revisions");
        let seen: Vec<_> = got.list.iter().map(|r| (&*r.name, r.number, r.current)).collect();
        assert_eq!(seen, [("ten", 10, false), ("old", 3, true), ("twin", 1, false)]);
        let old = &got.list[1];
        assert_eq!((&*old.hash, &*old.images, &*old.cause, old.replicas), ("old", "web:1", "why", Some((2, 2, 1))));
        assert!(!old.template.contains(TEMPLATE_HASH) && old.template.contains("app: web"), "{}", old.template);
    }

    #[test]
    fn a_rollouts_current_revision_is_the_one_its_controller_names() {
        let set = |hash: &str, revision: &str| {
            let mut item = replica_set(hash, "7", "web:1", "2026-01-01T00:00:00Z", "u1");
            item["metadata"]["annotations"] = json!({"rollout.argoproj.io/revision": revision});
            item["metadata"]["labels"] = json!({ROLLOUT_HASH: hash});
            item["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", ROLLOUT_HASH: hash});
            item
        };
        let rollout = json!({"metadata": {"uid": "u1"}, "status": {"currentPodHash": "b"}});
        let got = revisions(&key(Kind::Rollout), &rollout, &[set("a", "1"), set("b", "2")]).expect("revisions");
        let seen: Vec<_> = got.list.iter().map(|r| (&*r.hash, r.number, r.current)).collect();
        assert_eq!(seen, [("b", 2, true), ("a", 1, false)]);
        assert!(!got.list[0].template.contains(ROLLOUT_HASH), "{}", got.list[0].template);
    }

    fn controller_revision(name: &str, revision: i64, image: &str) -> Value {
        let mut template = template(image);
        template["$patch"] = json!("replace");
        json!({
            "metadata": {"name": name, "labels": {"controller-revision-hash": "abc"},
                         "ownerReferences": [{"uid": "u1", "controller": true}]},
            "revision": revision,
            "data": {"spec": {"template": template}},
        })
    }

    #[test]
    fn controller_revisions_are_current_by_name_or_by_template() {
        let items = [controller_revision("web-1", 1, "web:1"), controller_revision("web-2", 2, "web:2")];
        let set = json!({"metadata": {"uid": "u1"}, "spec": {"template": template("web:1")},
                         "status": {"updateRevision": "web-2"}});
        let got = revisions(&key(Kind::StatefulSet), &set, &items).expect("revisions");
        let seen: Vec<_> = got.list.iter().map(|r| (&*r.hash, r.number, r.current, r.replicas)).collect();
        assert_eq!(seen, [("web-2", 2, true, None), ("web-1", 1, false, None)]);
        let got = revisions(&key(Kind::DaemonSet), &set, &items).expect("revisions");
        let seen: Vec<_> = got.list.iter().map(|r| (&*r.hash, r.number, r.current)).collect();
        assert_eq!(seen, [("abc", 2, false), ("abc", 1, true)]);
        assert!(!got.list[0].template.contains("$patch"));
    }
}
