//! How much a pod needs a human, and one sentence that says why, from its own status alone.

use super::status::Columns;
use super::wire::{ContainerStatus, RawPod, Terminated, Waiting};
use crate::model::Severity;

/// Reasons for waiting that belong to an ordinary start.
const STARTING: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

/// Severity and sentence; the sentence is empty when all is well.
pub fn judge(pod: &RawPod<'_>, columns: &Columns) -> (Severity, String) {
    let status = &pod.status;
    if pod.metadata.deletion_timestamp.0.is_some() {
        return deleting(pod, columns);
    }
    match &*status.phase {
        "Succeeded" => return (Severity::Done, String::new()),
        "Failed" => return (Severity::Bad, failed(pod)),
        "Unknown" => return (Severity::Bad, "the node of this pod no longer reports".to_owned()),
        _ => {}
    }
    if let Some(scheduled) = status.condition("PodScheduled").filter(|c| &*c.status == "False") {
        let text = joined(&scheduled.reason, &scheduled.message);
        let severity = if &*scheduled.reason == "SchedulingGated" { Severity::Busy } else { Severity::Bad };
        return (severity, text);
    }
    if let Some(verdict) = broken(pod) {
        return verdict;
    }
    if !status.is("Initialized") && !pod.spec.init_containers.is_empty() {
        return (Severity::Busy, initializing(pod));
    }
    unready(pod, columns)
}

fn deleting(pod: &RawPod<'_>, columns: &Columns) -> (Severity, String) {
    let mut text = "being deleted".to_owned();
    if let Some(finalizer) = pod.metadata.finalizers.first() {
        text.push_str(", held by finalizer ");
        text.push_str(finalizer);
    }
    match columns.status.as_str() {
        "Unknown" => (Severity::Bad, "being deleted, but its node no longer reports".to_owned()),
        "Terminating" => (Severity::Busy, text),
        _ => (Severity::Done, text),
    }
}

fn failed(pod: &RawPod<'_>) -> String {
    let status = &pod.status;
    if !status.reason.is_empty() || !status.message.is_empty() {
        return joined(&status.reason, &status.message);
    }
    let inits = status.init_container_statuses.iter().map(|s| ("init ", s));
    let mains = status.container_statuses.iter().map(|s| ("", s));
    for (prefix, container) in inits.chain(mains) {
        if let Some(end) = container.state.terminated.as_ref().filter(|end| !end.succeeded()) {
            return format!("{prefix}{}: {}", &*container.name, ended(end));
        }
    }
    "failed without a reason".to_owned()
}

/// The first container that cannot start or does not stay up.
fn broken(pod: &RawPod<'_>) -> Option<(Severity, String)> {
    let inits = pod.status.init_container_statuses.iter().map(|s| (true, s));
    let mains = pod.status.container_statuses.iter().map(|s| (false, s));
    inits.chain(mains).find_map(|(init, status)| {
        let sentence = trouble(pod, status, init)?;
        let prefix = if init { "init " } else { "" };
        Some((Severity::Bad, format!("{prefix}{}: {sentence}", &*status.name)))
    })
}

fn trouble(pod: &RawPod<'_>, status: &ContainerStatus<'_>, init: bool) -> Option<String> {
    if let Some(wait) = &status.state.waiting {
        if STARTING.contains(&&*wait.reason) {
            return None;
        }
        return Some(waiting(wait, status.last_state.terminated.as_ref()));
    }
    let end = status.state.terminated.as_ref()?;
    let stays = match &*pod.spec.restart_policy {
        "Never" => true,
        "OnFailure" => end.succeeded(),
        _ => false,
    };
    match (end.succeeded(), stays) {
        // an init container that is done, or a main one of a pod that is about to be complete
        (true, true) => None,
        (true, false) if init => None,
        (true, false) => Some("exit 0, restarting".to_owned()),
        (false, true) => Some(ended(end)),
        (false, false) => Some(format!("{}, restarting", ended(end))),
    }
}

fn waiting(wait: &Waiting<'_>, last: Option<&Terminated<'_>>) -> String {
    match last {
        Some(end) if &*wait.reason == "CrashLoopBackOff" => format!("{}, restarting", ended(end)),
        _ => joined(&wait.reason, &wait.message),
    }
}

