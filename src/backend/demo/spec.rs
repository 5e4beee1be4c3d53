//! A world's TOML file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::script::Script;
use crate::model::Fault;

/// A world.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSpec {
    /// Everything random follows from it.
    pub seed: u64,
    /// The cluster, if it has one.
    pub kubernetes: Option<ClusterSpec>,
    /// The engine, if it has one.
    pub docker: Option<EngineSpec>,
    /// Scripts of logs by name.
    #[serde(default)]
    pub log: BTreeMap<String, Script>,
}

/// A cluster.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Context name.
    pub name: String,
    /// Version it reports.
    pub version: String,
    /// Namespace that is looked at first.
    pub namespace: Option<String>,
    /// Nodes.
    pub nodes: Vec<String>,
    /// Workloads.
    pub workload: Vec<WorkloadSpec>,
}

/// A workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: LoadKind,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Pods wanted; a `DaemonSet` has one a node.
    #[serde(default = "one")]
    pub replicas: u32,
    /// How old it is.
    #[serde(deserialize_with = "duration")]
    pub age: Duration,
    /// `progressDeadlineSeconds`.
    #[serde(default = "ten_minutes")]
    pub deadline: u64,
    /// Bounds of a `HorizontalPodAutoscaler`.
    pub hpa: Option<(u32, u32)>,
    /// Who else manages it.
    #[serde(default)]
    pub manager: String,
    /// Restarts of its pods so far.
    #[serde(default)]
    pub restarts: u32,
    /// Script of its log.
    pub log: String,
    /// Usual use of a pod.
    pub usage: Amounts,
    /// Requests.
    #[serde(default)]
    pub requests: Amounts,
    /// Limits.
    #[serde(default)]
    pub limits: Amounts,
    /// Port of the main container.
    pub port: Option<u16>,
    /// A second container: name and image. Its log is `[log.NAME]`, or like the main one's.
    pub sidecar: Option<(String, String)>,
    /// Revisions, oldest first; the last is what the template says.
    pub revision: Vec<RevisionSpec>,
}

/// Kinds of workload that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum LoadKind {
    /// Deployment.
    Deployment,
    /// `StatefulSet`.
    StatefulSet,
    /// `DaemonSet`.
    DaemonSet,
}

/// A revision of a workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisionSpec {
    /// Image of the main container.
    pub image: String,
    /// What becomes of its pods.
    #[serde(default)]
    pub outcome: Outcome,
    /// Change cause.
    #[serde(default)]
    pub cause: String,
    /// How old it is.
    #[serde(deserialize_with = "duration")]
    pub age: Duration,
    /// When its rollout begins, in seconds from the start (negative: before). Only for the last one;
    /// without it the rollout is over.
    pub rollout: Option<i64>,
}

/// What becomes of a pod or a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It runs.
    #[default]
    Runs,
    /// It ends with an error again and again.
    Crash,
    /// It is killed for its memory again and again.
    Oom,
    /// Its image cannot be pulled.
    Pull,
    /// No node takes it.
    Unschedulable,
    /// It runs and its check never passes.
    Unready,
    /// It has ended (engine only).
    Exited,
    /// It is frozen (engine only).
    Paused,
}

/// CPU in cores and memory in MiB.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// Cores.
    pub cpu: Option<f64>,
    /// MiB.
    pub memory: Option<f64>,
}

/// An engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineSpec {
    /// Its name.
    pub name: String,
    /// Version it reports.
    pub version: String,
    /// Containers.
    pub container: Vec<ContainerSpec>,
}

/// A container of an engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerSpec {
    /// Name.
    pub name: String,
    /// Compose project, or nothing.
    #[serde(default)]
    pub project: String,
    /// Compose service, or nothing.
    #[serde(default)]
    pub service: String,
    /// Compose number.
    #[serde(default)]
    pub number: u32,
    /// Image.
    pub image: String,
    /// What becomes of it.
    #[serde(default)]
    pub outcome: Outcome,
    /// True when it has a health check.
    #[serde(default)]
    pub check: bool,
    /// Exit code, when it has ended or crashes.
    #[serde(default)]
    pub exit_code: i64,
    /// True when it was killed for its memory.
    #[serde(default)]
    pub oom: bool,
    /// Restart policy.
    #[serde(default)]
    pub restart: String,
    /// Restarts so far.
    #[serde(default)]
    pub restarts: u64,
    /// Published ports.
    #[serde(default)]
    pub ports: String,
    /// How old it is.
    #[serde(deserialize_with = "duration")]
    pub age: Duration,
    /// Script of its log.
    pub log: String,
    /// Usual use.
    pub usage: Amounts,
    /// Limits.
    #[serde(default)]
    pub limits: Amounts,
}

/// Most pods of one workload.
pub const MOST_PODS: u32 = 500;

const fn one() -> u32 {
    1
}

const fn ten_minutes() -> u64 {
    600
}

impl WorldSpec {
    /// Reads a world; `label` says where `text` comes from.
    ///
    /// # Errors
    /// `Config` with line and column, or with the entry that makes no sense.
    pub fn parse(label: &str, text: &str) -> Result<Self, Fault> {
        let spec: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, span.start)).unwrap_or_default();
            Fault::Config { what: format!("{label}: {place}{}", error.message()), way_out: String::new() }
        })?;
        spec.check().map_err(|what| Fault::Config { what: format!("{label}: {what}"), way_out: String::new() })?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        if self.kubernetes.is_none() && self.docker.is_none() {
            return Err("it has neither [kubernetes] nor [docker]".to_owned());
        }
        let script = |owner: &str, name: &str| {
            if self.log.contains_key(name) { Ok(()) } else { Err(format!("{owner}: there is no [log.{name}]")) }
        };
        for (name, log) in &self.log {
            log.check().map_err(|what| format!("[log.{name}]: {what}"))?;
        }
        if let Some(cluster) = &self.kubernetes {
            if cluster.nodes.is_empty() {
                return Err("[kubernetes] needs at least one node".to_owned());
            }
            for load in &cluster.workload {
                load.check()?;
                script(&load.name, &load.log)?;
            }
        }
        for container in self.docker.iter().flat_map(|engine| &engine.container) {
            script(&container.name, &container.log)?;
            if matches!(container.outcome, Outcome::Pull | Outcome::Unschedulable) {
                return Err(format!("container {}: this outcome is for pods only", container.name));
            }
        }
        Ok(())
    }
}

impl WorkloadSpec {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let Some((last, older)) = self.revision.split_last() else {
            return Err(format!("workload {name} needs a [[kubernetes.workload.revision]]"));
        };
        if last.rollout.is_some() && older.is_empty() {
            return Err(format!("workload {name}: a rollout needs a revision to come from"));
        }
        if older.iter().any(|revision| revision.rollout.is_some()) {
            return Err(format!("workload {name}: only the last revision can have a rollout"));
        }
        if self.revision.iter().any(|r| matches!(r.outcome, Outcome::Exited | Outcome::Paused)) {
            return Err(format!("workload {name}: this outcome is for an engine's containers only"));
        }
        if self.hpa.is_some_and(|(low, high)| low > high || high > MOST_PODS) {
            return Err(format!("workload {name}: hpa is [least, most], up to {MOST_PODS}"));
        }
        if self.replicas > MOST_PODS {
            return Err(format!("workload {name}: replicas go up to {MOST_PODS}"));
        }
        Ok(())
    }
}

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: ")
}

/// Reads `90s`, `15m`, `3h`, `12d`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no duration: write 90s, 15m, 3h or 12d")))
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(unit)?.min(20 * 365 * 86_400)))
}
