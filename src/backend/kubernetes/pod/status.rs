//! The READY, STATUS and RESTARTS columns, rule for rule as `printPod` in Kubernetes'
//! `pkg/printers/internalversion/printers.go` computes them.

use super::wire::{ContainerStatus, RawPod, Terminated};
use crate::model::Stamp;

/// What kubectl's columns show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// STATUS.
    pub status: String,
    /// Ready containers.
    pub ready: u16,
    /// Containers that READY counts.
    pub total: u16,
    /// RESTARTS.
    pub restarts: u32,
    /// When the last restart was.
    pub last_restart: Option<Stamp>,
}

impl Columns {
    /// The columns of `pod`.
    pub fn of(pod: &RawPod<'_>) -> Self {
        let sidecars = pod.spec.init_containers.iter().filter(|c| c.is_sidecar()).count();
        let mut columns = Self {
            status: base(pod),
            total: u16::try_from(pod.spec.containers.len() + sidecars).unwrap_or(u16::MAX),
            ..Self::default()
        };
        columns.walk(pod);
        if pod.metadata.deletion_timestamp.0.is_some() {
            if &*pod.status.reason == "NodeLost" {
                "Unknown".clone_into(&mut columns.status);
            } else if !matches!(&*pod.status.phase, "Failed" | "Succeeded") {
                "Terminating".clone_into(&mut columns.status);
            }
        }
        columns
    }

    /// Walks the init containers up to the first that is not done, then the main ones.
    fn walk(&mut self, pod: &RawPod<'_>) {
        let mut restartable = (0, None);
        let mut initializing = false;
        for (index, status) in pod.status.init_container_statuses.iter().enumerate() {
            let sidecar = pod.spec.init_containers.iter().any(|c| *c.name == *status.name && c.is_sidecar());
            self.count(status);
            if sidecar {
                restartable.0 += status.restart_count;
                restartable.1 = restartable.1.max(last_end(status));
            }
            let state = &status.state;
            if state.terminated.as_ref().is_some_and(Terminated::succeeded) {
                continue;
            }
            if sidecar && status.started == Some(true) {
                self.ready += u16::from(status.is_ready());
                continue;
            }
            self.status = match (&state.terminated, &state.waiting) {
                (Some(end), _) => format!("Init:{}", ending(end)),
                (None, Some(wait)) if !wait.reason.is_empty() && &*wait.reason != "PodInitializing" => {
                    format!("Init:{}", &*wait.reason)
                }
                _ => format!("Init:{index}/{}", pod.spec.init_containers.len()),
            };
            initializing = true;
            break;
        }
        if !initializing || pod.status.is("Initialized") {
            (self.restarts, self.last_restart) = restartable;
            self.running(pod);
        }
    }

    /// Walks the main containers, the first one having the last word.
    fn running(&mut self, pod: &RawPod<'_>) {
        let mut has_running = false;
        for status in pod.status.container_statuses.iter().rev() {
            self.count(status);
            let state = &status.state;
            if let Some(wait) = state.waiting.as_ref().filter(|wait| !wait.reason.is_empty()) {
                self.status = wait.reason.to_string();
            } else if let Some(end) = &state.terminated {
                self.status = ending(end);
            } else if status.is_ready() && state.running.is_some() {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.status == "Completed" && has_running {
            let word = if pod.status.is("Ready") { "Running" } else { "NotReady" };
            word.clone_into(&mut self.status);
        }
    }

    fn count(&mut self, status: &ContainerStatus<'_>) {
        self.restarts += status.restart_count;
        self.last_restart = self.last_restart.max(last_end(status));
    }
}

fn last_end(status: &ContainerStatus<'_>) -> Option<Stamp> {
    status.last_state.terminated.as_ref().and_then(|end| end.finished_at.0)
}

fn base(pod: &RawPod<'_>) -> String {
    let gated = pod.status.conditions.iter().any(|c| &*c.kind == "PodScheduled" && &*c.reason == "SchedulingGated");
    if gated {
        "SchedulingGated".to_owned()
    } else if pod.status.reason.is_empty() {
        pod.status.phase.to_string()
    } else {
        pod.status.reason.to_string()
    }
}

fn ending(end: &Terminated<'_>) -> String {
    match end.signal {
        _ if !end.reason.is_empty() => end.reason.to_string(),
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", end.exit_code.unwrap_or_default()),
    }
}
