//! inspect as a row.

use std::sync::Arc;

use super::inspect::{Inspect, moment};
use super::past::Past;
use super::why::{health, why};
use crate::backend::escape;
use crate::model::pod::Resources;
use crate::model::{EngineContainer, EngineState, Key, Kind, Stamp, TargetId};

/// Identity of a container.
#[must_use]
pub fn key(target: TargetId, id: &str, name: &str, project: &str) -> Key {
    Key {
        target,
        kind: Kind::Container,
        namespace: project.into(),
        name: name.strip_prefix('/').unwrap_or(name).into(),
        uid: id.into(),
    }
}

/// What the API calls a container: its id, or its name where no id is known.
#[must_use]
pub fn handle(key: &Key) -> String {
    escape::url(if key.uid.is_empty() { &key.name } else { &key.uid })
}

/// Limits as set on the container.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn limits(inspect: &Inspect) -> Resources {
    let host = &inspect.host_config;
    let cpu = if host.nano_cpus > 0 {
        Some(host.nano_cpus as f64 / 1e9)
    } else if host.cpu_quota > 0 {
        let period = if host.cpu_period > 0 { host.cpu_period } else { 100_000 };
        Some(host.cpu_quota as f64 / period as f64)
    } else {
        None
    };
    Resources { cpu, memory: (host.memory > 0).then_some(host.memory as f64) }
}

/// The row of a container at `now` by the engine's clock.
#[must_use]
pub fn row(target: TargetId, inspect: &Inspect, past: &mut Past, now: Stamp) -> EngineContainer {
    let state = inspect.engine_state();
    let (severity, reason) = why(inspect, past.of(&inspect.id), now);
    let ended = matches!(state, EngineState::Exited | EngineState::Dead | EngineState::Restarting);
    EngineContainer {
        key: key(target, &inspect.id, &inspect.name, inspect.compose("project")),
        image: inspect.config.image.as_str().into(),
        state,
        severity,
        health: if state == EngineState::Running { health(inspect) } else { crate::model::Health::None },
        exit_code: ended.then_some(inspect.state.exit_code),
        why: reason.into(),
        restarts: past.restarts(&inspect.id, inspect.restart_count),
        created: moment(&inspect.created).unwrap_or_default(),
        started: moment(&inspect.state.started_at),
        finished: moment(&inspect.state.finished_at),
        ports: Arc::from(inspect.published().join(", ")),
        service: inspect.compose("service").into(),
        number: inspect.compose("container-number").parse().unwrap_or(0),
        restart_policy: inspect.host_config.restart_policy.name.as_str().into(),
        tty: inspect.config.tty,
        limits: limits(inspect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_of_compose_becomes_a_row() {
        let json = include_bytes!("../../../tests/fixtures/docker/inspect_ports.json");
        let inspect: Inspect = serde_json::from_slice(json).unwrap();
        let row = row(TargetId(3), &inspect, &mut Past::default(), Stamp(0));
        assert_eq!(&*row.ports, "127.0.0.1:18053->53/udp, 127.0.0.1:18080->8080/tcp, 18081->8081/tcp, 18082->8082/tcp");
        assert_eq!((&*row.key.namespace, &*row.service, row.number), ("shop", "web", 2));
        assert_eq!(row.limits, Resources { cpu: Some(0.5), memory: Some(67_108_864.0) });
        assert_eq!((row.state, row.exit_code, row.finished), (EngineState::Running, None, None));
        assert_eq!(row.started, Stamp::parse("2026-11-26T01:25:02.127Z"));
        assert_eq!((&*row.restart_policy, row.restarts, row.tty), ("unless-stopped", 0, false));
    }

    #[test]
    fn an_empty_answer_is_a_row_too() {
        let inspect: Inspect = serde_json::from_str("{}").unwrap();
        let row = row(TargetId(0), &inspect, &mut Past::default(), Stamp(0));
        assert_eq!(row.state, EngineState::Unknown);
        assert_eq!(limits(&inspect), Resources::default());
    }
}
