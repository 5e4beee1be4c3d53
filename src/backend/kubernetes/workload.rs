//! Deployments, StatefulSets and DaemonSets as rows.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::intern::Interner;
use super::watch::Project;
use super::wire::{Meta, Text, Time, or_default};
use crate::model::{Condition, Fault, Key, Kind, Row, TargetId, Workload};

/// Makes rows of one kind of workload.
pub struct Workloads {
    target: TargetId,
    kind: Kind,
    strings: Interner,
}

impl Workloads {
    /// For rows of `target`; `kind` is one of the three.
    #[must_use]
    pub fn new(target: TargetId, kind: Kind) -> Self {
        Self { target, kind, strings: Interner::default() }
    }

    /// The row of `raw`.
    pub fn workload(&mut self, raw: &RawWorkload<'_>) -> Workload {
        let (meta, spec, status) = (&raw.metadata, &raw.spec, &raw.status);
        let daemon = self.kind == Kind::DaemonSet;
        let pick =
            |set: Option<i32>, daemon_set: Option<i32>| if daemon { daemon_set } else { set }.unwrap_or_default();
        let ready = pick(status.ready_replicas, status.number_ready);
        let strategy = if spec.strategy.kind.is_empty() { &spec.update_strategy } else { &spec.strategy };
        let revision = match self.kind {
            Kind::StatefulSet => &status.current_revision,
            Kind::DaemonSet => &meta.annotations.template_generation,
            _ => &meta.annotations.revision,
        };
        Workload {
            key: self.key(meta),
            created: meta.created(),
            desired: if daemon {
                status.desired_number_scheduled.unwrap_or_default()
            } else {
                spec.replicas.unwrap_or(1)
            },
            current: pick(status.replicas, status.current_number_scheduled),
            updated: pick(status.updated_replicas, status.updated_number_scheduled),
            ready,
            available: match self.kind {
                // servers before 1.22 do not count it
                Kind::StatefulSet => status.available_replicas.unwrap_or(ready),
                _ => pick(status.available_replicas, status.number_available),
            },
            generation: (meta.generation.unwrap_or_default(), status.observed_generation.unwrap_or_default()),
            paused: spec.paused == Some(true),
            strategy: self.strings.get(match &*strategy.kind {
                // the server's default
                "" => "RollingUpdate",
                set => set,
            }),
            partition: strategy
                .rolling_update
                .as_ref()
                .filter(|_| self.kind == Kind::StatefulSet)
                .map(|rolling| rolling.partition.unwrap_or_default()),
            revision: self.strings.get(revision),
            update_revision: self.strings.get(&status.update_revision),
            deadline: spec
                .progress_deadline_seconds
                .filter(|_| self.kind == Kind::Deployment)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
            conditions: status.conditions.iter().map(|raw| self.condition(raw)).collect(),
            selector: spec
                .selector
                .match_labels
                .iter()
                .map(|(name, value)| (self.strings.get(name), self.strings.get(value)))
                .collect(),
            images: self.strings.get(&images(&spec.template)),
            cause: (*meta.annotations.change_cause).into(),
            manager: self.strings.get(&manager(meta)),
        }
    }

    fn condition(&mut self, raw: &RawCondition<'_>) -> Condition {
        Condition {
            kind: self.strings.get(&raw.kind),
            status: self.strings.get(&raw.status),
            reason: self.strings.get(&raw.reason),
            message: (*raw.message).into(),
            updated: raw.last_update_time.0.or(raw.last_transition_time.0),
        }
    }

    fn key(&mut self, meta: &Meta<'_>) -> Key {
        Key {
            target: self.target,
            kind: self.kind,
            namespace: self.strings.get(&meta.namespace),
            name: Arc::from(&*meta.name),
            uid: Arc::from(&*meta.uid),
        }
    }
}

/// What `object`, as the API server sends it, says of the workload `key`: the row that feeds make.
///
/// # Errors
/// `Server` when it is no workload.
pub fn read(key: &Key, object: &Value) -> Result<Workload, Fault> {
    let raw = RawWorkload::deserialize(object);
    let raw = raw.map_err(|e| Fault::Server { what: format!("{key} cannot be read: {e}") })?;
    Ok(Workload { key: key.clone(), ..Workloads::new(key.target, key.kind).workload(&raw) })
}

impl Project for Workloads {
    type Object<'de> = RawWorkload<'de>;

    fn version<'a>(object: &'a RawWorkload<'_>) -> &'a str {
        &object.metadata.resource_version
    }

    fn row(&mut self, object: &RawWorkload<'_>) -> Row {
        Row::Workload(Box::new(self.workload(object)))
    }

    fn gone(&mut self, object: &RawWorkload<'_>) -> Key {
        self.key(&object.metadata)
    }
}