/// How an instance ended, in words.
fn ended(end: &Terminated<'_>) -> String {
    let code = end.exit_code.unwrap_or_default();
    let mut text = match (&*end.reason, end.signal.unwrap_or_default()) {
        ("OOMKilled", _) => "OOMKilled".to_owned(),
        ("Completed", _) | ("", 0) => format!("exit {code}"),
        ("", signal) => format!("signal {signal}"),
        (reason, _) => format!("exit {code} ({reason})"),
    };
    let message = line(&end.message);
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    text
}

fn initializing(pod: &RawPod<'_>) -> String {
    let total = pod.spec.init_containers.len();
    let undone = |status: &ContainerStatus<'_>| {
        let sidecar = pod.spec.init_containers.iter().any(|c| *c.name == *status.name && c.is_sidecar());
        let up = sidecar && status.started == Some(true);
        !up && !status.state.terminated.as_ref().is_some_and(Terminated::succeeded)
    };
    match pod.status.init_container_statuses.iter().enumerate().find(|(_, status)| undone(status)) {
        Some((index, status)) if status.state.running.is_some() => {
            format!("init {}/{total} {} is running", index + 1, &*status.name)
        }
        Some((index, status)) => format!("init {}/{total} {} has not started", index + 1, &*status.name),
        None => String::new(),
    }
}

/// Nothing is broken: is it as ready as it should be?
fn unready(pod: &RawPod<'_>, columns: &Columns) -> (Severity, String) {
    let status = &pod.status;
    let statuses = || status.init_container_statuses.iter().chain(&status.container_statuses);
    if let Some(container) = statuses().find(|s| s.state.running.is_some() && !s.is_ready() && counts(pod, s)) {
        let name = &*container.name;
        return if container.started == Some(false) {
            (Severity::Busy, format!("{name}: its startup probe has not passed yet"))
        } else {
            (Severity::Warn, format!("{name}: its readiness probe does not pass"))
        };
    }
    if let Some(container) = statuses().find(|s| s.state.waiting.is_some()) {
        let reason = container.state.waiting.as_ref().map(|w| &*w.reason).filter(|r| !r.is_empty());
        return (Severity::Busy, format!("{}: {}", &*container.name, reason.unwrap_or("waiting")));
    }
    for gate in &pod.spec.readiness_gates {
        if !status.is(&gate.condition_type) {
            let said = status.condition(&gate.condition_type).map_or("", |c| line(&c.message));
            let text = joined(&format!("readiness gate {} is not met", &*gate.condition_type), said);
            return (Severity::Warn, text);
        }
    }
    if let Some(resize) = status.condition("PodResizePending") {
        return (Severity::Warn, joined(&format!("resize {}", resize.reason.to_lowercase()), &resize.message));
    }
    match columns.status.as_str() {
        "Running" if status.condition("Ready").is_some_and(|c| &*c.status == "False") => {
            let ready = status.condition("Ready");
            (Severity::Warn, ready.map_or_else(String::new, |c| joined(&c.reason, &c.message)))
        }
        "Running" => (Severity::Good, String::new()),
        "NotReady" => (Severity::Warn, "some containers are done, the rest is not ready".to_owned()),
        _ if columns.ready == columns.total && columns.total > 0 => (Severity::Good, String::new()),
        _ => (Severity::Busy, String::new()),
    }
}

/// True for a container whose readiness the pod's readiness depends on.
fn counts(pod: &RawPod<'_>, status: &ContainerStatus<'_>) -> bool {
    pod.spec.containers.iter().any(|c| *c.name == *status.name)
        || pod.spec.init_containers.iter().any(|c| *c.name == *status.name && c.is_sidecar())
}

fn joined(reason: &str, message: &str) -> String {
    let message = line(message);
    match (reason.is_empty(), message.is_empty()) {
        (_, true) => reason.to_owned(),
        (true, false) => message.to_owned(),
        (false, false) => format!("{reason}: {message}"),
    }
}

/// The first line that says something.
fn line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
