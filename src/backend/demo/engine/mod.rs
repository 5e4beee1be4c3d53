//! A simulated Docker engine.

mod operate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::cluster::{narrow, usage};
use super::dice::Dice;
use super::script::{Run, Script};
use super::spec::{ContainerSpec, EngineSpec, Outcome};
use super::stage::Sim;
use crate::actions::{Action, Expectation, Observation, Plan, Receipt};
use crate::backend::yaml;
use crate::model::pod::Resources;
use crate::model::{
    Access, Deed, EngineContainer, EngineState, Fault, Feed, Health, Key, Kind, LogSource, Revisions, Row, Sample,
    ServerInfo, Severity, Stamp, TargetId,
};

/// Time between start and end of a container that does not last, and until it is started again.
const CRASH: Duration = Duration::from_secs(9);
const AGAIN: Duration = Duration::from_secs(6);
/// Time until a health check has passed or failed.
const CHECK: Duration = Duration::from_secs(5);
const MIB: f64 = 1_048_576.0;

/// The simulation.
pub struct Engine {
    name: Arc<str>,
    version: Arc<str>,
    containers: Vec<Container>,
    scripts: Arc<BTreeMap<String, Script>>,
}

struct Container {
    key: Key,
    spec: ContainerSpec,
    created: Stamp,
    state: EngineState,
    /// End of the state.
    until: Stamp,
    run: Run,
    /// Since when it is paused.
    frozen: Stamp,
    exit_code: i64,
    oom: bool,
    restarts: u64,
    healthy: bool,
}

impl Engine {
    /// The engine of `spec` as it is at `start`.
    pub fn new(
        spec: EngineSpec,
        target: TargetId,
        seed: u64,
        scripts: Arc<BTreeMap<String, Script>>,
        start: Stamp,
    ) -> Self {
        let mut dice = Dice::new(seed ^ 0xD0C4);
        let containers = spec
            .container
            .into_iter()
            .map(|spec| {
                let id = dice.id();
                let lag = Duration::from_secs(dice.between(0, 20));
                container(spec, target, &id, lag, start)
            })
            .collect();
        Self { name: spec.name.as_str().into(), version: spec.version.as_str().into(), containers, scripts }
    }

    fn find(&self, key: &Key) -> Result<&Container, Fault> {
        self.containers.iter().find(|c| c.key == *key).ok_or_else(|| Fault::Gone { what: key.to_string() })
    }
}

fn container(spec: ContainerSpec, target: TargetId, id: &str, lag: Duration, start: Stamp) -> Container {
    let before = |age: Duration| Stamp(start.0 - i64::try_from(age.as_millis()).unwrap_or(0));
    let created = before(spec.age);
    let mut run = Run::new(id, u32::try_from(spec.restarts).unwrap_or(0), created.plus(lag).min(start));
    let (state, until) = match spec.outcome {
        Outcome::Exited => (EngineState::Exited, Stamp(i64::MAX)),
        Outcome::Paused => (EngineState::Paused, Stamp(i64::MAX)),
        Outcome::Crash | Outcome::Oom => {
            run.started = start;
            (EngineState::Running, start.plus(CRASH))
        }
        _ => (EngineState::Running, Stamp(i64::MAX)),
    };
    if state == EngineState::Exited {
        run.ended = Some(run.started.plus(spec.age / 2));
    }
    let key = Key {
        target,
        kind: Kind::Container,
        namespace: spec.project.as_str().into(),
        name: spec.name.as_str().into(),
        uid: id.into(),
    };
    Container {
        key,
        created,
        state,
        until,
        run,
        frozen: start,
        exit_code: spec.exit_code,
        oom: spec.oom,
        restarts: spec.restarts,
        healthy: true,
        spec,
    }
}

impl Container {
    fn begin(&mut self, now: Stamp) {
        self.run = Run::new(&self.key.uid, self.run.instance + 1, now);
        self.state = EngineState::Running;
        self.healthy = false;
        self.until = match self.spec.outcome {
            Outcome::Crash | Outcome::Oom => now.plus(CRASH),
            _ => now.plus(CHECK),
        };
    }

    fn end(&mut self, code: i64, oom: bool, now: Stamp) {
        self.run.ended = Some(now);
        self.exit_code = code;
        self.oom = oom;
        self.state = EngineState::Exited;
        self.until = Stamp(i64::MAX);
    }

    fn step(&mut self, now: Stamp) {
        if now < self.until {
            return;
        }
        match (self.state, self.spec.outcome) {
            (EngineState::Running, Outcome::Crash | Outcome::Oom) => {
                let oom = self.spec.outcome == Outcome::Oom;
                self.end(if oom { 137 } else { self.spec.exit_code }, oom, now);
                if !matches!(self.spec.restart.as_str(), "" | "no") {
                    self.state = EngineState::Restarting;
                    self.until = now.plus(AGAIN);
                }
            }
            (EngineState::Restarting, _) => {
                self.restarts += 1;
                self.begin(now);
            }
            _ => {
                self.healthy = true;
                self.until = Stamp(i64::MAX);
            }
        }
    }

    fn health(&self) -> Health {
        match self.state {
            EngineState::Running | EngineState::Paused if self.spec.check => match self.spec.outcome {
                _ if !self.healthy => Health::Starting,
                Outcome::Unready => Health::Unhealthy,
                _ => Health::Healthy,
            },
            _ => Health::None,
        }
    }