/// Images of the containers of a template, comma separated.
pub fn images(template: &Template<'_>) -> String {
    let images: Vec<&str> = template.spec.containers.iter().map(|container| &*container.image).collect();
    images.join(",")
}

/// Who else manages the object, from the marks that Argo CD, Flux, Helm and operators leave.
fn manager(meta: &Meta<'_>) -> String {
    let (labels, annotations) = (&meta.labels, &meta.annotations);
    if let Some((app, _)) = annotations.argo_tracking.split_once(':') {
        return format!("Argo CD app {app}");
    }
    if !labels.argo_instance.is_empty() {
        return format!("Argo CD app {}", &*labels.argo_instance);
    }
    if !labels.flux_kustomization.is_empty() {
        return format!("Flux Kustomization {}", &*labels.flux_kustomization);
    }
    if !labels.flux_release.is_empty() {
        return format!("Flux HelmRelease {}", &*labels.flux_release);
    }
    if let Some(owner) = meta.controller() {
        return format!("{} {}", &*owner.kind, &*owner.name);
    }
    match (&*annotations.helm_release, &*labels.managed_by) {
        ("", "Helm") => "Helm".to_owned(),
        ("", _) => String::new(),
        (release, _) => format!("Helm release {release}"),
    }
}

/// A workload as the API server sends it: the fields of all three kinds.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct RawWorkload<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    metadata: Meta<'a>,
    #[serde(deserialize_with = "or_default")]
    spec: RawSpec<'a>,
    #[serde(deserialize_with = "or_default")]
    status: RawStatus<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct RawSpec<'a> {
    replicas: Option<i32>,
    paused: Option<bool>,
    progress_deadline_seconds: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    strategy: Strategy<'a>,
    #[serde(deserialize_with = "or_default")]
    update_strategy: Strategy<'a>,
    #[serde(deserialize_with = "or_default")]
    selector: Selector<'a>,
    #[serde(deserialize_with = "or_default")]
    template: Template<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct Strategy<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    rolling_update: Option<Rolling>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct Rolling {
    partition: Option<i32>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct Selector<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    match_labels: IndexMap<String, Text<'a>>,
}

/// A pod template, as far as rows need it.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Template<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    spec: TemplateSpec<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct TemplateSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    containers: Vec<TemplateContainer<'a>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default)]
struct TemplateContainer<'a> {
    #[serde(borrow)]
    image: Text<'a>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct RawStatus<'a> {
    observed_generation: Option<i64>,
    replicas: Option<i32>,
    updated_replicas: Option<i32>,
    ready_replicas: Option<i32>,
    available_replicas: Option<i32>,
    #[serde(borrow)]
    current_revision: Text<'a>,
    update_revision: Text<'a>,
    desired_number_scheduled: Option<i32>,
    current_number_scheduled: Option<i32>,
    updated_number_scheduled: Option<i32>,
    number_ready: Option<i32>,
    number_available: Option<i32>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<RawCondition<'a>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
struct RawCondition<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    status: Text<'a>,
    reason: Text<'a>,
    message: Text<'a>,
    last_update_time: Time,
    last_transition_time: Time,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn facts(row: &Workload) -> Value {
        json!({
            "numbers": [row.desired, row.current, row.updated, row.ready, row.available],
            "severity": format!("{:?}", row.severity()),
            "rollout": row.rollout().text,
            "manager": &*row.manager,
            "images": &*row.images,
            "revision": &*row.revision,
            "cause": &*row.cause,
            "selector": row.selector.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(","),
            "partition": row.partition,
            "deadline": row.deadline.map(|d| d.as_secs()),
        })
    }

    #[test]
    fn every_workload_of_the_folder_reads_as_expected() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes/workloads");
        let mut cases = 0;
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("a readable entry").path();
            let case: Value = serde_json::from_slice(&fs::read(&path).expect("a readable file")).expect("JSON");
            let text = case["object"].to_string();
            let kind = Kind::parse(case["object"]["kind"].as_str().expect("a kind")).expect("a known kind");
            let raw: RawWorkload<'_> = serde_json::from_str(&text).expect("a workload decodes");
            let got = facts(&Workloads::new(TargetId(0), kind).workload(&raw));
            let expect = case["expect"].as_object().expect("an object of expectations");
            assert!(expect.contains_key("rollout"), "{}: states no rollout", path.display());
            for (name, want) in expect {
                assert_eq!(&got[name], want, "{}: {name}", path.display());
            }
            cases += 1;
        }
        assert!(cases >= 8, "only {cases} cases in {}", folder.display());
    }

    #[test]
    fn an_empty_object_decodes() {
        let raw: RawWorkload<'_> = serde_json::from_str("{}").expect("an empty workload decodes");
        assert_eq!(Workloads::new(TargetId(0), Kind::Deployment).workload(&raw).desired, 1);
    }
}
