//! Watches a container until what a plan promised holds, will not come true, or is overdue.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, pending};
use tokio::time::{Instant, sleep, timeout_at};

use super::plan::find;
use crate::actions::{Expectation, Goal, Observation};
use crate::backend::docker::engine::Engine;
use crate::backend::docker::feed::events;
use crate::backend::docker::inspect::{Event, Inspect, nanos};
use crate::backend::docker::rows::handle;
use crate::backend::emit::Emitter;
use crate::model::{EngineState, Fault};

/// How long a container without a health check must run to count as running.
const STEADY: Duration = Duration::from_secs(3);
/// How often it is looked at without an event.
const LOOK: Duration = Duration::from_secs(1);

/// What a look at the container says.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Waiting(String),
    /// It holds, if it still does after [`STEADY`].
    Steady(String),
    Met(String),
    Contradicted(String),
}

/// Sends what is seen; ends with the verdict.
pub async fn run(engine: &Engine, expect: &Expectation, out: &Emitter<Observation>) {
    let deadline = Instant::now() + expect.within;
    let mut said = String::new();
    let mut steady: Option<Instant> = None;
    let mut watch: Option<BoxStream<'static, Result<Event, Fault>>> = None;
    loop {
        if watch.is_none() {
            watch = events(engine, Some(&handle(&expect.key)), 0).await.ok();
        }
        let look = match find(engine, &expect.key).await {
            Ok(inspect) => judge(expect, Some(&inspect)),
            Err(Fault::Gone { .. }) => judge(expect, None),
            Err(fault) => Look::Waiting(format!("the engine does not answer: {fault}")),
        };
        let text = match look {
            Look::Met(text) => return out.send(Observation::Met(text)).await,
            Look::Contradicted(text) => return out.send(Observation::Contradicted(text)).await,
            Look::Steady(text) if steady.is_some_and(|since| since.elapsed() >= STEADY) => {
                return out.send(Observation::Met(text)).await;
            }
            Look::Steady(text) => {
                steady.get_or_insert_with(Instant::now);
                format!("{text}; waiting whether it stays up")
            }
            Look::Waiting(text) => {
                steady = None;
                text
            }
        };
        if Instant::now() >= deadline {
            return out.send(Observation::Overdue(text)).await;
        }
        if text != said {
            said.clone_from(&text);
            out.send(Observation::Waiting(text)).await;
        }
        let wake = deadline.min(Instant::now() + LOOK);
        let next = async {
            match watch.as_mut() {
                Some(stream) => stream.next().await,
                None => pending().next().await,
            }
        };
        if let Ok(None | Some(Err(_))) = timeout_at(wake, next).await {
            watch = None;
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// What the container's state means for the expectation; `None` when it is gone.
fn judge(expect: &Expectation, inspect: Option<&Inspect>) -> Look {
    let Some(inspect) = inspect else {
        return match expect.goal {
            Goal::Gone => Look::Met("removed".into()),
            Goal::Stopped => Look::Met("stopped and removed".into()),
            _ => Look::Contradicted("the container was removed".into()),
        };
    };
    let state = inspect.engine_state();
    match expect.goal {
        Goal::Gone => Look::Waiting(format!("still there: {}", state.word())),
        Goal::Stopped if !inspect.state.running && state != EngineState::Restarting => {
            Look::Met(format!("stopped, exit code {}", inspect.state.exit_code))
        }
        Goal::Paused if state == EngineState::Paused => Look::Met("paused".into()),
        Goal::Paused if !inspect.state.running => Look::Contradicted(format!("it is {} instead", state.word())),
        Goal::Stopped | Goal::Paused => Look::Waiting(format!("still {}", state.word())),
        _ => running(expect, inspect),
    }
}

fn running(expect: &Expectation, inspect: &Inspect) -> Look {
    let begun = nanos(&inspect.state.started_at) >= expect.generation.unwrap_or(0);
    let state = inspect.engine_state();
    if !begun {
        if !inspect.state.error.is_empty() && state != EngineState::Running {
            return Look::Contradicted(format!("could not start: {}", inspect.state.error));
        }
        return Look::Waiting(format!("not started yet: {}", state.word()));
    }
    match state {
        EngineState::Running => {}
        EngineState::Paused => return Look::Contradicted("it was paused by someone else".into()),
        other => {
            let code = inspect.state.exit_code;
            let error =
                if inspect.state.error.is_empty() { String::new() } else { format!(": {}", inspect.state.error) };
            return Look::Contradicted(format!(
                "it started and ended again: {}, exit code {code}{error}",
                other.word()
            ));
        }
    }
    match inspect.state.health.as_ref().map(|health| health.status.as_str()) {
        Some("healthy") => Look::Met("running and healthy".into()),
        Some("unhealthy") => {
            let probe = inspect.state.health.as_ref().and_then(|health| health.log.last());
            let text = probe.map(|probe| format!(": {}", probe.output.trim())).unwrap_or_default();
            Look::Contradicted(format!("running but unhealthy{text}"))
        }
        Some("starting") => Look::Waiting("health: starting".into()),
        _ => Look::Steady("running".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Key, Kind, TargetId};

    fn look(goal: Goal, state: &serde_json::Value) -> Look {
        let key =
            Key { target: TargetId(0), kind: Kind::Container, namespace: "".into(), name: "c".into(), uid: "c".into() };
        let generation = Some(nanos("2026-11-26T01:00:00Z"));
        let expect = Expectation { key, goal, within: Duration::from_secs(1), generation };
        let inspect: Inspect = serde_json::from_value(json!({"Id": "c", "State": state})).unwrap();
        judge(&expect, Some(&inspect))
    }

    #[test]
    fn states_before_the_change_do_not_count() {
        let old = json!({"Status": "running", "Running": true, "StartedAt": "2026-11-26T00:59:59Z"});
        assert!(matches!(look(Goal::Running, &old), Look::Waiting(_)));
        let new = json!({"Status": "running", "Running": true, "StartedAt": "2026-11-26T01:00:00Z"});
        assert_eq!(look(Goal::Running, &new), Look::Steady("running".into()));
    }

    #[test]
    fn health_decides_where_there_is_a_check() {
        let with = |health: &str| json!({"Status": "running", "Running": true, "StartedAt": "2026-11-26T01:00:01Z", "Health": {"Status": health}});
        assert_eq!(look(Goal::Running, &with("starting")), Look::Waiting("health: starting".into()));
        assert_eq!(look(Goal::Running, &with("healthy")), Look::Met("running and healthy".into()));
        assert!(matches!(look(Goal::Running, &with("unhealthy")), Look::Contradicted(_)));
    }

    #[test]
    fn ends_and_start_failures_contradict_running() {
        let ended = json!({"Status": "exited", "ExitCode": 3, "StartedAt": "2026-11-26T01:00:01Z"});
        assert!(matches!(look(Goal::Running, &ended), Look::Contradicted(text) if text.contains("exit code 3")));
        let failed =
            json!({"Status": "created", "Error": "port is already allocated", "StartedAt": "0001-01-01T00:00:00Z"});
        assert!(matches!(look(Goal::Running, &failed), Look::Contradicted(text) if text.contains("already allocated")));
    }

    #[test]
    fn stopping_and_pausing_are_seen() {
        let run = json!({"Status": "running", "Running": true});
        let exited = json!({"Status": "exited", "ExitCode": 143});
        let paused = json!({"Status": "paused", "Running": true, "Paused": true});
        assert!(matches!(look(Goal::Stopped, &run), Look::Waiting(_)));
        assert_eq!(look(Goal::Stopped, &exited), Look::Met("stopped, exit code 143".into()));
        assert_eq!(look(Goal::Paused, &paused), Look::Met("paused".into()));
        assert!(matches!(look(Goal::Paused, &exited), Look::Contradicted(_)));
        assert!(matches!(look(Goal::Gone, &run), Look::Waiting(_)));
    }
}
