//! Our picture of reality: every row, sample, log and object that feeds delivered.

pub mod log;
mod names;
mod native;
pub mod order;
pub mod table;
pub mod usage;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    ClusterEvent, Engine, EngineContainer, Fault, Feed, FeedEvent, FeedSpec, Key, Kind, LogSource, Pod, Release,
    Revisions, Row, Sample, ServerInfo, Stamp, TargetId, TargetMeta, Workload,
};

use self::log::LogBuffer;
use self::names::Names;
pub use self::native::release as native_release;
pub use self::table::{Freshness, Keyed, Table};
pub use self::usage::{Series, UsageStore};

impl Keyed for Pod {
    fn key(&self) -> &Key {
        &self.key
    }
}
impl Keyed for Workload {
    fn key(&self) -> &Key {
        &self.key
    }
}
impl Keyed for Release {
    fn key(&self) -> &Key {
        &self.key
    }
    fn comes_from(&self, feed: &Feed) -> bool {
        (self.engine == Engine::Native) == matches!(feed, Feed::Workloads(_))
    }
}
impl Keyed for ClusterEvent {
    fn key(&self) -> &Key {
        &self.key
    }
}
impl Keyed for EngineContainer {
    fn key(&self) -> &Key {
        &self.key
    }
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace(pub Key);

impl Keyed for Namespace {
    fn key(&self) -> &Key {
        &self.0
    }
}

/// One open target and how its connection is.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub meta: TargetMeta,
    /// What it said of itself, once it did.
    pub server: Option<Box<ServerInfo>>,
    /// How fresh the connection is.
    pub link: Freshness,
}

/// Something fetched on demand, with its own freshness.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The last value that came.
    pub value: Option<T>,
    /// The fault since, if any.
    pub fault: Option<Fault>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { value: None, fault: None }
    }
}

/// One log and the state of its stream.
#[derive(Debug, Default)]
pub struct LogState {
    /// The lines.
    pub buffer: LogBuffer,
    /// The fault since the last record, if any.
    pub fault: Option<Fault>,
}

/// Everything known.
#[derive(Debug, Default)]
pub struct World {
    /// Open targets, indexed by their id.
    pub targets: Vec<Target>,
    /// Pods of all targets.
    pub pods: Table<Pod>,
    /// Workloads of all targets.
    pub workloads: Table<Workload>,
    /// Releases of all targets: those of delivery tools, and every workload's own.
    pub releases: Table<Release>,
    /// Events of all targets.
    pub events: Table<ClusterEvent>,
    /// Engine containers of all targets.
    pub containers: Table<EngineContainer>,
    /// Namespaces of all targets.
    pub namespaces: Table<Namespace>,
    /// Usage.
    pub usage: UsageStore,
    /// Faults of usage feeds, by target.
    pub usage_faults: HashMap<TargetId, Fault>,
    /// Logs, by source.
    pub logs: HashMap<LogSource, LogState>,
    /// Full objects as YAML.
    pub objects: HashMap<Key, Fetched<Arc<str>>>,
    /// Revisions of workloads.
    pub revisions: HashMap<Key, Fetched<Box<Revisions>>>,
    names: Names,
}

