//! A Kubernetes event as one row.

use std::sync::Arc;

use super::key::Key;
use super::time::Stamp;

/// One event. `last` follows `series.lastObservedTime ?? lastTimestamp ?? eventTime ?? creation`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterEvent {
    /// Identity of the event itself.
    pub key: Key,
    /// True for `type: Warning`.
    pub warning: bool,
    /// Reason, one word.
    pub reason: Arc<str>,
    /// Message, untrusted text.
    pub message: Box<str>,
    /// What it is about, as `Kind/name`.
    pub object: Arc<str>,
    /// UID of what it is about, may be empty.
    pub object_uid: Arc<str>,
    /// How often it was seen.
    pub count: u32,
    /// First seen.
    pub first: Stamp,
    /// Last seen.
    pub last: Stamp,
    /// Component that reports it.
    pub source: Arc<str>,
}
