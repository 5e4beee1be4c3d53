//! Finding rows by what their objects refer to each other with: names, not UIDs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Key, Kind, Pod, TargetId};

/// What Kubernetes refers to an object with.
type Name = (TargetId, Kind, Arc<str>, Arc<str>);

/// Slots of pods and workloads by name, and of pods by the workload that they belong to.
///
/// Slots may be out of date: who looks one up compares what is in it.
#[derive(Debug, Default)]
pub struct Names {
    named: HashMap<Name, u32>,
    owned: HashMap<Name, BTreeSet<u32>>,
    /// Entries of `owned`, the outdated ones included.
    entries: usize,
}

fn name(key: &Key) -> Name {
    (key.target, key.kind, key.namespace.clone(), key.name.clone())
}

fn owner(pod: &Pod) -> Option<Name> {
    let (kind, name) = pod.workload.as_ref()?;
    Some((pod.key.target, *kind, pod.key.namespace.clone(), name.clone()))
}

impl Names {
    /// The slot of the object of this name.
    #[must_use]
    pub fn slot(&self, target: TargetId, kind: Kind, namespace: &Arc<str>, name: &Arc<str>) -> Option<u32> {
        self.named.get(&(target, kind, namespace.clone(), name.clone())).copied()
    }

    /// Slots of the pods that may belong to `workload`.
    pub fn pods_of(&self, workload: &Key) -> impl Iterator<Item = u32> + use<'_> {
        self.owned.get(&name(workload)).into_iter().flatten().copied()
    }

    /// This object is in `slot`.
    pub fn insert(&mut self, key: &Key, slot: u32) {
        self.named.insert(name(key), slot);
    }

    /// This pod is in `slot`.
    pub fn own(&mut self, pod: &Pod, slot: u32) {
        if let Some(owner) = owner(pod) {
            self.entries += usize::from(self.owned.entry(owner).or_default().insert(slot));
        }
    }

    /// No object of this name is left.
    pub fn remove(&mut self, key: &Key) {
        self.named.remove(&name(key));
    }

    /// Sweeps outdated owners when they are as many as the others.
    pub fn sweep<'a>(&mut self, len: usize, pods: impl Iterator<Item = (u32, &'a Pod)>) {
        if self.entries > 2 * len + 1024 {
            self.owned.clear();
            self.entries = 0;
            for (slot, pod) in pods {
                self.own(pod, slot);
            }
        }
    }
}
