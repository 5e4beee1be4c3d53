//! Changes to containers, with the engine's own semantics.

mod execute;
mod notes;
mod observe;
mod plan;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::engine::Engine;
use crate::actions::{Action, Approved, Expectation, Observation, Plan, Progress};
use crate::backend::Operator;
use crate::backend::emit::emit;
use crate::model::{Fault, TargetMeta};

/// The changes of one engine.
#[derive(Clone)]
pub struct DockerOperator {
    meta: TargetMeta,
    engine: Engine,
}

impl DockerOperator {
    /// The changes of `engine` as target `meta`; nothing is connected yet.
    #[must_use]
    pub const fn new(meta: TargetMeta, engine: Engine) -> Self {
        Self { meta, engine }
    }
}

impl Operator for DockerOperator {
    fn plan(&self, action: &Action) -> BoxFuture<'static, Result<Plan, Fault>> {
        let (engine, target, action) = (self.engine.clone(), self.meta.name.to_string(), action.clone());
        async move { plan::plan(&engine, target, &action).await }.boxed()
    }

    fn execute(&self, approved: Approved) -> BoxStream<'static, Progress> {
        let engine = self.engine.clone();
        emit(|out| async move { execute::run(&engine, approved, &out).await })
    }

    fn observe(&self, expect: &Expectation) -> BoxStream<'static, Observation> {
        let (engine, expect) = (self.engine.clone(), expect.clone());
        emit(|out| async move { observe::run(&engine, &expect, &out).await })
    }
}
