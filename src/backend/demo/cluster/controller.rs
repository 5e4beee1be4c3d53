//! The controllers of a simulated cluster: they bring what is there nearer to what is wanted, one
//! step at a time, by the rules of the real ones (surge, unavailability, ordinals, one per node).

use std::time::Duration;

use super::Cluster;
use super::pod::Phase;
use crate::backend::demo::spec::LoadKind;
use crate::model::Stamp;

/// Time an autoscaler takes to notice.
const AUTOSCALE: Duration = Duration::from_secs(20);

/// Pods of a workload as its controller counts them; those that are going do not count.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub total: usize,
    pub updated: usize,
    pub ready: usize,
    pub updated_ready: usize,
}

impl Cluster {
    pub(super) fn count(&self, index: usize) -> Count {
        let hash = self.current_hash(index);
        let mut count = Count::default();
        for pod in self.pods.iter().filter(|pod| pod.load == index && pod.phase != Phase::Terminating) {
            let (updated, ready) = (pod.hash == *hash, pod.phase == Phase::Ready);
            count.total += 1;
            count.updated += usize::from(updated);
            count.ready += usize::from(ready);
            count.updated_ready += usize::from(updated && ready);
        }
        count
    }

    /// Hash of the revision that pods are made of now.
    fn current_hash(&self, index: usize) -> &std::sync::Arc<str> {
        &self.loads[index].live().hash
    }

    pub(super) fn control(&mut self, index: usize, now: Stamp) {
        let load = &mut self.loads[index];
        if load.rollout_at.is_some_and(|at| now >= at) {
            load.rollout_at = None;
            load.generation += 1;
            load.begin_rollout(now);
        } else {
            load.observed = load.generation;
        }
        self.autoscale(index, now);
        match self.loads[index].spec.kind {
            LoadKind::Deployment => self.control_deployment(index, now),
            LoadKind::StatefulSet => self.control_ordered(index, now),
            LoadKind::DaemonSet => self.control_daemons(index, now),
        }
        self.judge(index, now);
    }

    fn autoscale(&mut self, index: usize, now: Stamp) {
        let load = &mut self.loads[index];
        let Some((low, high)) = load.spec.hpa else { return };
        let wanted = load.desired.clamp(low, high);
        if wanted == load.desired {
            load.autoscale_at = None;
            return;
        }
        let at = *load.autoscale_at.get_or_insert(now.plus(AUTOSCALE));
        if now >= at {
            load.autoscale_at = None;
            load.desired = wanted;
            load.generation += 1;
            load.version += 1;
            let key = load.key.clone();
            self.happened(
                &key,
                "SuccessfulRescale",
                &format!("New size: {wanted}; reason: bounds of the autoscaler"),
                now,
            );
        }
    }

    /// `RollingUpdate` with the default 25 % surge and unavailability.
    fn control_deployment(&mut self, index: usize, now: Stamp) {
        let load = &self.loads[index];
        let desired = load.desired as usize;
        let count = self.count(index);
        let old = count.total - count.updated;
        let surge = if old > 0 { desired.div_ceil(4) } else { 0 };
        let room = (desired + surge).saturating_sub(count.total).min(desired.saturating_sub(count.updated));
        for _ in 0..room {
            self.create(index, 0, now);
        }
        if count.updated > desired {
            for _ in desired..count.updated {
                self.remove_one(index, true, now);
            }
        }
        let least = desired - desired / 4;
        let removable = count.total.saturating_sub(least + count.updated - count.updated_ready);
        let ready_old = count.ready - count.updated_ready;
        let broken = (old - ready_old).min(removable);
        let spare = count.ready.saturating_sub(least).min(ready_old).min(removable - broken);
        for _ in 0..broken + spare {
            self.remove_one(index, false, now);
        }
    }

