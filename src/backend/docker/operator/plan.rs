//! Reads a container live and says what an action would do to it.

use std::time::Duration;

use serde_json::Value;

use super::notes::{Around, notes};
use crate::actions::{Action, Change, Diff, Expectation, Goal, Method, Plan, Risk};
use crate::backend::docker::engine::Engine;
use crate::backend::docker::inspect::{Inspect, Summary, nanos};
use crate::backend::docker::rows;
use crate::backend::escape::{self, shell};
use crate::model::{EngineState, Fault, Key, Kind};

/// Time allowed for the state to follow an accepted change.
const SETTLE: Duration = Duration::from_secs(30);

/// The plan of `action`.
///
/// # Errors
/// `Invalid` when the action makes no sense for the container's state, `Gone`, `Conflict` when the
/// name now belongs to another container.
pub async fn plan(engine: &Engine, target: String, action: &Action) -> Result<Plan, Fault> {
    let key = action.key();
    if key.kind != Kind::Container || !action.fits() {
        let what = format!("{} is not something a Docker engine does to a {}", action.verb(), key.kind.word());
        return Err(Fault::Unsupported { what });
    }
    let inspect = find(engine, key).await?;
    possible(action, &inspect)?;
    let around = around(engine, &inspect).await;
    let endpoint = engine.session().await?.endpoint;
    let action = action.with_key(rows::key(key.target, &inspect.id, &inspect.name, inspect.compose("project")));
    Ok(build(target, action, &inspect, &around, &endpoint.cli))
}

/// The container that `key` means: by id, or by name where no id is known.
pub async fn find(engine: &Engine, key: &Key) -> Result<Inspect, Fault> {
    let inspect: Inspect =
        engine.get(&format!("/containers/{}/json", rows::handle(key))).await.map_err(|fault| match fault {
            Fault::Gone { .. } => Fault::Gone { what: format!("container {} is not there (any more)", key.name) },
            other => other,
        })?;
    if !key.uid.is_empty() && *inspect.id != *key.uid {
        return Err(Fault::Conflict { what: format!("{} is another container now", key.name) });
    }
    Ok(inspect)
}

/// Refuses what would do nothing or what the engine would refuse.
fn possible(action: &Action, inspect: &Inspect) -> Result<(), Fault> {
    let name = inspect.short_name();
    let state = inspect.engine_state();
    let refuse = |why: &str| Err(Fault::Invalid { what: format!("{name} {why}") });
    let already = |how: &str| Err(Fault::Already { what: format!("{name} is {how} already") });
    match (action, state) {
        (_, EngineState::Removing) => refuse("is being removed"),
        (Action::Stop { .. }, EngineState::Exited | EngineState::Created | EngineState::Dead) => already("stopped"),
        (Action::Start { .. }, EngineState::Running) => already("running"),
        (Action::Start { .. }, EngineState::Paused) => refuse("is paused: unpause it instead"),
        (Action::Start { .. }, EngineState::Restarting) => refuse("is being restarted by its restart policy"),
        (Action::Pause { .. }, EngineState::Paused) => already("paused"),
        (Action::Pause { .. }, other) if other != EngineState::Running => refuse("is not running: it cannot be paused"),
        (Action::Unpause { .. }, EngineState::Running) => already("unpaused"),
        (Action::Unpause { .. }, other) if other != EngineState::Paused => refuse("is not paused"),
        (Action::Start { .. } | Action::Restart { .. }, EngineState::Dead) => {
            refuse("is half removed: it can only be removed")
        }
        _ => Ok(()),
    }
}

/// Other containers of the same Compose service.
async fn around(engine: &Engine, inspect: &Inspect) -> Around {
    let (project, service) = (inspect.compose("project"), inspect.compose("service"));
    if service.is_empty() {
        return Around::default();
    }
    let filters = serde_json::json!({"label": [
        format!("com.docker.compose.project={project}"), format!("com.docker.compose.service={service}")]});
    let path = format!("/containers/json?all=1&filters={}", escape::url(&filters.to_string()));
    let list: Vec<Summary> = engine.get(&path).await.unwrap_or_default();
    let others: Vec<_> = list.iter().filter(|summary| summary.id != inspect.id).collect();
    Around {
        replicas: others.len(),
        running: others.iter().filter(|other| EngineState::parse(&other.state) == EngineState::Running).count(),
    }
}

fn build(target: String, action: Action, inspect: &Inspect, around: &Around, cli: &[String]) -> Plan {
    let name = inspect.short_name();
    let goal = goal(&action, inspect);
    let key = action.key().clone();
    Plan {
        target,
        title: title(&action, name, inspect),
        diff: diff(&action, inspect),
        notes: notes(&action, inspect, around),
        risk: risk(&action, inspect),
        basis: basis(inspect),
        changes: vec![change(&action, inspect)],
        expect: Expectation { key, within: allowed(&goal, inspect), generation: generation(&action, inspect), goal },
        inverse: inverse(&action, inspect),
        command: command(&action, name, inspect, cli),
        action,
    }
}

/// True when stopping the container removes it as well (`docker run --rm`).
fn vanishes(action: &Action, inspect: &Inspect) -> bool {
    inspect.host_config.auto_remove && matches!(action, Action::Stop { .. })
}

