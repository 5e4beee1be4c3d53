//! Objects of a simulated cluster as YAML, and the revisions of a workload.

use serde_json::{Value, json};

use super::pod::Phase;
use super::{Cluster, Load, Rev};
use crate::backend::demo::spec::{Amounts, LoadKind, WorkloadSpec};
use crate::backend::yaml;
use crate::model::{Key, Kind, Revision, Revisions, Stamp};

impl Cluster {
    pub(super) fn yaml_of(&self, key: &Key) -> Option<String> {
        let value = match key.kind {
            Kind::Pod => self.pod_value(key)?,
            Kind::Namespace => {
                let namespace = self.namespaces.iter().find(|namespace| *namespace == key)?;
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": *namespace.name, "uid": *namespace.uid}})
            }
            Kind::Event => {
                let event = self.events.iter().find(|event| event.key == *key)?;
                json!({
                    "apiVersion": "v1", "kind": "Event", "metadata": metadata(key, event.first),
                    "type": if event.warning { "Warning" } else { "Normal" }, "reason": *event.reason,
                    "message": *event.message, "count": event.count, "involvedObject": *event.object,
                })
            }
            _ => self.workload_value(key)?,
        };
        yaml::text(&value).ok()
    }

    fn pod_value(&self, key: &Key) -> Option<Value> {
        let pod = self.pod(key)?;
        let load = &self.loads[pod.load];
        let mut meta = metadata(key, pod.created);
        meta["labels"] = json!({"app": *load.key.name, "pod-template-hash": *pod.hash});
        Some(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"nodeName": *pod.node, "containers": containers(&load.spec, &pod.image), "restartPolicy": "Always"},
            "status": {
                "phase": if pod.phase == Phase::Pending { "Pending" } else { "Running" }, "podIP": *pod.ip,
                "containerStatuses": [{"name": load.spec.name, "ready": pod.phase == Phase::Ready, "restartCount": pod.restarts}],
            },
        }))
    }

    fn workload_value(&self, key: &Key) -> Option<Value> {
        let index = self.loads.iter().position(|load| load.key == *key)?;
        let load = &self.loads[index];
        let row = self.workload_row(index);
        let mut meta = metadata(key, load.created);
        meta["generation"] = json!(load.generation);
        meta["resourceVersion"] = json!(load.version.to_string());
        let mut spec =
            json!({"selector": {"matchLabels": {"app": *key.name}}, "template": template(load, load.live())});
        if load.spec.kind != LoadKind::DaemonSet {
            spec["replicas"] = json!(load.desired);
        }
        let conditions: Vec<Value> = row
            .conditions
            .iter()
            .map(|c| json!({"type": *c.kind, "status": *c.status, "reason": *c.reason, "message": *c.message}))
            .collect();
        Some(json!({
            "apiVersion": "apps/v1", "kind": key.kind.word(), "metadata": meta, "spec": spec,
            "status": {
                "observedGeneration": load.observed, "replicas": row.current, "updatedReplicas": row.updated,
                "readyReplicas": row.ready, "availableReplicas": row.available, "conditions": conditions,
            },
        }))
    }

    pub(super) fn revisions_of(&self, key: &Key) -> Option<Revisions> {
        let index = self.loads.iter().position(|load| load.key == *key)?;
        let load = &self.loads[index];
        let replicas = |rev: &Rev| {
            let pods =
                self.pods.iter().filter(|p| p.load == index && p.hash == rev.hash && p.phase != Phase::Terminating);
            let (total, ready) =
                pods.fold((0, 0), |(total, ready), pod| (total + 1, ready + i32::from(pod.phase == Phase::Ready)));
            (total, total, ready)
        };
        let live = load.live().number;
        let known = load.revisions.iter().filter(|rev| rev.number <= live).rev();
        let list = known.map(|rev| Revision {
            number: rev.number,
            name: format!("{}-{}", key.name, rev.hash).into(),
            hash: rev.hash.clone(),
            created: rev.created,
            cause: rev.cause.clone(),
            images: rev.image.clone(),
            replicas: (load.spec.kind == LoadKind::Deployment).then(|| replicas(rev)),
            template: yaml::text(&template(load, rev)).unwrap_or_default().into(),
            current: rev.number == live,
        });
        Some(Revisions { key: load.key.clone(), list: list.collect() })
    }
}

fn metadata(key: &Key, created: Stamp) -> Value {
    json!({"name": *key.name, "namespace": *key.namespace, "uid": *key.uid, "creationTimestamp": created.rfc3339()})
}

/// The pod template of a revision.
pub(super) fn template(load: &Load, rev: &Rev) -> Value {
    let mut meta = json!({"labels": {"app": *load.key.name}});
    if let Some(restarted) = rev.restarted {
        meta["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": restarted.rfc3339()});
    }
    json!({"metadata": meta, "spec": {"containers": containers(&load.spec, &rev.image)}})
}

fn containers(spec: &WorkloadSpec, image: &str) -> Value {
    let mut main = json!({"name": spec.name, "image": image});
    if let Some(port) = spec.port {
        main["ports"] = json!([{"name": "http", "containerPort": port}]);
        main["readinessProbe"] = json!({"httpGet": {"path": "/ready", "port": "http"}});
    }
    let (requests, limits) = (amounts(spec.requests), amounts(spec.limits));
    if !requests.is_null() || !limits.is_null() {
        main["resources"] = json!({"requests": requests, "limits": limits});
    }
    let mut list = vec![main];
    list.extend(spec.sidecar.iter().map(|(name, image)| json!({"name": name, "image": image})));
    Value::Array(list)
}

fn amounts(amounts: Amounts) -> Value {
    let mut value = Value::Null;
    if let Some(cpu) = amounts.cpu {
        value["cpu"] = json!(format!("{:.0}m", cpu * 1000.0));
    }
    if let Some(memory) = amounts.memory {
        value["memory"] = json!(format!("{memory:.0}Mi"));
    }
    value
}
