//! A pod as one compact row: what kubectl's table shows, plus what the panes beside it need.

use std::sync::Arc;

use super::key::{Key, Kind};
use super::severity::Severity;
use super::time::Stamp;

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// Identity.
    pub key: Key,
    /// The STATUS column in kubectl's words (`Running`, `CrashLoopBackOff`, `Init:1/2`, …).
    pub status: Arc<str>,
    /// How much it needs a human.
    pub severity: Severity,
    /// Containers that are ready, as kubectl counts them (main containers and started sidecars).
    pub ready: u16,
    /// Containers that READY counts.
    pub total: u16,
    /// Restarts as kubectl counts them.
    pub restarts: u32,
    /// When the last of them was.
    pub last_restart: Option<Stamp>,
    /// Creation.
    pub created: Stamp,
    /// Node, empty while unscheduled.
    pub node: Arc<str>,
    /// Pod IP, empty while there is none.
    pub ip: Arc<str>,
    /// The controller it belongs to, with ReplicaSets resolved to their Deployment.
    pub workload: Option<(Kind, Arc<str>)>,
    /// Direct owner as `Kind/name`, empty for a bare pod.
    pub owner: Arc<str>,
    /// Revision label (`pod-template-hash` or `controller-revision-hash`), may be empty.
    pub revision: Arc<str>,
    /// Sum of requests as Kubernetes charges them.
    pub requests: Resources,
    /// Sum of limits; a part is `None` unless every main container sets it.
    pub limits: Resources,
    /// Containers in spec order: init and sidecars, main, ephemeral.
    pub containers: Box<[PodContainer]>,
    /// Why it is as it is, one sentence from its conditions and containers; empty when all is well.
    pub why: Box<str>,
}

/// Amounts of CPU and memory; `None` where nothing is set.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resources {
    /// Cores.
    pub cpu: Option<f64>,
    /// Bytes.
    pub memory: Option<f64>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodContainer {
    /// Name.
    pub name: Arc<str>,
    /// Its part in the pod.
    pub role: Role,
    /// Image as written in the spec.
    pub image: Arc<str>,
    /// State now.
    pub state: ContainerState,
    /// Readiness as the kubelet reports it.
    pub ready: bool,
    /// Restarts of this container.
    pub restarts: u32,
    /// How the previous instance ended.
    pub last: Option<Termination>,
    /// Which probes are set, as letters `L`, `R`, `S` with `-` for absent.
    pub probes: Arc<str>,
    /// Ports as `name:8080/TCP`, comma separated.
    pub ports: Arc<str>,
    /// Requests.
    pub requests: Resources,
    /// Limits.
    pub limits: Resources,
}

/// A container's part in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs to completion before the main containers.
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    /// A main container.
    Main,
    /// Added for debugging.
    Ephemeral,
}

impl Role {
    /// Lower-case word for columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Main => "main",
            Self::Ephemeral => "debug",
        }
    }
}

/// State of a container.
#[derive(Debug, Clone, PartialEq)]
pub enum ContainerState {
    /// The kubelet has not said yet.
    Unknown,
    /// Not running, with kubelet's reason and message.
    Waiting { reason: Arc<str>, message: Box<str> },
    /// Running since.
    Running { since: Option<Stamp> },
    /// Ended.
    Terminated(Termination),
}

impl ContainerState {
    /// One word as kubectl describe would say it (`Running`, or the reason).
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Unknown => "Unknown",
            Self::Waiting { reason, .. } if reason.is_empty() => "Waiting",
            Self::Waiting { reason, .. } => reason,
            Self::Running { .. } => "Running",
            Self::Terminated(t) if t.reason.is_empty() => "Terminated",
            Self::Terminated(t) => &t.reason,
        }
    }
}

/// How a container instance ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Termination {
    /// Exit code.
    pub exit_code: i32,
    /// Signal, 0 when none.
    pub signal: i32,
    /// kubelet's reason (`Completed`, `Error`, `OOMKilled`, …).
    pub reason: Arc<str>,
    /// Its message, may be empty.
    pub message: Box<str>,
    /// When it ended.
    pub finished: Option<Stamp>,
}
