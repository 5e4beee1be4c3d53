//! The life of a simulated pod.

use std::sync::Arc;
use std::time::Duration;

use super::{Cluster, Rev};
use crate::backend::demo::script::Run;
use crate::backend::demo::spec::{LoadKind, Outcome};
use crate::model::{Key, Kind, Stamp, Termination};

/// Time between the start of a container and its end, for those that do not last.
const CRASH: Duration = Duration::from_secs(7);
pub(super) const OOM: Duration = Duration::from_secs(55);
/// Longest back-off of the simulated kubelet, shorter than the real one's 5 minutes.
const LONGEST: u64 = 80;

/// A pod.
pub(super) struct PodSim {
    pub key: Key,
    pub load: usize,
    pub hash: Arc<str>,
    pub image: Arc<str>,
    pub outcome: Outcome,
    pub ordinal: u32,
    pub node: Arc<str>,
    pub ip: Arc<str>,
    pub created: Stamp,
    pub phase: Phase,
    /// End of the phase.
    pub until: Stamp,
    pub run: Option<Run>,
    pub previous: Option<Run>,
    pub last: Option<Termination>,
    pub restarts: u32,
    pub backoff: u64,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not on a node yet.
    Pending,
    /// Its container is being created.
    Creating,
    /// Its image was not pulled just now.
    PullError,
    /// Its image will be pulled again.
    PullBackOff,
    /// Running, not ready.
    Starting,
    /// Running and ready.
    Ready,
    /// Its container ended and will be started again.
    BackOff,
    /// Going.
    Terminating,
}

impl PodSim {
    /// kubectl's STATUS.
    pub fn status(&self) -> &'static str {
        match self.phase {
            Phase::Pending => "Pending",
            Phase::Creating => "ContainerCreating",
            Phase::PullError => "ErrImagePull",
            Phase::PullBackOff => "ImagePullBackOff",
            Phase::Starting | Phase::Ready => "Running",
            Phase::BackOff => "CrashLoopBackOff",
            Phase::Terminating => "Terminating",
        }
    }

    /// True while its container runs.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Ready)
    }

    fn enter(&mut self, phase: Phase, until: Stamp) {
        self.phase = phase;
        self.until = until;
    }

    fn begin(&mut self, now: Stamp) {
        let instance = self.run.map_or(0, |run| run.instance + 1);
        self.previous = self.run;
        self.run = Some(Run::new(&self.key.uid, instance, now));
    }

    fn end(&mut self, now: Stamp) {
        let oom = self.outcome == Outcome::Oom;
        if let Some(run) = &mut self.run {
            run.ended = Some(now);
        }
        self.last = Some(Termination {
            exit_code: if oom { 137 } else { 1 },
            signal: 0,
            reason: if oom { "OOMKilled" } else { "Error" }.into(),
            message: "".into(),
            finished: Some(now),
        });
    }
}

impl Cluster {
    pub(super) fn new_pod(&mut self, load: usize, rev: &Rev, ordinal: u32, now: Stamp) -> PodSim {
        let owner = &self.loads[load];
        let (kind, namespace) = (owner.spec.kind, owner.key.namespace.clone());
        let base = owner.key.name.clone();
        let name = match kind {
            LoadKind::Deployment => format!("{base}-{}-{}", rev.hash, self.dice.suffix(5)),
            LoadKind::StatefulSet => format!("{base}-{ordinal}"),
            LoadKind::DaemonSet => format!("{base}-{}", self.dice.suffix(5)),
        };
        let key = self.key(Kind::Pod, &namespace, &name);
        let count = self.nodes.len() as u64;
        let node = if kind == LoadKind::DaemonSet { u64::from(ordinal) } else { self.dice.roll() } % count;
        let ip = format!("10.42.{node}.{}", self.dice.between(2, 250));
        PodSim {
            key,
            load,
            hash: rev.hash.clone(),
            image: rev.image.clone(),
            outcome: rev.outcome,
            ordinal,
            node: self.nodes[usize::try_from(node).unwrap_or(0)].clone(),
            ip: ip.into(),
            created: now,
            phase: Phase::Pending,
            until: now.plus(Duration::from_millis(500)),
            run: None,
            previous: None,
            last: None,
            restarts: 0,
            backoff: 10,
        }
    }

    /// Gives a pod that was there before the simulation the past it must have had.
    pub(super) fn settle(&mut self, pod: &mut PodSim, past: Stamp) {
        let load = &self.loads[pod.load];
        let rev_created = load.revisions.iter().find(|rev| rev.hash == pod.hash).map_or(past, |rev| rev.created);
        let oldest = rev_created.max(load.created).min(past);
        let spread = self.dice.between(0, oldest.since(past).as_secs().min(120));
        pod.created = oldest.plus(Duration::from_secs(spread));
        pod.restarts = load.spec.restarts;
        let begun = pod.created.plus(Duration::from_secs(3)).min(past);
        let soon = |seconds: u64| past.plus(Duration::from_secs(seconds));
        match pod.outcome {
            Outcome::Unschedulable => {}
            Outcome::Pull => pod.enter(Phase::PullBackOff, soon(5)),
            Outcome::Crash | Outcome::Oom => {
                pod.begin(past);
                pod.enter(Phase::Starting, past.plus(Duration::from_secs(2)));
                pod.backoff = LONGEST / 2;
            }
            Outcome::Unready => {
                pod.begin(begun);
                pod.enter(Phase::Starting, soon(4));
            }
            _ => {
                pod.begin(begun);
                pod.enter(Phase::Ready, past);
            }
        }
        if let Some(run) = &mut pod.run {
            run.instance = pod.restarts;
        }
    }

