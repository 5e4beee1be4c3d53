//! The parts of the engine's answers that matter here. Every field may be missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::model::{EngineState, Stamp};

/// `GET /containers/{id}/json`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Inspect {
    pub id: String,
    pub name: String,
    pub created: String,
    pub restart_count: u64,
    pub state: State,
    #[serde(deserialize_with = "nullable")]
    pub config: Config,
    #[serde(deserialize_with = "nullable")]
    pub host_config: HostConfig,
    #[serde(deserialize_with = "nullable")]
    pub network_settings: NetworkSettings,
    #[serde(deserialize_with = "nullable")]
    pub mounts: Vec<Mount>,
}

/// `State`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct State {
    pub status: String,
    pub running: bool,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    pub exit_code: i64,
    pub error: String,
    pub started_at: String,
    pub finished_at: String,
    pub health: Option<HealthState>,
}

/// `State.Health`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthState {
    pub status: String,
    pub failing_streak: u64,
    #[serde(deserialize_with = "nullable")]
    pub log: Vec<Probe>,
}

/// One run of a health check.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Probe {
    pub exit_code: i64,
    pub output: String,
}

/// `Config`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    pub image: String,
    pub tty: bool,
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    pub stop_signal: Option<String>,
    pub stop_timeout: Option<i64>,
    pub healthcheck: Option<HealthCheck>,
}

/// `Config.Healthcheck`; times in nanoseconds, 0 for the engine's default.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthCheck {
    pub interval: u64,
    pub timeout: u64,
    pub retries: u64,
    pub start_period: u64,
}

/// `HostConfig`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostConfig {
    #[serde(deserialize_with = "nullable")]
    pub restart_policy: RestartPolicy,
    pub auto_remove: bool,
    pub memory: i64,
    pub nano_cpus: i64,
    pub cpu_quota: i64,
    pub cpu_period: i64,
}

/// `HostConfig.RestartPolicy`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    pub name: String,
}

/// `NetworkSettings`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkSettings {
    #[serde(deserialize_with = "nullable")]
    pub ports: BTreeMap<String, Option<Vec<Binding>>>,
}

/// A published port.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Binding {
    pub host_ip: String,
    pub host_port: String,
}

/// An entry of `Mounts`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Mount {
    #[serde(rename = "Type")]
    pub kind: String,
    pub name: String,
    pub destination: String,
}

/// An entry of `GET /containers/json`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Summary {
    pub id: String,
    #[serde(deserialize_with = "nullable")]
    pub names: Vec<String>,
    pub state: String,
    pub status: String,
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

/// A message of `GET /events`.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Event {
    pub action: String,
    pub actor: Actor,
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

/// Whom an event is about.
#[derive(Debug, Clone, Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(deserialize_with = "nullable")]
    pub attributes: BTreeMap<String, String>,
}

fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

impl Inspect {
    /// Name without the engine's leading slash.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.strip_prefix('/').unwrap_or(&self.name)
    }

    /// A label of Compose, such as `service`.
    #[must_use]
    pub fn compose(&self, label: &str) -> &str {
        self.config.labels.get(&format!("com.docker.compose.{label}")).map_or("", String::as_str)
    }

    /// Seconds that a stop waits before it kills; the engine's default is 10 unless it was changed.
    #[must_use]
    pub fn stop_timeout(&self) -> i64 {
        self.config.stop_timeout.unwrap_or(10)
    }

    /// State as a word we know.
    #[must_use]
    pub fn engine_state(&self) -> EngineState {
        EngineState::parse(&self.state.status)
    }

    /// Published ports as `8080->80/tcp`, with the host address unless it means all.
    #[must_use]
    pub fn published(&self) -> Vec<String> {
        let mut out: Vec<(u16, String)> = Vec::new();
        for (inside, bindings) in &self.network_settings.ports {
            for binding in bindings.iter().flatten() {
                let host = match binding.host_ip.as_str() {
                    "" | "0.0.0.0" | "::" => String::new(),
                    v6 if v6.contains(':') => format!("[{v6}]:"),
                    v4 => format!("{v4}:"),
                };
                let text = format!("{host}{}->{inside}", binding.host_port);
                let order = inside.split('/').next().and_then(|port| port.parse().ok()).unwrap_or(0);
                if !out.iter().any(|(_, seen)| *seen == text) {
                    out.push((order, text));
                }
            }
        }
        out.sort();
        out.into_iter().map(|(_, text)| text).collect()
    }
}

/// A time of the engine; `None` for its zero value (year 1).
#[must_use]
pub fn moment(text: &str) -> Option<Stamp> {
    Stamp::parse(text).filter(|stamp| stamp.0 > 0)
}

/// The same in nanoseconds since 1970, 0 for the zero value.
#[must_use]
pub fn nanos(text: &str) -> i64 {
    let stamp = text.parse::<jiff::Timestamp>().ok();
    stamp.and_then(|t| i64::try_from(t.as_nanosecond()).ok()).unwrap_or(0).max(0)
}
