//! A release under way, waiting or finished, whatever delivers it.

use std::sync::Arc;

use super::key::Key;
use super::severity::Severity;
use super::time::Stamp;

/// What delivers a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// A Deployment, StatefulSet or DaemonSet by itself.
    Native,
    /// An Argo Rollouts Rollout.
    ArgoRollouts,
    /// A Flagger Canary.
    Flagger,
}

impl Engine {
    /// The name people use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "kubernetes",
            Self::ArgoRollouts => "argo rollouts",
            Self::Flagger => "flagger",
        }
    }
}

/// One release.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The object that says how it goes.
    pub key: Key,
    /// What delivers it.
    pub engine: Engine,
    /// `RollingUpdate`, `Canary`, `BlueGreen`, … in the engine's words.
    pub strategy: Arc<str>,
    /// Phase in the engine's own word.
    pub phase: Arc<str>,
    /// The engine's sentence about it, may be empty.
    pub message: Box<str>,
    /// How much it needs a human.
    pub severity: Severity,
    /// What it waits for, when it waits: `promotion`, `analysis success-rate`, … may be empty.
    pub waits_for: Box<str>,
    /// True when nothing goes on until somebody decides.
    pub needs_decision: bool,
    /// True while somebody holds it on purpose (`spec.paused`, `spec.suspend`).
    pub is_held: bool,
    /// Current step and number of steps, where it has steps.
    pub step: Option<(u32, u32)>,
    /// Share of traffic for the new version in percent: asked for, and real where it is known.
    pub weight: Option<(u32, Option<u32>)>,
    /// Ready and wanted pods.
    pub ready: (i32, i32),
    /// When the phase began.
    pub since: Option<Stamp>,
    /// When a pause or a deadline ends by itself.
    pub until: Option<Stamp>,
    /// Images of the new version, comma separated.
    pub images: Arc<str>,
    /// Its steps.
    pub steps: Box<[Step]>,
    /// Shares of traffic by route and backend.
    pub splits: Box<[Split]>,
    /// Analyses and checks.
    pub checks: Box<[Check]>,
    /// Hash or name of the stable and of the new revision, may be empty.
    pub revisions: (Arc<str>, Arc<str>),
}

/// A step of a plan of delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, such as `set weight 20`, `pause 5m`, or the raw step of a newer version.
    pub text: Box<str>,
    /// Where it stands.
    pub state: StepState,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Done.
    Done,
    /// The current one.
    Current,
    /// Still to come.
    Ahead,
}

/// A share of traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Backend: Service, subset or revision.
    pub backend: Arc<str>,
    /// Share in percent.
    pub weight: u32,
}

/// An analysis or check.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Metric or run.
    pub name: Arc<str>,
    /// Verdict in the engine's word.
    pub phase: Arc<str>,
    /// Values measured, oldest first.
    pub values: Box<[f32]>,
    /// What has to hold, or what was said, may be empty.
    pub condition: Box<str>,
}