impl World {
    /// The target with this id.
    #[must_use]
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(usize::from(id.0))
    }

    /// The pod of this name, for sources that do not tell UIDs.
    #[must_use]
    pub fn pod_named(&self, target: TargetId, namespace: &Arc<str>, name: &Arc<str>) -> Option<&Pod> {
        let pod = self.pods.at(self.names.slot(target, Kind::Pod, namespace, name)?)?;
        is_called(&pod.key, target, namespace, name).then_some(pod)
    }

    /// The workload of this name.
    #[must_use]
    pub fn workload_named(
        &self,
        target: TargetId,
        kind: Kind,
        namespace: &Arc<str>,
        name: &Arc<str>,
    ) -> Option<&Workload> {
        let row = self.workloads.at(self.names.slot(target, kind, namespace, name)?)?;
        (row.key.kind == kind && is_called(&row.key, target, namespace, name)).then_some(row)
    }

    /// Pods of a workload, in no order.
    pub fn pods_of<'a>(&'a self, workload: &'a Key) -> impl Iterator<Item = &'a Pod> {
        self.names.pods_of(workload).filter_map(|slot| self.pods.at(slot)).filter(move |pod| {
            pod.key.target == workload.target
                && pod.key.namespace == workload.namespace
                && pod.workload.as_ref().is_some_and(|(kind, name)| *kind == workload.kind && *name == workload.name)
        })
    }

    /// Takes in what a feed delivered.
    pub fn take(&mut self, spec: &FeedSpec, event: FeedEvent, now: Stamp) {
        match event {
            FeedEvent::Server(info) => {
                if let Some(target) = self.targets.get_mut(usize::from(spec.target.0)) {
                    target.server = Some(info);
                    target.link = Freshness::Live;
                }
            }
            FeedEvent::Reset => self.each_table(spec, |table| table.reset(spec)),
            FeedEvent::Staged(rows) => rows.into_iter().for_each(|row| self.upsert(spec, row)),
            FeedEvent::Upsert(row) => self.upsert(spec, row),
            FeedEvent::Synced => {
                let mut gone = Vec::new();
                self.each_table(spec, |table| gone.extend(table.synced(spec)));
                for key in &gone {
                    self.forget_row(key);
                }
            }
            FeedEvent::Remove(key) => {
                self.each_table(spec, |table| table.remove(&key));
                self.forget_row(&key);
            }
            FeedEvent::Samples(samples) => {
                self.usage_faults.remove(&spec.target);
                for sample in samples {
                    self.sample(sample);
                }
            }
            FeedEvent::Log(records) => {
                if let Feed::Log(source) = &spec.feed {
                    let log = self.logs.entry(source.clone()).or_default();
                    log.fault = None;
                    log.buffer.append(records);
                }
            }
            FeedEvent::Object(yaml) => {
                if let Feed::Object(key) = &spec.feed {
                    self.objects.insert(key.clone(), Fetched { value: Some(yaml), fault: None });
                }
            }
            FeedEvent::Revisions(revisions) => {
                if let Feed::Revisions(key) = &spec.feed {
                    self.revisions.insert(key.clone(), Fetched { value: Some(revisions), fault: None });
                }
            }
            FeedEvent::Alive => self.alive(spec),
            FeedEvent::Lost(fault) => self.lost(spec, fault, now),
        }
    }

    /// Forgets what a feed brought that nobody looks at any more.
    pub fn drop_feed(&mut self, spec: &FeedSpec) {
        match &spec.feed {
            Feed::Log(source) => {
                self.logs.remove(source);
            }
            Feed::Object(key) => {
                self.objects.remove(key);
            }
            Feed::Revisions(key) => {
                self.revisions.remove(key);
            }
            _ => self.each_table(spec, |table| table.forget(spec)),
        }
    }

    fn alive(&mut self, spec: &FeedSpec) {
        match &spec.feed {
            Feed::Server => {
                if let Some(target) = self.targets.get_mut(usize::from(spec.target.0))
                    && target.server.is_some()
                {
                    target.link = Freshness::Live;
                }
            }
            // a log that says nothing is followed all the same
            Feed::Log(source) => self.logs.entry(source.clone()).or_default().fault = None,
            _ => self.each_table(spec, |table| table.alive(spec)),
        }
    }

    fn lost(&mut self, spec: &FeedSpec, fault: Fault, now: Stamp) {
        match &spec.feed {
            Feed::Server => {
                if let Some(target) = self.targets.get_mut(usize::from(spec.target.0)) {
                    target.link = match std::mem::take(&mut target.link) {
                        Freshness::Live => Freshness::Stale { since: now, fault },
                        Freshness::Stale { since, .. } => Freshness::Stale { since, fault },
                        _ => Freshness::Failed(fault),
                    };
                }
            }
            Feed::Usage(_) => {
                self.usage_faults.insert(spec.target, fault);
            }
            Feed::UsageOf(_) => {}
            Feed::Log(source) => self.logs.entry(source.clone()).or_default().fault = Some(fault),
            Feed::Object(key) => self.objects.entry(key.clone()).or_default().fault = Some(fault),
            Feed::Revisions(key) => self.revisions.entry(key.clone()).or_default().fault = Some(fault),
            _ => self.each_table(spec, |table| table.lost(spec, fault.clone(), now)),
        }
    }

    fn upsert(&mut self, spec: &FeedSpec, row: Row) {
        match row {
            Row::Pod(row) => {
                let slot = self.pods.upsert(spec, row);
                if let Some(row) = self.pods.at(slot) {
                    self.names.insert(&row.key, slot);
                    self.names.own(row, slot);
                }
                self.names.sweep(self.pods.len(), self.pods.iter());
            }
            Row::Workload(row) => {
                self.releases.upsert(spec, native::release(&row));
                let slot = self.workloads.upsert(spec, row);
                if let Some(row) = self.workloads.at(slot) {
                    self.names.insert(&row.key, slot);
                }
            }
            Row::Release(row) => {
                self.releases.upsert(spec, *row);
            }
            Row::Event(row) => {
                self.events.upsert(spec, row);
            }
            Row::Container(row) => {
                self.containers.upsert(spec, row);
            }
            Row::Namespace(key) => {
                self.namespaces.upsert(spec, Namespace(key));
            }
        }
    }

    fn sample(&mut self, mut sample: Sample) {
        if sample.key.uid.is_empty() {
            let Some(pod) = self.pod_named(sample.key.target, &sample.key.namespace, &sample.key.name) else { return };
            sample.key = pod.key.clone();
        }
        self.usage.take(sample);
    }

    fn forget_row(&mut self, key: &Key) {
        // another of this name may have come already
        let named = match key.kind {
            Kind::Pod => self.pod_named(key.target, &key.namespace, &key.name).is_some(),
            kind => self.workload_named(key.target, kind, &key.namespace, &key.name).is_some(),
        };
        if !named {
            self.names.remove(key);
        }
        if matches!(key.kind, Kind::Pod | Kind::Container) {
            self.usage.remove(key);
        }
    }

    fn each_table(&mut self, spec: &FeedSpec, mut f: impl FnMut(&mut dyn Intake)) {
        match spec.feed {
            Feed::Pods(_) => f(&mut self.pods),
            Feed::Workloads(_) => {
                f(&mut self.workloads);
                f(&mut self.releases);
            }
            Feed::Releases(_) => f(&mut self.releases),
            Feed::Events(_) => f(&mut self.events),
            Feed::Containers => f(&mut self.containers),
            Feed::Namespaces => f(&mut self.namespaces),
            _ => {}
        }
    }
}