    fn control_ordered(&mut self, index: usize, now: Stamp) {
        let desired = self.loads[index].desired;
        let hash = self.current_hash(index).clone();
        let own = |pod: &super::PodSim| pod.load == index;
        for ordinal in 0..desired {
            match self.pods.iter().find(|pod| own(pod) && pod.ordinal == ordinal) {
                None => return self.create(index, ordinal, now),
                Some(pod) if pod.phase != Phase::Ready && pod.hash == hash => return,
                Some(_) => {}
            }
        }
        let surplus = self.pods.iter().enumerate().filter(|(_, pod)| own(pod) && pod.ordinal >= desired);
        let outdated = self.pods.iter().enumerate().filter(|(_, pod)| own(pod) && pod.hash != hash);
        let next = surplus.max_by_key(|(_, pod)| pod.ordinal).or(outdated.max_by_key(|(_, pod)| pod.ordinal));
        if let Some((at, _)) = next {
            self.terminate(at, now);
        }
    }

    fn control_daemons(&mut self, index: usize, now: Stamp) {
        let hash = self.current_hash(index).clone();
        for ordinal in 0..self.loads[index].desired {
            if !self.pods.iter().any(|pod| pod.load == index && pod.ordinal == ordinal) {
                self.create(index, ordinal, now);
            }
        }
        let mine = || self.pods.iter().enumerate().filter(|(_, pod)| pod.load == index);
        let steady = mine().all(|(_, pod)| pod.phase == Phase::Ready || pod.hash != hash);
        let outdated = mine().find(|(_, pod)| pod.hash != hash).map(|(at, _)| at);
        if let Some(at) = outdated.filter(|_| steady) {
            self.terminate(at, now);
        }
    }

    fn create(&mut self, index: usize, ordinal: u32, now: Stamp) {
        let rev = self.loads[index].live().clone();
        let pod = self.new_pod(index, &rev, ordinal, now);
        let owner = self.loads[index].key.clone();
        let (reason, message) = match self.loads[index].spec.kind {
            LoadKind::Deployment => ("ScalingReplicaSet", format!("Scaled up replica set {}-{}", owner.name, rev.hash)),
            _ => ("SuccessfulCreate", format!("create Pod {} successful", pod.key.name)),
        };
        self.happened(&owner, reason, &message, now);
        self.pods.push(pod);
    }

    /// Takes away a pod of the new or of an old revision: unready ones first, then the youngest.
    fn remove_one(&mut self, index: usize, updated: bool, now: Stamp) {
        let hash = self.current_hash(index).clone();
        let candidates =
            self.pods.iter().enumerate().filter(|(_, pod)| {
                pod.load == index && pod.phase != Phase::Terminating && (pod.hash == hash) == updated
            });
        let choice = candidates.min_by_key(|(_, pod)| (pod.phase == Phase::Ready, std::cmp::Reverse(pod.created)));
        if let Some((at, pod)) = choice {
            let message = format!("Scaled down replica set {}-{}", self.loads[index].key.name, pod.hash);
            let owner = self.loads[index].key.clone();
            self.terminate(at, now);
            self.happened(&owner, "ScalingReplicaSet", &message, now);
        }
    }

    /// Whether the rollout comes forward, is complete, or has failed.
    fn judge(&mut self, index: usize, now: Stamp) {
        let count = self.count(index);
        let load = &mut self.loads[index];
        let desired = load.desired as usize;
        let reached = (count.updated, count.updated_ready);
        let complete = count.updated_ready == desired && count.total == desired;
        if complete && !load.complete || !complete && reached > load.reached {
            load.progress = now;
            load.failed = false;
        }
        load.complete |= complete;
        load.reached = reached.max(if load.complete { reached } else { load.reached });
        let late = load.progress.since(now) >= Duration::from_secs(load.spec.deadline);
        if load.spec.kind == LoadKind::Deployment && !load.complete && !load.failed && late {
            load.failed = true;
            let (key, hash) = (load.key.clone(), load.live().hash.clone());
            let message = format!("ReplicaSet \"{}-{hash}\" has timed out progressing.", key.name);
            self.happened(&key, "ProgressDeadlineExceeded", &message, now);
        }
    }
}

impl super::Load {
    /// The revision that pods are made of: the last, unless its rollout lies ahead.
    pub(super) fn live(&self) -> &super::Rev {
        let back = if self.rollout_at.is_some() { 2 } else { 1 };
        &self.revisions[self.revisions.len() - back]
    }

    /// The template has changed.
    pub(super) fn begin_rollout(&mut self, now: Stamp) {
        self.version += 1;
        self.progress = now;
        self.reached = (0, 0);
        self.complete = false;
        self.failed = false;
    }
}
