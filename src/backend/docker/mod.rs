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

use super::{Source, emit};
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
            Feed::Server => emit::feed(|out| server::run(engine, out)),
            Feed::Containers => emit::feed(move |out| containers::run(engine, target, out)),
            Feed::Usage(_) => emit::feed(move |out| usage::all(engine, target, out)),
            Feed::UsageOf(key) => emit::feed(move |out| usage::one(engine, key, out)),
            Feed::Log(source) => emit::feed(move |out| logs::run(engine, source, out)),
            Feed::Object(key) => emit::feed(move |out| object::run(engine, key, out)),
            Feed::Namespaces
            | Feed::Pods(_)
            | Feed::Workloads(_)
            | Feed::Releases(_)
            | Feed::Events(_)
            | Feed::Revisions(_) => emit::unsupported("a Docker engine has containers only"),
        }
    }
}
