//! Kubernetes through kube-rs: one [`Link`] a context, feeds that list and watch into compact
//! rows, and the operator that changes things.

mod access;
mod certificate;
mod changes;
mod contexts;
mod event;
pub mod fault;
mod intern;
mod items;
pub mod link;
mod login;
pub mod logs;
mod metrics;
mod namespace;
mod object;
pub mod operator;
mod paths;
mod pod;
mod pulse;
mod releases;
mod retry;
mod revisions;
mod server;
mod summary;
mod together;
mod usage;
mod watch;
mod wire;
mod workload;
mod yaml;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::backend::{Login, Source, emit};
use crate::model::{Fault, Feed, FeedEvent, FeedSpec, Kind, Scope, TargetMeta};

pub use contexts::{ContextInfo, contexts};
pub use link::{Context, Link};
pub use operator::KubernetesOperator;
pub use pod::Pods;
pub use watch::Project;

use paths::Place;
use pulse::Pulse;
use watch::Watcher;

/// The data of one context.
pub struct Kubernetes {
    link: Link,
    meta: TargetMeta,
    pulse: Pulse,
}

impl Kubernetes {
    /// For `context`; nothing is read or connected yet.
    #[must_use]
    pub fn new(meta: TargetMeta, context: Context) -> Self {
        Self { link: Link::new(context), meta, pulse: Pulse::default() }
    }

    /// Its connection, to be shared with the operator.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    fn rows<P: Project>(&self, kind: Kind, scope: &Scope, project: P) -> BoxStream<'static, FeedEvent> {
        let (link, pulse, place) = (self.link.clone(), self.pulse.clone(), Place::of(kind, scope));
        emit::feed(move |out| async move {
            match place {
                Ok(place) => Watcher::new(link, pulse, place, project, out).run().await,
                Err(fault) => out.lost(fault).await,
            }
        })
    }
}

impl Source for Kubernetes {
    fn login(&self) -> BoxFuture<'static, Result<Login, Fault>> {
        let link = self.link.clone();
        async move { login::command(link.context()).await }.boxed()
    }

    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        let (link, pulse, target) = (self.link.clone(), self.pulse.clone(), self.meta.id);
        match &spec.feed {
            Feed::Server => server::feed(link, pulse, self.meta.namespace.clone()),
            Feed::Namespaces => self.rows(Kind::Namespace, &None, namespace::Namespaces(target)),
            Feed::Pods(scope) => self.rows(Kind::Pod, scope, pod::Pods::new(target)),
            Feed::Workloads(scope) => together::workloads(link, pulse, target, scope.clone()),
            Feed::Releases(scope) => releases::feed(link, pulse, target, scope.clone()),
            Feed::Events(scope) => self.rows(Kind::Event, scope, event::Events::new(target)),
            Feed::Containers => emit::unsupported("a cluster has no engine containers"),
            Feed::Usage(scope) => usage::all(link, pulse, target, scope.clone()),
            Feed::UsageOf(key) => usage::one(link, pulse, key.clone()),
            Feed::Log(source) => logs::follow(link, source.clone()),
            Feed::Object(key) => object::feed(link, pulse, key.clone()),
            Feed::Revisions(key) => revisions::feed(link, pulse, key.clone()),
        }
    }
}
