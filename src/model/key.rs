//! Identity of an object: what selection, marks and actions hold on to, never a row number.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::target::TargetId;

/// Kinds of objects that a row or an action can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Kubernetes pod.
    Pod,
    /// A Kubernetes Deployment.
    Deployment,
    /// A Kubernetes `StatefulSet`.
    StatefulSet,
    /// A Kubernetes `DaemonSet`.
    DaemonSet,
    /// A Kubernetes Job.
    Job,
    /// A Kubernetes event.
    Event,
    /// A Kubernetes namespace.
    Namespace,
    /// A container of a Docker engine.
    Container,
    /// An Argo Rollouts Rollout.
    Rollout,
    /// A Flagger Canary.
    Canary,
}

impl Kind {
    /// The kind's name as its own tools spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::Event => "Event",
            Self::Namespace => "Namespace",
            Self::Container => "Container",
            Self::Rollout => "Rollout",
            Self::Canary => "Canary",
        }
    }

    /// kubectl's short form, as in `deploy/web`; the engine's containers are `ctr`.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Pod => "po",
            Self::Deployment => "deploy",
            Self::StatefulSet => "sts",
            Self::DaemonSet => "ds",
            Self::Job => "job",
            Self::Event => "ev",
            Self::Namespace => "ns",
            Self::Container => "ctr",
            Self::Rollout => "ro",
            Self::Canary => "canary",
        }
    }

    /// Reads any spelling kubectl takes (`deployment`, `deployments`, `deploy`, `deployments.apps`).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        Some(match lower.split('.').next().unwrap_or_default() {
            "pod" | "pods" | "po" => Self::Pod,
            "deployment" | "deployments" | "deploy" => Self::Deployment,
            "statefulset" | "statefulsets" | "sts" => Self::StatefulSet,
            "daemonset" | "daemonsets" | "ds" => Self::DaemonSet,
            "job" | "jobs" => Self::Job,
            "event" | "events" | "ev" => Self::Event,
            "namespace" | "namespaces" | "ns" => Self::Namespace,
            "container" | "containers" | "ctr" => Self::Container,
            "rollout" | "rollouts" | "ro" => Self::Rollout,
            "canary" | "canaries" => Self::Canary,
            _ => return None,
        })
    }
}

/// One object of one target. Equality and hash follow target, kind and UID only: an object that
/// was deleted and made again under the same name is another object.
#[derive(Debug, Clone)]
pub struct Key {
    /// Where it lives.
    pub target: TargetId,
    /// What it is.
    pub kind: Kind,
    /// Its namespace, or empty (cluster-scoped objects and engine containers).
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Kubernetes UID or full container id.
    pub uid: Arc<str>,
}

impl Key {
    /// `deploy/web` as the command line takes it.
    #[must_use]
    pub fn slug(&self) -> String {
        format!("{}/{}", self.kind.short(), self.name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.kind == other.kind && self.uid == other.uid
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.kind.hash(state);
        self.uid.hash(state);
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    /// By target, kind, namespace, name, then UID: the order lists fall back to.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.target, self.kind, &self.namespace, &self.name, &self.uid).cmp(&(
            other.target,
            other.kind,
            &other.namespace,
            &other.name,
            &other.uid,
        ))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind.word(), self.name)
        } else {
            write!(f, "{} {}/{}", self.kind.word(), self.namespace, self.name)
        }
    }
}