    pub(super) fn advance_pods(&mut self, now: Stamp) {
        let mut pods = std::mem::take(&mut self.pods);
        for pod in &mut pods {
            if now >= pod.until {
                self.advance_pod(pod, now);
            }
        }
        pods.retain(|pod| pod.phase != Phase::Terminating || now < pod.until);
        self.pods = pods;
    }

    /// The phase of `pod` is over.
    fn advance_pod(&mut self, pod: &mut PodSim, now: Stamp) {
        let later = |seconds: u64| now.plus(Duration::from_secs(seconds));
        let container = self.loads[pod.load].spec.name.clone();
        match pod.phase {
            Phase::Pending if pod.outcome == Outcome::Unschedulable => {
                let count = self.nodes.len();
                let message = format!("0/{count} nodes are available: {count} Insufficient memory.");
                self.happened(&pod.key, "FailedScheduling", &message, now);
                pod.until = later(20);
            }
            Phase::Pending => {
                let message = format!("Successfully assigned {}/{} to {}", pod.key.namespace, pod.key.name, pod.node);
                self.happened(&pod.key, "Scheduled", &message, now);
                self.happened(&pod.key, "Pulling", &format!("Pulling image \"{}\"", pod.image), now);
                let wait = self.dice.between(2, 4);
                pod.enter(Phase::Creating, later(wait));
            }
            Phase::Creating | Phase::PullBackOff if pod.outcome == Outcome::Pull => self.pull_fails(pod, now),
            Phase::PullError => self.pull_waits(pod, now),
            Phase::Creating | Phase::PullBackOff => {
                self.happened(&pod.key, "Started", &format!("Started container {container}"), now);
                pod.begin(now);
                let wait = self.dice.between(2, 4);
                pod.enter(Phase::Starting, later(wait));
            }
            Phase::Starting if pod.outcome == Outcome::Unready => {
                let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
                self.happened(&pod.key, "Unhealthy", message, now);
                pod.until = later(10);
            }
            Phase::Starting => {
                let end = match pod.outcome {
                    Outcome::Crash => now.plus(CRASH),
                    Outcome::Oom => now.plus(OOM),
                    _ => Stamp(i64::MAX),
                };
                pod.enter(Phase::Ready, end);
            }
            Phase::Ready => self.container_ends(pod, &container, now),
            Phase::BackOff => {
                self.happened(&pod.key, "Started", &format!("Started container {container}"), now);
                pod.restarts += 1;
                pod.begin(now);
                pod.enter(Phase::Starting, later(2));
            }
            Phase::Terminating => {}
        }
    }

    fn pull_fails(&mut self, pod: &mut PodSim, now: Stamp) {
        let message = format!("Failed to pull image \"{}\": not found", pod.image);
        self.happened(&pod.key, "Failed", &message, now);
        pod.enter(Phase::PullError, now.plus(Duration::from_secs(3)));
    }

    fn pull_waits(&mut self, pod: &mut PodSim, now: Stamp) {
        let message = format!("Back-off pulling image \"{}\"", pod.image);
        self.happened(&pod.key, "BackOff", &message, now);
        pod.enter(Phase::PullBackOff, now.plus(Duration::from_secs(pod.backoff)));
        pod.backoff = (pod.backoff * 2).min(LONGEST);
    }

    fn container_ends(&mut self, pod: &mut PodSim, container: &str, now: Stamp) {
        if !matches!(pod.outcome, Outcome::Crash | Outcome::Oom) {
            pod.until = Stamp(i64::MAX);
            return;
        }
        pod.end(now);
        if pod.outcome == Outcome::Oom {
            let message = format!("Memory cgroup out of memory: killed process of container {container}");
            self.happened(&pod.key, "OOMKilling", &message, now);
        }
        let message = format!("Back-off restarting failed container {container} in pod {}", pod.key.name);
        self.happened(&pod.key, "BackOff", &message, now);
        pod.enter(Phase::BackOff, now.plus(Duration::from_secs(pod.backoff)));
        pod.backoff = (pod.backoff * 2).min(LONGEST);
    }

    /// A pod is asked to go.
    pub(super) fn terminate(&mut self, at: usize, now: Stamp) {
        let wait = self.dice.between(2, 4);
        let pod = &mut self.pods[at];
        if pod.phase == Phase::Terminating {
            return;
        }
        if let Some(run) = pod.run.as_mut().filter(|run| run.ended.is_none()) {
            run.ended = Some(now.plus(Duration::from_secs(wait)));
        }
        pod.enter(Phase::Terminating, now.plus(Duration::from_secs(wait)));
        let (key, container) = (pod.key.clone(), self.loads[pod.load].spec.name.clone());
        self.happened(&key, "Killing", &format!("Stopping container {container}"), now);
    }
}