    fn why(&self) -> String {
        match self.state {
            EngineState::Exited | EngineState::Restarting if self.oom => {
                "killed for its memory (exit code 137)".to_owned()
            }
            EngineState::Exited if self.exit_code != 0 => format!("ended with exit code {}", self.exit_code),
            EngineState::Restarting => format!("ends again and again: exit code {}", self.exit_code),
            EngineState::Running if self.health() == Health::Unhealthy => {
                "health check fails: HTTP status 503".to_owned()
            }
            _ => String::new(),
        }
    }

    fn severity(&self) -> Severity {
        match self.state {
            EngineState::Restarting => Severity::Bad,
            EngineState::Exited if self.oom || self.exit_code != 0 => Severity::Bad,
            EngineState::Exited => Severity::Done,
            EngineState::Paused => Severity::Warn,
            EngineState::Running => match self.health() {
                Health::Unhealthy => Severity::Bad,
                Health::Starting => Severity::Busy,
                _ if self.spec.outcome == Outcome::Crash => Severity::Warn,
                _ => Severity::Good,
            },
            _ => Severity::Busy,
        }
    }

    fn row(&self) -> EngineContainer {
        let up = matches!(self.state, EngineState::Running | EngineState::Paused);
        let limits = Resources { cpu: self.spec.limits.cpu, memory: self.spec.limits.memory.map(|mib| mib * MIB) };
        EngineContainer {
            key: self.key.clone(),
            image: self.spec.image.as_str().into(),
            state: self.state,
            severity: self.severity(),
            health: self.health(),
            exit_code: (!up).then_some(self.exit_code),
            why: self.why().into(),
            restarts: self.restarts,
            created: self.created,
            started: Some(self.run.started),
            finished: self.run.ended,
            ports: self.spec.ports.as_str().into(),
            service: self.spec.service.as_str().into(),
            number: self.spec.number,
            restart_policy: self.spec.restart.as_str().into(),
            tty: false,
            limits,
        }
    }

    fn sample(&self, now: Stamp, detailed: bool) -> Sample {
        let mut usage = usage(&self.key.uid, self.spec.usage, now, detailed);
        if self.state == EngineState::Paused {
            usage.cpu = Some(narrow(0.0));
        }
        Sample { key: self.key.clone(), at: now, usage, containers: Box::default() }
    }
}

impl Sim for Engine {
    fn step(&mut self, now: Stamp) {
        for container in &mut self.containers {
            container.step(now);
        }
    }

    fn server(&self) -> ServerInfo {
        let deeds = [Deed::Restart, Deed::Delete, Deed::Stop, Deed::Pause];
        ServerInfo {
            access_in: None,
            version: self.version.clone(),
            user: "demo".into(),
            address: "simulated".into(),
            access: deeds.map(|deed| (deed, Access::Allowed)).into(),
            metrics: "simulated".into(),
            facts: vec![("name".into(), self.name.clone())],
        }
    }

    fn rows(&self, feed: &Feed) -> Option<Vec<Row>> {
        let rows = || self.containers.iter().map(|c| Row::Container(Box::new(c.row()))).collect();
        matches!(feed, Feed::Containers).then(rows)
    }

    fn samples(&self, feed: &Feed, now: Stamp) -> Vec<Sample> {
        let up = self.containers.iter().filter(|c| matches!(c.state, EngineState::Running | EngineState::Paused));
        match feed {
            Feed::Usage(_) => up.map(|c| c.sample(now, true)).collect(),
            Feed::UsageOf(key) => up.filter(|c| c.key == *key).map(|c| c.sample(now, true)).collect(),
            _ => Vec::new(),
        }
    }

    fn log(&self, source: &LogSource) -> Result<(Run, &Script), Fault> {
        if source.previous {
            return Err(Fault::Unsupported { what: "an engine keeps one log a container, of all its runs".to_owned() });
        }
        let container = self.find(&source.key)?;
        let mut run = container.run;
        if container.state == EngineState::Paused {
            run.ended = Some(container.frozen);
        }
        let script = self.scripts.get(&container.spec.log);
        script.map(|script| (run, script)).ok_or_else(|| Fault::Gone { what: format!("log of {}", source.key) })
    }

    fn object(&self, key: &Key) -> Option<String> {
        let container = self.find(key).ok()?;
        let (spec, row) = (&container.spec, container.row());
        let value = json!({
            "Id": *key.uid, "Name": format!("/{}", spec.name), "Created": container.created.rfc3339(),
            "State": {
                "Status": row.state.word(), "ExitCode": container.exit_code, "OOMKilled": container.oom,
                "StartedAt": container.run.started.rfc3339(), "Health": row.health.word(),
            },
            "RestartCount": container.restarts,
            "Config": {"Image": spec.image, "Labels": {
                "com.docker.compose.project": spec.project, "com.docker.compose.service": spec.service,
            }},
            "HostConfig": {"RestartPolicy": {"Name": spec.restart}, "Memory": row.limits.memory},
        });
        yaml::text(&value).ok()
    }

    fn revisions(&self, _: &Key) -> Option<Revisions> {
        None
    }

    fn named(&self, key: &Key) -> Option<Key> {
        self.containers.iter().map(|c| &c.key).find(|other| other.name == key.name).cloned()
    }

    fn plan(&self, action: &Action) -> Result<Plan, Fault> {
        self.plan_for(action)
    }

    fn apply(&mut self, plan: &Plan, now: Stamp) -> Result<Receipt, Fault> {
        self.apply_plan(plan, now)
    }

    fn observe(&self, expect: &Expectation) -> Observation {
        self.observed(expect)
    }
}
