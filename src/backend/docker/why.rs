//! Why a container is as it is, and how much it needs a human: a pure function of inspect, of what
//! its events told, and of the time.

use super::inspect::Inspect;
use super::past::{Cause, Life};
use crate::model::quantity::bytes;
use crate::model::{EngineState, Health, Severity, Stamp};

/// Exits within two minutes that make a crash loop.
const LOOP: usize = 3;

/// Health as the engine says.
#[must_use]
pub fn health(inspect: &Inspect) -> Health {
    match inspect.state.health.as_ref().map(|health| health.status.as_str()) {
        Some("starting") => Health::Starting,
        Some("healthy") => Health::Healthy,
        Some("unhealthy") => Health::Unhealthy,
        _ => Health::None,
    }
}

/// The reason in one sentence, empty when there is nothing to say.
#[must_use]
pub fn why(inspect: &Inspect, life: Option<&Life>, now: Stamp) -> (Severity, String) {
    let state = inspect.engine_state();
    match state {
        EngineState::Running => running(inspect, life, now),
        EngineState::Paused => (Severity::Warn, "paused: its processes are frozen".into()),
        EngineState::Restarting => (Severity::Bad, looping(inspect, life, now)),
        EngineState::Exited => exited(inspect, life),
        EngineState::Created if !inspect.state.error.is_empty() => {
            (Severity::Bad, format!("could not start: {}", inspect.state.error))
        }
        EngineState::Created => (Severity::Done, "never started".into()),
        EngineState::Removing => (Severity::Busy, "being removed".into()),
        EngineState::Dead => (Severity::Bad, format!("half removed{}", error(inspect))),
        EngineState::Unknown => (Severity::Warn, format!("unknown state {}", inspect.state.status)),
    }
}

fn running(inspect: &Inspect, life: Option<&Life>, now: Stamp) -> (Severity, String) {
    let (crashes, code) = life.map_or((0, 0), |life| life.crashes(now));
    if crashes >= LOOP {
        return (Severity::Bad, format!("crash loop: {crashes} exits in 2 min, code {code}"));
    }
    match health(inspect) {
        Health::Unhealthy => return (Severity::Bad, unhealthy(inspect)),
        Health::Starting => return (Severity::Busy, "health: starting".into()),
        Health::Healthy | Health::None => {}
    }
    if let Some(at) = life.and_then(|life| life.oom).filter(|at| at.since(now).as_secs() < 600) {
        return (Severity::Warn, format!("OOM event at {}{}", at.clock(), limit(inspect)));
    }
    if crashes > 0 {
        return (Severity::Warn, format!("restarted after exit code {code}"));
    }
    (Severity::Good, String::new())
}

fn unhealthy(inspect: &Inspect) -> String {
    let health = inspect.state.health.clone().unwrap_or_default();
    let output = health.log.last().map_or("", |probe| probe.output.trim());
    let line: String = output.lines().next_back().unwrap_or_default().chars().take(120).collect();
    let times = if health.failing_streak == 1 { "once".into() } else { format!("{} times", health.failing_streak) };
    if line.is_empty() {
        format!("health check failed {times}")
    } else {
        format!("health check failed {times}: {line}")
    }
}

fn looping(inspect: &Inspect, life: Option<&Life>, now: Stamp) -> String {
    let (crashes, code) = life.map_or((0, 0), |life| life.crashes(now));
    if life.is_some_and(|life| life.exits.back().is_some_and(|exit| exit.cause == Cause::Oom)) {
        return format!("crash loop: OOM{}, {} restarts", limit(inspect), inspect.restart_count);
    }
    if crashes >= LOOP {
        format!("crash loop: {crashes} exits in 2 min, code {code}")
    } else {
        format!("crash loop: {} restarts, code {}{}", inspect.restart_count, inspect.state.exit_code, error(inspect))
    }
}

fn exited(inspect: &Inspect, life: Option<&Life>) -> (Severity, String) {
    let code = inspect.state.exit_code;
    if !inspect.state.error.is_empty() {
        return (Severity::Bad, format!("could not start: {}", inspect.state.error));
    }
    let cause = life.and_then(|life| life.exits.back()).filter(|exit| exit.code == code).map(|exit| exit.cause);
    if inspect.state.oom_killed || cause == Some(Cause::Oom) {
        let at = life.and_then(|life| life.oom).map(|at| format!(" at {}", at.clock())).unwrap_or_default();
        return (Severity::Bad, format!("exited {code}: OOM event{at}{}", limit(inspect)));
    }
    match (code, cause) {
        (0, _) => (Severity::Done, String::new()),
        (137, Some(Cause::NotInTime)) => {
            (Severity::Warn, format!("exited 137: did not stop within {} s", inspect.stop_timeout()))
        }
        (137, Some(Cause::Killed)) => (Severity::Warn, "exited 137: killed through the engine".into()),
        (137, Some(_)) => (Severity::Bad, "exited 137: killed from outside (SIGKILL)".into()),
        (137, None) => (Severity::Bad, "exited 137: killed (SIGKILL); the engine no longer tells why".into()),
        (143, _) => (Severity::Done, "stopped (SIGTERM)".into()),
        (130, _) => (Severity::Done, "interrupted (SIGINT)".into()),
        (_, Some(Cause::Stopped)) => (Severity::Done, format!("stopped, exit code {code}")),
        _ => (Severity::Bad, format!("exited {code}{}", meaning(code))),
    }
}