fn is_called(key: &Key, target: TargetId, namespace: &Arc<str>, name: &Arc<str>) -> bool {
    key.target == target && key.namespace == *namespace && key.name == *name
}

/// The part of a table that does not depend on its rows' type.
trait Intake {
    fn reset(&mut self, spec: &FeedSpec);
    fn synced(&mut self, spec: &FeedSpec) -> Vec<Key>;
    fn remove(&mut self, key: &Key);
    fn lost(&mut self, spec: &FeedSpec, fault: Fault, now: Stamp);
    fn alive(&mut self, spec: &FeedSpec);
    fn forget(&mut self, spec: &FeedSpec);
}

impl<T: Keyed> Intake for Table<T> {
    fn reset(&mut self, spec: &FeedSpec) {
        self.reset(spec);
    }
    fn synced(&mut self, spec: &FeedSpec) -> Vec<Key> {
        self.synced(spec)
    }
    fn remove(&mut self, key: &Key) {
        self.remove(key);
    }
    fn lost(&mut self, spec: &FeedSpec, fault: Fault, now: Stamp) {
        self.lost(spec, fault, now);
    }
    fn alive(&mut self, spec: &FeedSpec) {
        self.alive(spec);
    }
    fn forget(&mut self, spec: &FeedSpec) {
        self.forget(spec);
    }
}
