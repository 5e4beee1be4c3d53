//! A container of a Docker engine as one compact row.

use std::sync::Arc;

use super::key::Key;
use super::severity::Severity;
use super::time::Stamp;

/// One container of an engine. `key.namespace` holds the Compose project, or is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineContainer {
    /// Identity; `key.uid` is the full container id.
    pub key: Key,
    /// Image as the container was created with.
    pub image: Arc<str>,
    /// State.
    pub state: EngineState,
    /// How much it needs a human.
    pub severity: Severity,
    /// Health check's verdict.
    pub health: Health,
    /// Exit code of the last end, while not running.
    pub exit_code: Option<i64>,
    /// Why it is as it is ("OOM event at 12:03", "exited 137: did not stop within 10 s"), may be empty.
    pub why: Box<str>,
    /// Restarts by policy as the engine counts them, plus what was seen here.
    pub restarts: u64,
    /// Creation.
    pub created: Stamp,
    /// Last start.
    pub started: Option<Stamp>,
    /// Last end.
    pub finished: Option<Stamp>,
    /// Published ports as `8080->80/tcp`, comma separated.
    pub ports: Arc<str>,
    /// Compose service, or empty.
    pub service: Arc<str>,
    /// Compose container number, 0 when none.
    pub number: u32,
    /// Restart policy's name, empty when unknown.
    pub restart_policy: Arc<str>,
    /// True when the container has a terminal: its log is not framed.
    pub tty: bool,
    /// CPU limit in cores and memory limit in bytes where set.
    pub limits: super::pod::Resources,
}

/// The engine's word for a container's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// Created, never started.
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// Between two runs of a restart policy.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Half removed.
    Dead,
    /// A state that this version does not know.
    Unknown,
}

impl EngineState {
    /// Reads the API's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "created" | "configured" => Self::Created,
            "running" | "stopping" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" | "stopped" => Self::Exited,
            "dead" => Self::Dead,
            _ => Self::Unknown,
        }
    }

    /// The API's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }

    /// True while processes of it exist.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// No health check.
    #[default]
    None,
    /// In its start period.
    Starting,
    /// Passing.
    Healthy,
    /// Failing.
    Unhealthy,
}

impl Health {
    /// One word, `-` for none.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}
