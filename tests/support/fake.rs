//! Targets and rows for tests that need no server.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, empty, pending};
use futures::{FutureExt, StreamExt};
use pilothouse::actions::{Action, Approved, Expectation, Observation, Plan, Progress};
use pilothouse::backend::{Opened, Operator, Source};
use pilothouse::model::{
    ContainerState, Fault, FeedEvent, FeedSpec, Key, Kind, Pod, PodContainer, Role, Severity, Stamp, TargetId,
    TargetKind, TargetMeta,
};

/// Says nothing at all.
struct Silent;

struct Refusing;

/// A cluster that never answers.
pub fn silent() -> Opened {
    opened(Arc::new(Silent))
}

/// A target over this source, which refuses every change.
pub fn opened(source: Arc<dyn Source>) -> Opened {
    let meta = TargetMeta {
        id: TargetId(0),
        kind: TargetKind::Kubernetes,
        name: "fake-cluster".into(),
        namespace: None,
        demo: false,
    };
    Opened { meta, source, operator: Arc::new(Refusing) }
}

impl Source for Silent {
    fn watch(&self, _: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        pending().boxed()
    }
}

impl Operator for Refusing {
    fn plan(&self, _: &Action) -> BoxFuture<'static, Result<Plan, Fault>> {
        ready(Err(Fault::Unsupported { what: "this cluster cannot be changed".into() })).boxed()
    }

    fn execute(&self, _: Approved) -> BoxStream<'static, Progress> {
        empty().boxed()
    }

    fn observe(&self, _: &Expectation) -> BoxStream<'static, Observation> {
        empty().boxed()
    }
}

/// A running pod of one container.
pub fn pod(name: &str, created: Stamp) -> Pod {
    let key = Key {
        target: TargetId(0),
        kind: Kind::Pod,
        namespace: "default".into(),
        name: name.into(),
        uid: format!("uid-of-{name}").into(),
    };
    let container = PodContainer {
        name: "main".into(),
        role: Role::Main,
        image: "image:1".into(),
        state: ContainerState::Running { since: Some(created) },
        ready: true,
        restarts: 0,
        last: None,
        probes: "---".into(),
        ports: "".into(),
        requests: pilothouse::model::pod::Resources::default(),
        limits: pilothouse::model::pod::Resources::default(),
    };
    Pod {
        key,
        status: "Running".into(),
        severity: Severity::Good,
        ready: 1,
        total: 1,
        restarts: 0,
        last_restart: None,
        created,
        node: "node-a".into(),
        ip: "10.0.0.1".into(),
        workload: None,
        owner: "".into(),
        revision: "".into(),
        requests: pilothouse::model::pod::Resources::default(),
        limits: pilothouse::model::pod::Resources::default(),
        containers: [container].into(),
        why: "".into(),
    }
}
