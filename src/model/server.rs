//! What a target says of itself once connected.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that an action needs to be allowed to do; the unit of "may I?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Change the number of replicas.
    Scale,
    /// Make new pods of the same revision, or restart a container.
    Restart,
    /// Go back to an earlier revision.
    Rollback,
    /// Promote, abort, hold, resume or retry a release.
    Release,
    /// Delete a pod or remove a container.
    Delete,
    /// Stop or start a container.
    Stop,
    /// Freeze or thaw a container.
    Pause,
}

/// Whether something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The server said yes.
    Allowed,
    /// The server said no, with the reason for people.
    Denied(Arc<str>),
    /// Not asked, or no answer: the action itself will tell.
    Unknown,
}

/// Facts about a connected server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerInfo {
    /// Version as it reports it (`v1.20.2`, `20.10.24`).
    pub version: Arc<str>,
    /// Who we are there, as far as known.
    pub user: Arc<str>,
    /// Its address.
    pub address: Arc<str>,
    /// The namespace that `access` was asked for; `None` is all of them at once.
    pub access_in: Option<Arc<str>>,
    /// What may be done there; what is absent is unknown.
    pub access: BTreeMap<Deed, Access>,
    /// Where metrics come from, or why there are none.
    pub metrics: Arc<str>,
    /// Free facts worth a line in `pilothouse check` (`name`, `value`).
    pub facts: Vec<(Arc<str>, Arc<str>)>,
}
