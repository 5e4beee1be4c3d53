//! What one should know before an action on a container: who else minds it, and what else it takes down.

use crate::actions::{Action, Note};
use crate::backend::docker::inspect::Inspect;
use crate::model::EngineState;

/// Other containers of the same service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around {
    /// How many there are.
    pub replicas: usize,
    /// How many of them run.
    pub running: usize,
}

/// The notes of a plan.
#[must_use]
pub fn notes(action: &Action, inspect: &Inspect, around: &Around) -> Vec<Note> {
    let mut out = Vec::new();
    compose(action, inspect, around, &mut out);
    ports(action, inspect, &mut out);
    stopping(action, inspect, &mut out);
    policy(action, inspect, &mut out);
    removal(action, inspect, &mut out);
    out
}

/// True when the action ends or freezes what runs now.
fn interrupts(action: &Action, inspect: &Inspect) -> bool {
    inspect.state.running
        && matches!(action, Action::Restart { .. } | Action::Stop { .. } | Action::Pause { .. } | Action::Delete { .. })
}

fn compose(action: &Action, inspect: &Inspect, around: &Around, out: &mut Vec<Note>) {
    let (project, service) = (inspect.compose("project"), inspect.compose("service"));
    if service.is_empty() {
        return;
    }
    out.push(Note::Info(format!("belongs to service {service} of Compose project {project}")));
    if interrupts(action, inspect) {
        match around.running {
            0 if around.replicas == 0 => {
                out.push(Note::Warning(format!(
                    "it is the only container of service {service}: the service is interrupted"
                )));
            }
            0 => out.push(Note::Warning(format!("no other container of service {service} is running"))),
            n => out.push(Note::Info(format!("{n} other container(s) of service {service} keep running"))),
        }
    }
    let depends = !inspect.compose("depends_on").is_empty();
    if matches!(action, Action::Restart { .. } | Action::Stop { .. } | Action::Start { .. }) {
        let more = if depends { "; it depends on others, which are not touched" } else { "" };
        out.push(Note::Info(format!(
            "the engine acts on this container alone: Compose's hooks and depends_on are not honoured{more}"
        )));
    }
    if matches!(action, Action::Delete { .. }) {
        out.push(Note::Info("the next `docker compose up` makes it again".into()));
    }
}

fn ports(action: &Action, inspect: &Inspect, out: &mut Vec<Note>) {
    let published = inspect.published();
    if !published.is_empty() && interrupts(action, inspect) {
        out.push(Note::Warning(format!("published ports do not answer meanwhile: {}", published.join(", "))));
    }
}

fn stopping(action: &Action, inspect: &Inspect, out: &mut Vec<Note>) {
    let stops = matches!(action, Action::Restart { .. } | Action::Stop { .. });
    if !stops || !inspect.state.running {
        return;
    }
    let signal = inspect.config.stop_signal.as_deref().filter(|s| !s.is_empty()).unwrap_or("SIGTERM");
    let from =
        if inspect.config.stop_timeout.is_some() { "" } else { " (the engine's default, unless it was changed)" };
    out.push(match inspect.stop_timeout() {
        t if t < 0 => Note::Warning(format!("it gets {signal} and is waited for without limit")),
        t => Note::Info(format!("it gets {signal}, and SIGKILL if it still runs after {t} s{from}")),
    });
    if inspect.engine_state() == EngineState::Paused {
        out.push(Note::Warning("it is paused: it cannot react to a signal and will be killed".into()));
    }
}

fn policy(action: &Action, inspect: &Inspect, out: &mut Vec<Note>) {
    let policy = inspect.host_config.restart_policy.name.as_str();
    match (action, policy) {
        (Action::Stop { .. }, "always") => {
            out.push(Note::Warning("restart policy always: it comes back when the engine restarts".into()));
        }
        (Action::Stop { .. }, "unless-stopped" | "on-failure") => {
            out.push(Note::Info(format!("restart policy {policy}: it stays stopped until somebody starts it")));
        }
        (Action::Restart { .. } | Action::Start { .. }, "always" | "unless-stopped" | "on-failure") => {
            out.push(Note::Info(format!("restart policy {policy}; the engine's restart count begins at 0 again")));
        }
        _ => {}
    }
    if matches!(action, Action::Stop { .. }) && inspect.host_config.auto_remove {
        out.push(Note::Warning(
            "it was run with --rm: stopping it removes it, its writable layer and its anonymous volumes".into(),
        ));
    }
}

fn removal(action: &Action, inspect: &Inspect, out: &mut Vec<Note>) {
    if !matches!(action, Action::Delete { .. }) {
        return;
    }
    if inspect.engine_state().is_up() {
        out.push(Note::Warning("it is running: it is killed at once, without its stop signal".into()));
    }
    out.push(Note::Warning("its writable layer and its log are lost".into()));
    let volumes = inspect.mounts.iter().filter(|mount| mount.kind == "volume");
    let (nameless, named): (Vec<_>, Vec<_>) = volumes.partition(|mount| is_hash(&mount.name));
    if !nameless.is_empty() {
        let what = if inspect.host_config.auto_remove { "removed with it (--rm)" } else { "kept, without an owner" };
        out.push(Note::Info(format!("{} anonymous volume(s) are {what}", nameless.len())));
    }
    if !named.is_empty() {
        let list: Vec<_> = named.iter().map(|mount| mount.name.as_str()).collect();
        out.push(Note::Info(format!("named volumes are kept: {}", list.join(", "))));
    }
}

/// The engine names anonymous volumes by 64 hexadecimal digits.
fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
