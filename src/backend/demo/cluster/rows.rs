//! A simulated cluster as rows and samples.

use std::sync::Arc;
use std::time::Duration;

use super::pod::{OOM, Phase, PodSim};
use super::{Cluster, Load};
use crate::backend::demo::dice::{hash, wave};
use crate::backend::demo::spec::{Amounts, LoadKind, Outcome};
use crate::model::pod::Resources;
use crate::model::{
    Access, Condition, ContainerState, Deed, Feed, Key, Kind, Pod, PodContainer, Role, Row, Sample, Scope, ServerInfo,
    Severity, Stamp, Usage, Workload,
};

const MIB: f64 = 1_048_576.0;

pub(super) fn resources(amounts: Amounts) -> Resources {
    Resources { cpu: amounts.cpu, memory: amounts.memory.map(|mib| mib * MIB) }
}

fn within(scope: Option<&Scope>, key: &Key) -> bool {
    scope.is_some_and(|scope| scope.as_ref().is_none_or(|namespace| *namespace == key.namespace))
}

impl Cluster {
    pub(super) fn server_info(&self) -> ServerInfo {
        let deeds = [Deed::Scale, Deed::Restart, Deed::Rollback, Deed::Delete];
        ServerInfo {
            access_in: None,
            version: self.version.clone(),
            user: "demo".into(),
            address: "simulated".into(),
            access: deeds.map(|deed| (deed, Access::Allowed)).into(),
            metrics: "simulated".into(),
            facts: vec![("nodes".into(), self.nodes.len().to_string().into())],
        }
    }

    pub(super) fn feed_rows(&self, feed: &Feed) -> Option<Vec<Row>> {
        Some(match feed {
            Feed::Namespaces => self.namespaces.iter().cloned().map(Row::Namespace).collect(),
            Feed::Pods(scope) => {
                let pods = self.pods.iter().filter(|pod| within(Some(scope), &pod.key));
                pods.map(|pod| Row::Pod(Box::new(self.pod_row(pod)))).collect()
            }
            Feed::Workloads(scope) => {
                let loads = self.loads.iter().enumerate().filter(|(_, load)| within(Some(scope), &load.key));
                loads.map(|(index, _)| Row::Workload(Box::new(self.workload_row(index)))).collect()
            }
            Feed::Events(scope) => {
                let events = self.events.iter().filter(|event| within(Some(scope), &event.key));
                events.cloned().map(|event| Row::Event(Box::new(event))).collect()
            }
            // no delivery tool is simulated: every workload's own release is all there is
            Feed::Releases(_) => Vec::new(),
            _ => return None,
        })
    }

    fn pod_row(&self, pod: &PodSim) -> Pod {
        let load = &self.loads[pod.load];
        let sidecar = load.spec.sidecar.as_ref();
        let mut containers = vec![main_container(pod, load)];
        containers.extend(sidecar.map(|(name, image)| sidecar_container(pod, name, image)));
        let ready = containers.iter().filter(|container| container.ready).count();
        let owner = match load.spec.kind {
            LoadKind::Deployment => format!("ReplicaSet/{}-{}", load.key.name, pod.hash),
            LoadKind::StatefulSet => format!("StatefulSet/{}", load.key.name),
            LoadKind::DaemonSet => format!("DaemonSet/{}", load.key.name),
        };
        let (severity, why) = verdict(pod, self.nodes.len());
        let unplaced = pod.phase == Phase::Pending;
        Pod {
            key: pod.key.clone(),
            status: pod.status().into(),
            severity,
            ready: u16::try_from(ready).unwrap_or(0),
            total: u16::try_from(containers.len()).unwrap_or(0),
            restarts: pod.restarts,
            last_restart: pod.last.as_ref().and_then(|last| last.finished).filter(|_| pod.restarts > 0),
            created: pod.created,
            node: if unplaced { "".into() } else { pod.node.clone() },
            ip: if unplaced { "".into() } else { pod.ip.clone() },
            workload: Some((load.key.kind, load.key.name.clone())),
            owner: owner.into(),
            revision: pod.hash.clone(),
            requests: resources(load.spec.requests),
            limits: resources(load.spec.limits),
            containers: containers.into(),
            why: why.into(),
        }
    }