/// What a code means by convention of shells and of the engine.
fn meaning(code: i64) -> String {
    match code {
        125 => ": the engine could not run it".into(),
        126 => ": the command is not executable".into(),
        127 => ": the command was not found".into(),
        128 => ": the start failed".into(),
        129 => ": SIGHUP".into(),
        131 => ": SIGQUIT".into(),
        132 => ": SIGILL".into(),
        134 => ": SIGABRT".into(),
        135 => ": SIGBUS".into(),
        136 => ": SIGFPE".into(),
        139 => ": SIGSEGV".into(),
        130..=192 => format!(": signal {}", code - 128),
        _ => String::new(),
    }
}

fn limit(inspect: &Inspect) -> String {
    let memory = inspect.host_config.memory;
    if memory > 0 {
        #[allow(clippy::cast_precision_loss)]
        let shown = bytes(memory as f64);
        format!(" (limit {shown})")
    } else {
        " (no limit set: the host ran out)".into()
    }
}

fn error(inspect: &Inspect) -> String {
    if inspect.state.error.is_empty() { String::new() } else { format!(": {}", inspect.state.error) }
}

#[cfg(test)]
mod tests {
    use super::super::inspect::Event;
    use super::super::past::Past;
    use super::*;
    use serde_json::{Value, json};

    type Case = (Value, i64, Vec<(i64, &'static str, &'static str)>, Severity, &'static str);

    fn told(state: &Value, memory: i64, events: &[(i64, &str, &str)], now: i64) -> (Severity, String) {
        let inspect: Inspect = serde_json::from_value(json!({"Id": "c", "State": state, "RestartCount": 7,
            "HostConfig": {"Memory": memory}, "Config": {"StopTimeout": 3}}))
        .unwrap();
        let mut past = Past::default();
        for (second, action, value) in events {
            let event = json!({"Action": action, "timeNano": second * 1_000_000_000,
                "Actor": {"ID": "c", "Attributes": {"exitCode": value, "signal": value}}});
            past.learn(&serde_json::from_value::<Event>(event).unwrap());
        }
        why(&inspect, past.of("c"), Stamp(now * 1000))
    }

    #[test]
    fn every_end_has_its_reason() {
        let exited = |code: i64| json!({"Status": "exited", "ExitCode": code});
        let m512 = 512 << 20;
        let cases: Vec<Case> = vec![
            (exited(0), 0, vec![], Severity::Done, ""),
            (exited(1), 0, vec![], Severity::Bad, "exited 1"),
            (exited(127), 0, vec![], Severity::Bad, "exited 127: the command was not found"),
            (exited(139), 0, vec![], Severity::Bad, "exited 139: SIGSEGV"),
            (exited(143), 0, vec![], Severity::Done, "stopped (SIGTERM)"),
            (exited(2), 0, vec![(1, "kill", "15"), (2, "die", "2")], Severity::Done, "stopped, exit code 2"),
            (
                exited(137),
                0,
                vec![(1, "kill", "15"), (4, "kill", "9"), (5, "die", "137")],
                Severity::Warn,
                "exited 137: did not stop within 3 s",
            ),
            (
                exited(137),
                0,
                vec![(4, "kill", "9"), (5, "die", "137")],
                Severity::Warn,
                "exited 137: killed through the engine",
            ),
            (exited(137), 0, vec![(5, "die", "137")], Severity::Bad, "exited 137: killed from outside (SIGKILL)"),
            (exited(137), 0, vec![], Severity::Bad, "exited 137: killed (SIGKILL); the engine no longer tells why"),
            (
                exited(137),
                m512,
                vec![(63, "oom", ""), (64, "die", "137")],
                Severity::Bad,
                "exited 137: OOM event at 00:01:03 (limit 512Mi)",
            ),
            (
                json!({"Status": "exited", "ExitCode": 137, "OOMKilled": true}),
                m512,
                vec![],
                Severity::Bad,
                "exited 137: OOM event (limit 512Mi)",
            ),
            (
                json!({"Status": "created", "Error": "port is already allocated"}),
                0,
                vec![],
                Severity::Bad,
                "could not start: port is already allocated",
            ),
            (json!({"Status": "created"}), 0, vec![], Severity::Done, "never started"),
            (json!({"Status": "paused"}), 0, vec![], Severity::Warn, "paused: its processes are frozen"),
            (
                json!({"Status": "restarting", "ExitCode": 3}),
                0,
                vec![],
                Severity::Bad,
                "crash loop: 7 restarts, code 3",
            ),
        ];
        for (state, memory, events, severity, text) in cases {
            assert_eq!(told(&state, memory, &events, 100), (severity, text.to_owned()), "{state} {events:?}");
        }
    }

    #[test]
    fn a_running_container_is_judged_by_its_past() {
        let run = json!({"Status": "running", "Running": true});
        let crash = [(1, "die", "1"), (20, "die", "1"), (40, "die", "1")];
        assert_eq!(told(&run, 0, &crash, 60).1, "crash loop: 3 exits in 2 min, code 1");
        assert_eq!(told(&run, 0, &crash[..1], 60), (Severity::Warn, "restarted after exit code 1".into()));
        assert_eq!(told(&run, 0, &crash, 600), (Severity::Good, String::new()));
        assert_eq!(told(&run, 1 << 20, &[(10, "oom", "")], 60).1, "OOM event at 00:00:10 (limit 1.0Mi)");
    }

    #[test]
    fn health_comes_with_the_last_output() {
        let state = |status: &str| {
            json!({"Status": "running", "Health": {"Status": status, "FailingStreak": 4,
            "Log": [{"ExitCode": 1, "Output": "trying\nrefused\n"}]}})
        };
        assert_eq!(
            told(&state("unhealthy"), 0, &[], 1),
            (Severity::Bad, "health check failed 4 times: refused".into())
        );
        assert_eq!(told(&state("starting"), 0, &[], 1), (Severity::Busy, "health: starting".into()));
        assert_eq!(told(&state("healthy"), 0, &[], 1), (Severity::Good, String::new()));
    }
}
