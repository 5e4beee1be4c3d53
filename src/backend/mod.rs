//! What a target must be able to do, whatever answers behind it.
//!
//! Signatures return streams, not senders: a fake is `stream::iter(script)`. Connecting is lazy:
//! opening a target never waits for a server, and a dead one is reported through its feeds.

pub mod demo;
pub mod docker;
mod emit;
mod escape;
pub mod kubernetes;
mod retry;
pub mod yaml;

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::actions::{Action, Approved, Expectation, Observation, Plan, Progress};
use crate::model::{Fault, FeedEvent, FeedSpec, TargetMeta};

/// Where live data comes from.
pub trait Source: Send + Sync {
    /// The stream for `spec`; see [`FeedEvent`] for its contract. Dropping it ends all its work.
    fn watch(&self, spec: &FeedSpec) -> BoxStream<'static, FeedEvent>;

    /// The command that logs the user in on the terminal, where there is one.
    fn login(&self) -> BoxFuture<'static, Result<Login, Fault>> {
        let fault = Fault::Unsupported { what: "this target has no login command".into() };
        Box::pin(std::future::ready(Err(fault)))
    }
}

/// A command that talks to the user and keeps what it got for itself. What it prints on standard
/// output is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Program.
    pub program: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment it gets on top of ours.
    pub env: Vec<(String, String)>,
}

/// Where changes go. Only the gateway holds one.
pub trait Operator: Send + Sync {
    /// Reads the object live, checks access, tries the change on the server where it offers a dry
    /// run, and says what would happen.
    fn plan(&self, action: &Action) -> BoxFuture<'static, Result<Plan, Fault>>;

    /// Sends the plan's changes in order, conditional on its basis. Ends after `Done` or `Failed`.
    fn execute(&self, approved: Approved) -> BoxStream<'static, Progress>;

    /// Watches until the expectation holds, is contradicted, or its time has passed.
    fn observe(&self, expect: &Expectation) -> BoxStream<'static, Observation>;
}

/// An open target.
#[derive(Clone)]
pub struct Opened {
    /// What is known of it.
    pub meta: TargetMeta,
    /// Its data.
    pub source: Arc<dyn Source>,
    /// Its changes.
    pub operator: Arc<dyn Operator>,
}
