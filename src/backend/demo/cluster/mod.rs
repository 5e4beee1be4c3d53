//! A simulated cluster: pods, the controllers that own them, and the events they cause.

mod controller;
mod events;
mod operate;
mod pod;
mod rows;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::script::{Run, Script};
use super::spec::{ClusterSpec, LoadKind, Outcome, RevisionSpec, WorkloadSpec};
use super::stage::{STEP, Sim};
use crate::actions::{Action, Expectation, Observation, Plan, Receipt};
use crate::model::{
    ClusterEvent, Fault, Feed, Key, Kind, LogSource, Revisions, Row, Sample, ServerInfo, Stamp, TargetId,
};

use pod::PodSim;
pub(super) use rows::{narrow, usage};

/// Time that has passed on the cluster when it is opened, so that it has a past.
const PAST: Duration = Duration::from_secs(180);

/// The simulation.
pub struct Cluster {
    target: TargetId,
    name: Arc<str>,
    version: Arc<str>,
    nodes: Vec<Arc<str>>,
    namespaces: Vec<Key>,
    loads: Vec<Load>,
    pods: Vec<PodSim>,
    events: Vec<ClusterEvent>,
    dice: Dice,
    scripts: Arc<BTreeMap<String, Script>>,
}

/// A workload and its controller's mind.
struct Load {
    key: Key,
    spec: WorkloadSpec,
    created: Stamp,
    desired: u32,
    revisions: Vec<Rev>,
    generation: i64,
    observed: i64,
    version: u64,
    /// Last time the rollout came forward.
    progress: Stamp,
    /// Pods of the newest revision and available ones of it when it last did.
    reached: (usize, usize),
    complete: bool,
    failed: bool,
    rollout_at: Option<Stamp>,
    autoscale_at: Option<Stamp>,
}

/// A revision: the last in the list is what the template says.
#[derive(Debug, Clone)]
struct Rev {
    number: i64,
    hash: Arc<str>,
    image: Arc<str>,
    outcome: Outcome,
    cause: Box<str>,
    created: Stamp,
    restarted: Option<Stamp>,
}

impl Cluster {
    /// The cluster of `spec` as it is at `start`.
    pub fn new(
        spec: ClusterSpec,
        target: TargetId,
        seed: u64,
        scripts: Arc<BTreeMap<String, Script>>,
        start: Stamp,
    ) -> Self {
        let mut cluster = Self {
            target,
            name: spec.name.as_str().into(),
            version: spec.version.as_str().into(),
            nodes: spec.nodes.iter().map(|node| node.as_str().into()).collect(),
            namespaces: Vec::new(),
            loads: Vec::new(),
            pods: Vec::new(),
            events: Vec::new(),
            dice: Dice::new(seed),
            scripts,
        };
        let mut names: Vec<&str> =
            spec.workload.iter().map(|load| load.namespace.as_str()).chain(["default"]).collect();
        names.sort_unstable();
        names.dedup();
        cluster.namespaces = names.into_iter().map(|name| cluster.key(Kind::Namespace, "", name)).collect();
        let past = Stamp(start.0 - i64::try_from(PAST.as_millis()).unwrap_or(0));
        for load in spec.workload {
            cluster.add_load(load, start, past);
        }
        let mut now = past;
        while now < start {
            now = now.plus(STEP);
            cluster.advance(now);
        }
        cluster
    }

    fn key(&mut self, kind: Kind, namespace: &str, name: &str) -> Key {
        Key { target: self.target, kind, namespace: namespace.into(), name: name.into(), uid: self.dice.uid().into() }
    }