fn title(action: &Action, name: &str, inspect: &Inspect) -> String {
    match action {
        Action::Delete { .. } if inspect.state.running => format!("Remove running container {name}"),
        Action::Delete { .. } => format!("Remove container {name}"),
        Action::Restart { .. } if !inspect.state.running => format!("Restart container {name}, which does not run"),
        Action::Stop { .. } if inspect.host_config.auto_remove => format!("Stop and remove container {name}"),
        Action::Restart { .. } => format!("Restart container {name}"),
        Action::Stop { .. } => format!("Stop container {name}"),
        Action::Start { .. } => format!("Start container {name}"),
        Action::Pause { .. } => format!("Pause container {name}"),
        _ => format!("Unpause container {name}"),
    }
}

fn diff(action: &Action, inspect: &Inspect) -> Vec<Diff> {
    let state = inspect.engine_state().word();
    let mut out = vec![Diff::Same(format!("image: {}", inspect.config.image))];
    let after = match action {
        Action::Restart { .. } => {
            out.push(Diff::Removed(format!("started: {}", inspect.state.started_at)));
            out.push(Diff::Added("started: now".into()));
            "running"
        }
        Action::Start { .. } | Action::Unpause { .. } => "running",
        Action::Pause { .. } => "paused",
        Action::Stop { .. } if inspect.host_config.auto_remove => "removed",
        Action::Stop { .. } => "exited",
        _ => "removed",
    };
    if state == after {
        out.push(Diff::Same(format!("state: {state}")));
    } else {
        out.push(Diff::Removed(format!("state: {state}")));
        out.push(Diff::Added(format!("state: {after}")));
    }
    out
}

fn risk(action: &Action, inspect: &Inspect) -> Risk {
    match action {
        Action::Delete { .. } => Risk::Irreversible,
        _ if vanishes(action, inspect) => Risk::Irreversible,
        Action::Start { .. } | Action::Unpause { .. } => Risk::Reversible,
        _ => Risk::Disruptive,
    }
}

/// What a change is conditional on: id, last start, state, and the engine's count of restarts,
/// which tells a crash loop's own restart from somebody's.
pub fn basis(inspect: &Inspect) -> String {
    format!("{} {} {} {}", inspect.id, inspect.state.started_at, inspect.state.status, inspect.restart_count)
}

fn change(action: &Action, inspect: &Inspect) -> Change {
    let id = &inspect.id;
    let (method, path) = match action {
        Action::Delete { .. } if inspect.engine_state().is_up() => {
            (Method::Delete, format!("/containers/{id}?force=true"))
        }
        Action::Delete { .. } => (Method::Delete, format!("/containers/{id}")),
        other => (Method::Post, format!("/containers/{id}/{}", other.verb())),
    };
    Change { method, path, content_type: String::new(), body: Value::Null }
}

fn goal(action: &Action, inspect: &Inspect) -> Goal {
    match action {
        Action::Delete { .. } => Goal::Gone,
        _ if vanishes(action, inspect) => Goal::Gone,
        Action::Stop { .. } => Goal::Stopped,
        Action::Pause { .. } => Goal::Paused,
        _ => Goal::Running,
    }
}

/// Only runs that began at this time (nanoseconds since 1970) or later count.
pub fn generation(action: &Action, inspect: &Inspect) -> Option<i64> {
    let started = nanos(&inspect.state.started_at);
    match action {
        Action::Restart { .. } | Action::Start { .. } => Some(started + 1),
        Action::Unpause { .. } => Some(started),
        _ => None,
    }
}

/// A health check may take its start period and all its retries.
fn allowed(goal: &Goal, inspect: &Inspect) -> Duration {
    let Some(check) = inspect.config.healthcheck.as_ref().filter(|_| *goal == Goal::Running) else { return SETTLE };
    let or = |given: u64, default: u64| if given == 0 { default } else { given / 1_000_000_000 };
    let retries = if check.retries == 0 { 3 } else { check.retries };
    let worst = check.start_period / 1_000_000_000 + retries * (or(check.interval, 30) + or(check.timeout, 30));
    SETTLE + Duration::from_secs(worst.min(600))
}

fn inverse(action: &Action, inspect: &Inspect) -> Option<Action> {
    let key = action.key().clone();
    match action {
        Action::Stop { .. } if inspect.host_config.auto_remove => None,
        Action::Stop { .. } => Some(Action::Start { key }),
        Action::Start { .. } => Some(Action::Stop { key }),
        Action::Pause { .. } => Some(Action::Unpause { key }),
        Action::Unpause { .. } => Some(Action::Pause { key }),
        _ => None,
    }
}

fn command(action: &Action, name: &str, inspect: &Inspect, cli: &[String]) -> String {
    let verb = match action {
        Action::Delete { .. } if inspect.engine_state().is_up() => "rm -f",
        Action::Delete { .. } => "rm",
        other => other.verb(),
    };
    let mut words = vec!["docker".to_owned()];
    words.extend(cli.iter().map(|word| shell(word)));
    words.extend([verb.to_owned(), shell(name)]);
    words.join(" ")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