    pub(super) fn workload_row(&self, index: usize) -> Workload {
        let load = &self.loads[index];
        let count = self.count(index);
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let live = load.live();
        let ordered = load.spec.kind == LoadKind::StatefulSet;
        let name = |hash: &str| format!("{}-{hash}", load.key.name);
        let outdated = self.pods.iter().find(|pod| pod.load == index && pod.hash != live.hash);
        Workload {
            key: load.key.clone(),
            created: load.created,
            desired: i32::try_from(load.desired).unwrap_or(i32::MAX),
            current: number(count.total),
            updated: number(count.updated),
            ready: number(count.ready),
            available: number(count.ready),
            generation: (load.generation, load.observed),
            paused: false,
            strategy: "RollingUpdate".into(),
            partition: None,
            revision: match load.spec.kind {
                LoadKind::StatefulSet => name(outdated.map_or(&live.hash, |pod| &pod.hash)).into(),
                _ => live.number.to_string().into(),
            },
            update_revision: if ordered { name(&live.hash).into() } else { "".into() },
            deadline: (load.spec.kind == LoadKind::Deployment).then(|| Duration::from_secs(load.spec.deadline)),
            conditions: conditions(load, count.ready),
            selector: [("app".into(), load.key.name.clone())].into(),
            images: live.image.clone(),
            cause: live.cause.clone(),
            manager: load.spec.manager.as_str().into(),
        }
    }

