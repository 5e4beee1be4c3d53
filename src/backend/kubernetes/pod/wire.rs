//! A pod as the API server sends it, as far as its row needs.

use serde::Deserialize;

use crate::backend::kubernetes::wire::{Meta, Quantity, Text, Time, count, or_default, present};

/// A pod.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct RawPod<'a> {
    /// Metadata.
    #[serde(borrow, deserialize_with = "or_default")]
    pub metadata: Meta<'a>,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec<'a>,
    /// Status.
    #[serde(deserialize_with = "or_default")]
    pub status: Status<'a>,
}

/// `spec`.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec<'a> {
    /// Node, empty while unscheduled.
    #[serde(borrow)]
    pub node_name: Text<'a>,
    /// `Always`, `OnFailure` or `Never`.
    pub restart_policy: Text<'a>,
    /// Init containers and sidecars.
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container<'a>>,
    /// Main containers.
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container<'a>>,
    /// Debugging containers.
    #[serde(deserialize_with = "or_default")]
    pub ephemeral_containers: Vec<Container<'a>>,
    /// What the sandbox costs.
    #[serde(deserialize_with = "or_default")]
    pub overhead: Amounts,
    /// Requests and limits of the pod as a whole (1.34 and newer).
    #[serde(deserialize_with = "or_default")]
    pub resources: Resources,
    /// Conditions that readiness waits for besides the containers.
    #[serde(deserialize_with = "or_default")]
    pub readiness_gates: Vec<Gate<'a>>,
}

/// One container of the spec.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Container<'a> {
    /// Name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Image.
    pub image: Text<'a>,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Text<'a>,
    /// Requests and limits.
    #[serde(deserialize_with = "or_default")]
    pub resources: Resources,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<Port<'a>>,
    /// Has a liveness probe.
    #[serde(deserialize_with = "present")]
    pub liveness_probe: bool,
    /// Has a readiness probe.
    #[serde(deserialize_with = "present")]
    pub readiness_probe: bool,
    /// Has a startup probe.
    #[serde(deserialize_with = "present")]
    pub startup_probe: bool,
}

impl Container<'_> {
    /// True for an init container that keeps running beside the main ones.
    pub fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

/// One port.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Port<'a> {
    /// Name, may be empty.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Number.
    #[serde(rename = "containerPort", deserialize_with = "count")]
    pub number: u32,
    /// Protocol, TCP when empty.
    pub protocol: Text<'a>,
}

/// Requests and limits.
#[derive(Deserialize, Default, Debug, Clone, Copy)]
#[serde(default)]
pub struct Resources {
    /// Requests.
    #[serde(deserialize_with = "or_default")]
    pub requests: Amounts,
    /// Limits.
    #[serde(deserialize_with = "or_default")]
    pub limits: Amounts,
}

/// CPU and memory.
#[derive(Deserialize, Default, Debug, Clone, Copy)]
#[serde(default)]
pub struct Amounts {
    /// Cores.
    pub cpu: Quantity,
    /// Bytes.
    pub memory: Quantity,
}

/// One readiness gate.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Gate<'a> {
    /// The condition it waits for.
    #[serde(borrow)]
    pub condition_type: Text<'a>,
}

/// `status`.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Status<'a> {
    /// Phase.
    #[serde(borrow)]
    pub phase: Text<'a>,
    /// Reason, such as `Evicted`.
    pub reason: Text<'a>,
    /// Message for it.
    pub message: Text<'a>,
    /// Pod IP.
    #[serde(rename = "podIP")]
    pub pod_ip: Text<'a>,
    /// Conditions.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition<'a>>,
    /// Init containers and sidecars.
    #[serde(deserialize_with = "or_default")]
    pub init_container_statuses: Vec<ContainerStatus<'a>>,
    /// Main containers.
    #[serde(deserialize_with = "or_default")]
    pub container_statuses: Vec<ContainerStatus<'a>>,
    /// Debugging containers.
    #[serde(deserialize_with = "or_default")]
    pub ephemeral_container_statuses: Vec<ContainerStatus<'a>>,
}

impl<'a> Status<'a> {
    /// The condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&Condition<'a>> {
        self.conditions.iter().find(|condition| &*condition.kind == kind)
    }

    /// True when the condition of this type is `True`.
    pub fn is(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|condition| &*condition.status == "True")
    }
}

/// One condition.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Condition<'a> {
    /// Type.
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// `True`, `False` or `Unknown`.
    pub status: Text<'a>,
    /// Reason.
    pub reason: Text<'a>,
    /// Message.
    pub message: Text<'a>,
}

/// Status of one container.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus<'a> {
    /// Name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// State now.
    #[serde(deserialize_with = "or_default")]
    pub state: State<'a>,
    /// How the previous instance ended.
    #[serde(deserialize_with = "or_default")]
    pub last_state: State<'a>,
    /// Ready.
    pub ready: Option<bool>,
    /// Passed its startup probe.
    pub started: Option<bool>,
    /// Restarts.
    #[serde(deserialize_with = "count")]
    pub restart_count: u32,
    /// Requests and limits in force, which a resize in place changes after the spec.
    #[serde(deserialize_with = "or_default")]
    pub resources: Option<Resources>,
}

impl ContainerStatus<'_> {
    /// Readiness.
    pub fn is_ready(&self) -> bool {
        self.ready == Some(true)
    }
}

/// A container's state: one of three.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct State<'a> {
    /// Not running yet, or again.
    #[serde(borrow)]
    pub waiting: Option<Waiting<'a>>,
    /// Running.
    pub running: Option<Running>,
    /// Ended.
    pub terminated: Option<Terminated<'a>>,
}

/// Why it waits.
#[derive(Deserialize, Default, Debug)]
#[serde(default)]
pub struct Waiting<'a> {
    /// Reason.
    #[serde(borrow)]
    pub reason: Text<'a>,
    /// Message.
    pub message: Text<'a>,
}

/// Since when it runs.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Running {
    /// Start.
    pub started_at: Time,
}

/// How it ended.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated<'a> {
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Signal.
    pub signal: Option<i32>,
    /// Reason.
    #[serde(borrow)]
    pub reason: Text<'a>,
    /// Message.
    pub message: Text<'a>,
    /// End.
    pub finished_at: Time,
}

impl Terminated<'_> {
    /// True for exit code 0.
    pub fn succeeded(&self) -> bool {
        self.exit_code.unwrap_or_default() == 0
    }
}
