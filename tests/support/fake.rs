//! A cluster that says what a test tells it to say, and nothing else.

use std::sync::{Arc, Mutex};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, empty, iter, pending};
use futures::{FutureExt, StreamExt};
use pilothouse::actions::{Action, Approved, Expectation, Observation, Plan, Progress};
use pilothouse::backend::{Opened, Operator, Source};
use pilothouse::model::{
    ContainerState, Fault, Feed, FeedEvent, FeedSpec, Key, Kind, Pod, PodContainer, Role, Row, ServerInfo, Severity,
    Stamp, TargetId, TargetKind, TargetMeta,
};

/// Lists these pods at once and hands on what is sent later.
struct Fake {
    pods: Vec<Row>,
    later: Mutex<Option<UnboundedReceiver<FeedEvent>>>,
}

/// Says nothing at all.
struct Silent;

struct Refusing;

/// A cluster of these pods; what is sent into the channel comes from its pod feed.
pub fn cluster(pods: Vec<Pod>) -> (Opened, UnboundedSender<FeedEvent>) {
    let (out, later) = unbounded();
    let pods = pods.into_iter().map(|pod| Row::Pod(Box::new(pod))).collect();
    (opened(Arc::new(Fake { pods, later: Mutex::new(Some(later)) })), out)
}

/// A cluster that never answers.
pub fn silent() -> Opened {
    opened(Arc::new(Silent))
}

fn opened(source: Arc<dyn Source>) -> Opened {
    let meta = TargetMeta {
        id: TargetId(0),
        kind: TargetKind::Kubernetes,
        name: "fake-cluster".into(),
        namespace: None,
        demo: false,
    };
    Opened { meta, source, operator: Arc::new(Refusing) }
}

impl Source for Fake {
    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        let list = |rows: Vec<Row>| iter([FeedEvent::Reset, FeedEvent::Staged(rows), FeedEvent::Synced]);
        match spec.feed {
            Feed::Server => {
                let info = ServerInfo { version: "v1.33.2".into(), ..ServerInfo::default() };
                iter([FeedEvent::Server(Box::new(info))]).chain(pending()).boxed()
            }
            Feed::Pods(_) => {
                let later = self.later.lock().expect("the channel").take();
                let later = later.map_or_else(|| pending().boxed(), StreamExt::boxed);
                list(self.pods.clone()).chain(later).chain(pending()).boxed()
            }
            Feed::Workloads(_) | Feed::Events(_) | Feed::Namespaces => list(Vec::new()).chain(pending()).boxed(),
            _ => pending().boxed(),
        }
    }
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