    pub(super) fn feed_samples(&self, feed: &Feed, now: Stamp) -> Vec<Sample> {
        let running = self.pods.iter().filter(|pod| pod.is_running());
        match feed {
            Feed::Usage(scope) => {
                running.filter(|pod| within(Some(scope), &pod.key)).map(|pod| self.sample(pod, now, false)).collect()
            }
            Feed::UsageOf(key) => {
                running.filter(|pod| pod.key == *key).map(|pod| self.sample(pod, now, true)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn sample(&self, pod: &PodSim, now: Stamp, detailed: bool) -> Sample {
        let spec = &self.loads[pod.load].spec;
        let run = pod.run.map_or(now, |run| run.started);
        let climb = (pod.outcome == Outcome::Oom)
            .then(|| run.since(now).as_secs_f64() / (OOM + Duration::from_secs(2)).as_secs_f64());
        let mut main = usage(&pod.key.uid, spec.usage, now, detailed);
        if let (Some(climb), Some(limit)) = (climb, spec.limits.memory) {
            main.memory = Some(narrow((0.3 + 0.7 * climb).min(1.0) * limit * MIB));
        }
        let mut containers = vec![(Arc::from(spec.name.as_str()), main)];
        let mut sum = main;
        if let Some((name, _)) = &spec.sidecar {
            let amounts = Amounts { cpu: Some(0.008), memory: Some(42.0) };
            let side = usage(&format!("{}/{name}", pod.key.uid), amounts, now, false);
            sum.cpu = add(sum.cpu, side.cpu);
            sum.memory = add(sum.memory, side.memory);
            containers.push((name.as_str().into(), side));
        }
        Sample { key: pod.key.clone(), at: now, usage: sum, containers: containers.into() }
    }
}

fn add(one: Option<f32>, other: Option<f32>) -> Option<f32> {
    Some(one? + other?)
}

#[expect(clippy::cast_possible_truncation, reason = "usage is told in single precision")]
pub(in crate::backend::demo) fn narrow(value: f64) -> f32 {
    value as f32
}

/// Plausible usage around `amounts` of the thing `id` at `now`.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
pub(in crate::backend::demo) fn usage(id: &str, amounts: Amounts, now: Stamp, detailed: bool) -> Usage {
    let seconds = now.0 as f64 / 1000.0;
    let curve = |what: &str, depth: f64| (1.0 + depth * wave(hash(7, &format!("{id}/{what}")), seconds)).max(0.02);
    let io = |what: &str, scale: f64| detailed.then(|| narrow(amounts.cpu.unwrap_or(0.01) * scale * curve(what, 0.8)));
    Usage {
        cpu: amounts.cpu.map(|cpu| narrow(cpu * curve("cpu", 0.55))),
        memory: amounts.memory.map(|mib| narrow(mib * MIB * curve("memory", 0.12))),
        rx: io("rx", 900_000.0),
        tx: io("tx", 1_400_000.0),
        read: io("read", 40_000.0),
        write: io("write", 120_000.0),
        pids: detailed.then_some(14.0),
    }
}

fn main_container(pod: &PodSim, load: &Load) -> PodContainer {
    let waiting = |message: String| ContainerState::Waiting { reason: pod.status().into(), message: message.into() };
    let state = match pod.phase {
        Phase::Pending => ContainerState::Unknown,
        Phase::Creating => waiting(String::new()),
        Phase::PullError => waiting(format!("failed to pull \"{}\": not found", pod.image)),
        Phase::PullBackOff => waiting(format!("Back-off pulling image \"{}\"", pod.image)),
        Phase::BackOff => waiting(format!("back-off restarting failed container {}", load.spec.name)),
        Phase::Starting | Phase::Ready | Phase::Terminating => {
            ContainerState::Running { since: pod.run.map(|run| run.started) }
        }
    };
    PodContainer {
        name: load.spec.name.as_str().into(),
        role: Role::Main,
        image: pod.image.clone(),
        state,
        ready: pod.phase == Phase::Ready,
        restarts: pod.restarts,
        last: pod.last.clone(),
        probes: if load.spec.port.is_some() { "LR-" } else { "---" }.into(),
        ports: load.spec.port.map(|port| format!("http:{port}/TCP")).unwrap_or_default().into(),
        requests: resources(load.spec.requests),
        limits: resources(load.spec.limits),
    }
}

fn sidecar_container(pod: &PodSim, name: &str, image: &str) -> PodContainer {
    let up = !matches!(pod.phase, Phase::Pending | Phase::Creating);
    let state = if up {
        ContainerState::Running { since: Some(pod.created.plus(Duration::from_secs(3))) }
    } else {
        ContainerState::Waiting { reason: "ContainerCreating".into(), message: "".into() }
    };
    PodContainer {
        name: name.into(),
        role: Role::Main,
        image: image.into(),
        state,
        ready: up,
        restarts: 0,
        last: None,
        probes: "-R-".into(),
        ports: "".into(),
        requests: Resources::default(),
        limits: Resources::default(),
    }
}

fn verdict(pod: &PodSim, nodes: usize) -> (Severity, String) {
    let calm = |severity| (severity, String::new());
    match pod.phase {
        Phase::Pending if pod.outcome == Outcome::Unschedulable => {
            (Severity::Bad, format!("0/{nodes} nodes are available: {nodes} Insufficient memory."))
        }
        Phase::Pending | Phase::Creating | Phase::Terminating => calm(Severity::Busy),
        Phase::PullError | Phase::PullBackOff => {
            (Severity::Bad, format!("image {} cannot be pulled: not found", pod.image))
        }
        Phase::BackOff => {
            let last = pod
                .last
                .as_ref()
                .map_or_else(String::new, |last| format!("{} (exit code {})", last.reason, last.exit_code));
            (Severity::Bad, format!("container ends again and again: {last}"))
        }
        Phase::Starting if pod.outcome == Outcome::Unready => {
            (Severity::Warn, "readiness probe fails: HTTP status 503".to_owned())
        }
        Phase::Starting => calm(Severity::Busy),
        Phase::Ready if matches!(pod.outcome, Outcome::Crash | Outcome::Oom) && pod.restarts > 0 => {
            let reason = if pod.outcome == Outcome::Oom { "OOMKilled" } else { "Error" };
            (Severity::Warn, format!("restarted {} times, last: {reason}", pod.restarts))
        }
        Phase::Ready => calm(Severity::Good),
    }
}

fn conditions(load: &Load, ready: usize) -> Box<[Condition]> {
    if load.key.kind != Kind::Deployment {
        return Box::default();
    }
    let condition = |kind: &str, good: bool, reason: &str, message: String| Condition {
        kind: kind.into(),
        status: if good { "True" } else { "False" }.into(),
        reason: reason.into(),
        message: message.into(),
        updated: Some(load.progress),
    };
    let desired = load.desired as usize;
    let available = ready >= desired - desired / 4;
    let set = format!("ReplicaSet \"{}-{}\"", load.key.name, load.live().hash);
    let progressing = if load.failed {
        condition("Progressing", false, "ProgressDeadlineExceeded", format!("{set} has timed out progressing."))
    } else if load.complete {
        condition("Progressing", true, "NewReplicaSetAvailable", format!("{set} has successfully progressed."))
    } else {
        condition("Progressing", true, "ReplicaSetUpdated", format!("{set} is progressing."))
    };
    let (reason, message) = if available {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    [condition("Available", available, reason, message.to_owned()), progressing].into()
}
