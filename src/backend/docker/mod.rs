//! Docker engines, and engines that speak their API: one [`Engine`] a host, feeds that turn events
//! and inspects into compact rows, and the operator that changes things.

mod containers;
pub mod engine;
pub mod fault;
mod feed;
mod frames;
mod inspect;
mod logs;
mod object;
mod operator;
mod past;
pub mod resolve;
mod resume;
mod rows;
mod server;
mod stats;
mod tls;
mod usage;
mod why;
mod wire;

use futures::stream::BoxStream;

pub use engine::Engine;
pub use operator::DockerOperator;
pub use resolve::{Endpoint, resolve};

use super::Source;
use crate::model::{Feed, FeedEvent, FeedSpec, TargetMeta};

/// The live data of one engine.
#[derive(Clone)]
pub struct Docker {
    meta: TargetMeta,
    engine: Engine,
}

impl Docker {
    /// The data of `engine` as target `meta`; nothing is connected yet.
    #[must_use]
    pub const fn new(meta: TargetMeta, engine: Engine) -> Self {
        Self { meta, engine }
    }
}

impl Source for Docker {
    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent> {
        let (engine, target) = (self.engine.clone(), self.meta.id);
        match spec.feed.clone() {
            Feed::Server => feed::of(|tx| server::run(engine, tx)),
            Feed::Containers => feed::of(move |tx| containers::run(engine, target, tx)),
            Feed::Usage(_) => feed::of(move |tx| usage::all(engine, target, tx)),
            Feed::UsageOf(key) => feed::of(move |tx| usage::one(engine, key, tx)),
            Feed::Log(source) => feed::of(move |tx| logs::run(engine, source, tx)),
            Feed::Object(key) => feed::of(move |tx| object::run(engine, key, tx)),
            Feed::Namespaces
            | Feed::Pods(_)
            | Feed::Workloads(_)
            | Feed::Releases(_)
            | Feed::Events(_)
            | Feed::Revisions(_) => feed::unsupported("a Docker engine has containers only"),
        }
    }
}