    fn add_load(&mut self, spec: WorkloadSpec, start: Stamp, past: Stamp) {
        let kind = match spec.kind {
            LoadKind::Deployment => Kind::Deployment,
            LoadKind::StatefulSet => Kind::StatefulSet,
            LoadKind::DaemonSet => Kind::DaemonSet,
        };
        let key = self.key(kind, &spec.namespace, &spec.name);
        let before = |age: Duration| Stamp(start.0 - i64::try_from(age.as_millis()).unwrap_or(0));
        let mut revisions: Vec<Rev> = Vec::new();
        for (number, revision) in (1..).zip(&spec.revision) {
            revisions.push(self.revision(number, revision, before(revision.age)));
        }
        let rollout_at = spec
            .revision
            .last()
            .and_then(|r| r.rollout)
            .map(|seconds| Stamp(start.0.saturating_add(seconds.saturating_mul(1000))));
        let current = revisions[revisions.len() - if rollout_at.is_some() { 2 } else { 1 }].clone();
        let desired = match spec.kind {
            LoadKind::DaemonSet => u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
            _ => spec.replicas,
        };
        let generation = i64::try_from(revisions.len()).unwrap_or(1);
        let index = self.loads.len();
        self.loads.push(Load {
            created: before(spec.age),
            desired,
            revisions,
            generation,
            observed: generation,
            version: self.dice.between(10_000, 90_000),
            progress: past,
            reached: (0, 0),
            complete: true,
            failed: false,
            rollout_at,
            autoscale_at: None,
            key,
            spec,
        });
        for ordinal in 0..desired {
            let mut pod = self.new_pod(index, &current, ordinal, past);
            self.settle(&mut pod, past);
            self.pods.push(pod);
        }
    }

    fn revision(&mut self, number: i64, spec: &RevisionSpec, created: Stamp) -> Rev {
        Rev {
            number,
            hash: self.dice.suffix(10).into(),
            image: spec.image.as_str().into(),
            outcome: spec.outcome,
            cause: spec.cause.as_str().into(),
            created,
            restarted: None,
        }
    }

    fn advance(&mut self, now: Stamp) {
        self.advance_pods(now);
        for index in 0..self.loads.len() {
            self.control(index, now);
        }
        self.prune_events(now);
    }

    fn load(&self, key: &Key) -> Option<&Load> {
        self.loads.iter().find(|load| load.key == *key)
    }

    fn pod(&self, key: &Key) -> Option<&PodSim> {
        self.pods.iter().find(|pod| pod.key == *key)
    }
}

impl Sim for Cluster {
    fn step(&mut self, now: Stamp) {
        self.advance(now);
    }

    fn server(&self) -> ServerInfo {
        self.server_info()
    }

    fn rows(&self, feed: &Feed) -> Option<Vec<Row>> {
        self.feed_rows(feed)
    }

    fn samples(&self, feed: &Feed, now: Stamp) -> Vec<Sample> {
        self.feed_samples(feed, now)
    }

    fn log(&self, source: &LogSource) -> Result<(Run, &Script), Fault> {
        let name = &source.key.name;
        let pod = self.pod(&source.key).ok_or_else(|| Fault::Gone { what: source.key.to_string() })?;
        let load = &self.loads[pod.load];
        let sidecar = load.spec.sidecar.as_ref().is_some_and(|(sidecar, _)| **sidecar == *source.container);
        if !sidecar && !source.container.is_empty() && *source.container != *load.spec.name {
            return Err(Fault::Invalid { what: format!("container {} is not valid for pod {name}", source.container) });
        }
        let run = if source.previous { pod.previous } else { pod.run };
        let run = run.ok_or_else(|| {
            let container = if source.container.is_empty() { &*load.spec.name } else { &*source.container };
            let what = if source.previous {
                format!("previous terminated container \"{container}\" in pod \"{name}\" not found")
            } else {
                format!("container \"{container}\" in pod \"{name}\" is waiting to start: {}", pod.status())
            };
            Fault::Invalid { what }
        })?;
        let script = self.scripts.get(if sidecar { &*source.container } else { load.spec.log.as_str() });
        let script = script.or_else(|| self.scripts.get(&load.spec.log));
        script.map(|script| (run, script)).ok_or_else(|| Fault::Gone { what: format!("log of {name}") })
    }

    fn object(&self, key: &Key) -> Option<String> {
        self.yaml_of(key)
    }

    fn revisions(&self, key: &Key) -> Option<Revisions> {
        self.revisions_of(key)
    }

    fn named(&self, key: &Key) -> Option<Key> {
        let fits = |other: &&Key| (other.kind, &other.namespace, &other.name) == (key.kind, &key.namespace, &key.name);
        let loads = self.loads.iter().map(|load| &load.key);
        loads.chain(self.pods.iter().map(|pod| &pod.key)).find(fits).cloned()
    }

    fn plan(&self, action: &Action) -> Result<Plan, Fault> {
        self.plan_for(action)
    }

    fn apply(&mut self, plan: &Plan, now: Stamp) -> Result<Receipt, Fault> {
        self.apply_plan(plan, now)
    }

    fn observe(&self, expect: &Expectation) -> Observation {
        self.observed(expect)
    }
}
