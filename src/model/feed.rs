//! Live streams from a backend into the World: what can be asked for, and what comes.
//!
//! The contract is kube-runtime's: after [`FeedEvent::Reset`] rows arrive as `Staged` until
//! `Synced`, when whatever was not staged is gone. A stream never ends by itself: after `Lost` the
//! backend tries again for as long as the stream is polled.

use std::sync::Arc;

use super::fault::Fault;
use super::key::Key;
use super::log::{LogRecord, LogSource};
use super::metric::Sample;
use super::revision::Revisions;
use super::row::Row;
use super::server::ServerInfo;
use super::target::TargetId;

/// A stream somebody wants, and the target it comes from. Equal specs share one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedSpec {
    /// Target.
    pub target: TargetId,
    /// What of it.
    pub feed: Feed,
}

/// One namespace, or all (`None`).
pub type Scope = Option<Arc<str>>;

/// What a stream is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feed {
    /// Connection, version, user and access rights: [`FeedEvent::Server`].
    Server,
    /// Rows of namespaces.
    Namespaces,
    /// Rows of pods.
    Pods(Scope),
    /// Rows of Deployments, StatefulSets and DaemonSets.
    Workloads(Scope),
    /// Rows of releases of delivery tools (Argo Rollouts, Flagger), as far as the server has them.
    Releases(Scope),
    /// Rows of events.
    Events(Scope),
    /// Rows of an engine's containers.
    Containers,
    /// Usage of everything in scope (every running container of an engine), at the slow cadence.
    Usage(Scope),
    /// Usage of one object with network and block I/O, at the fast cadence.
    UsageOf(Key),
    /// Records of one log.
    Log(LogSource),
    /// The full object as YAML, again whenever it changes.
    Object(Key),
    /// Revisions of a workload, again whenever they change.
    Revisions(Key),
}

/// What a stream delivers.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedEvent {
    /// Connected: facts about the server.
    Server(Box<ServerInfo>),
    /// A new listing begins.
    Reset,
    /// Rows of that listing.
    Staged(Vec<Row>),
    /// The listing is complete; watching begins.
    Synced,
    /// A row is new or has changed.
    Upsert(Row),
    /// A row is gone.
    Remove(Key),
    /// Measurements.
    Samples(Vec<Sample>),
    /// Log records, oldest first.
    Log(Vec<LogRecord>),
    /// The object as YAML.
    Object(Arc<str>),
    /// Revisions.
    Revisions(Box<Revisions>),
    /// The server was heard from and nothing changed.
    Alive,
    /// The stream broke, or cannot be had; the backend keeps trying.
    Lost(Fault),
}
